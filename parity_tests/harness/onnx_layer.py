"""One layer as an ONNX model, written by hand, for a third opinion on its forward.

This is no exporter: each function states what the ONNX operator set (opset 20) says the layer is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity_tests.harness import onnx_recurrent
from parity_tests.harness.engines import session

Array = np.ndarray[Any, np.dtype[Any]]
Node = tuple[str, dict[str, Any], list[Array]]

OPSET, IR = 20, 10


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else [int(v) for v in value]


def _window(layer: Any) -> dict[str, Any]:
    return {
        "kernel_shape": _pair(layer.kernel_size),
        "strides": _pair(layer.stride),
        "pads": _pair(layer.padding) * 2,
    }


def _parameters(layer: Any) -> list[Array]:
    return [value.detach().numpy() for value in layer.parameters()]


def _linear(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    weight, *bias = _parameters(layer)
    add: list[Node] = [("Add", {}, bias)] if bias else []
    return [("MatMul", {}, [np.ascontiguousarray(weight.T)]), *add]


def _conv2d(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    attributes: dict[str, Any] = {
        "kernel_shape": _pair(layer.kernel_size),
        "strides": _pair(layer.stride),
        "dilations": _pair(layer.dilation),
        "group": layer.groups,
    }
    if layer.padding == "same":
        attributes["auto_pad"] = "SAME_UPPER"
    elif layer.padding != "valid":
        attributes["pads"] = _pair(layer.padding) * 2
    return [("Conv", attributes, _parameters(layer))]


def _table_conv2d(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    kernels, bias = _parameters(layer)
    dense = np.zeros((layer.out_channels, layer.in_channels, *layer.kernel_size), kernels.dtype)
    dense[layer.targets, layer.sources] = kernels
    return [("Conv", {"kernel_shape": list(layer.kernel_size)}, [dense, bias])]


def _channel_scale(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    weight, bias = (value.reshape(-1, 1, 1) for value in _parameters(layer))
    return [("Mul", {}, [weight]), ("Add", {}, [bias])]


def _max_pool2d(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    more = {"dilations": _pair(layer.dilation), "ceil_mode": int(layer.ceil_mode)}
    return [("MaxPool", {**_window(layer), **more}, [])]


def _avg_pool2d(layer: Any, shape: tuple[int, ...]) -> list[Node] | None:
    if layer.divisor_override:
        return None  # ONNX has no such attribute
    more = {
        "ceil_mode": int(layer.ceil_mode),
        "count_include_pad": int(layer.count_include_pad),
    }
    return [("AveragePool", {**_window(layer), **more}, [])]


def _adaptive(layer: Any, shape: tuple[int, ...]) -> list[Node] | None:
    asked = layer.output_size
    high, wide = (asked, asked) if isinstance(asked, int) else asked
    sides = [(shape[2], high or shape[2]), (shape[3], wide or shape[3])]
    if any(size % out for size, out in sides):
        return None  # bins of different sizes are no single ONNX operator
    kernel = [size // out for size, out in sides]
    return [("AveragePool", {"kernel_shape": kernel, "strides": kernel}, [])]


def _leaky(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    return [("LeakyRelu", {"alpha": layer.negative_slope}, [])]


def _step(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    return [("Sign", {}, []), ("Relu", {}, [])]


def _powers(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    return [("Pow", {}, [np.arange(1, layer.degree + 1, dtype=np.float32)])]


def _batch_norm(layer: Any, shape: tuple[int, ...]) -> list[Node] | None:
    if layer.training or layer.weight is None or layer.bias is None:
        return None  # an exported network normalises with its running statistics
    constants = [*_parameters(layer), layer.running_mean.numpy(), layer.running_var.numpy()]
    return [("BatchNormalization", {"epsilon": layer.eps}, constants)]


def _affine(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    scale, shift = np.float32(layer.scale), np.float32(layer.shift)
    return [("Mul", {}, [np.array(scale)]), ("Add", {}, [np.array(shift)])]


def _square(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    return [("Pow", {}, [np.array(2.0, np.float32)])]


def _concat(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    return [("Concat", {"axis": layer.dim}, [])]


def _embedding(layer: Any, shape: tuple[int, ...]) -> list[Node]:
    return [("Gather", {}, _parameters(layer))]


def _named(operator: str) -> Callable[[Any, tuple[int, ...]], list[Node]]:
    return lambda layer, shape: [(operator, {}, [])]


NODES: dict[str, Callable[[Any, tuple[int, ...]], list[Node] | None]] = {
    "Linear": _linear,
    "Conv2d": _conv2d,
    "TableConv2d": _table_conv2d,
    "ChannelScale": _channel_scale,
    "MaxPool2d": _max_pool2d,
    "AvgPool2d": _avg_pool2d,
    "AdaptiveAvgPool2d": _adaptive,
    "ReLU": _named("Relu"),
    "LeakyReLU": _leaky,
    "Step": _step,
    "Powers": _powers,
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "Identity": _named("Identity"),
    "Add": _named("Add"),
    "Multiply": _named("Mul"),
    "Concat": _concat,
    "Embedding": _embedding,
    "Affine": _affine,
    "Square": _square,
}


def forward(layer: Any, inputs: tuple[Array, ...]) -> Any:
    """Run a torch layer's ONNX form in ONNX Runtime, graph optimisation off.

    Args:
        layer: float32 torch layer.
        inputs: what it takes, float32 or integers.

    Returns:
        The output, a recurrent layer's in the form of `outputs.flat`, or None where the layer is no
        single ONNX operator.
    """
    if type(layer).__name__ in onnx_recurrent.OPERATORS:
        return onnx_recurrent.forward(layer, inputs)
    make = NODES.get(type(layer).__name__)
    nodes = make(layer, inputs[0].shape) if make else None
    if nodes is None:
        return None
    given = {name: value for name, value in zip(_names(len(inputs)), inputs, strict=True)}
    result: Array = session(_model(nodes, given), "off").run(None, given)[0]
    return result


def _names(count: int) -> list[str]:
    """Return the names of the inputs: the first is what a chain of nodes begins with."""
    return ["v0", *(f"x{number}" for number in range(1, count))]


def _model(nodes: list[Node], given: dict[str, Array]) -> bytes:
    """Chain the nodes; the first takes all inputs, each other one the output before it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made, weights, axes = [], [], given["v0"].ndim
    for step, (operator, attributes, constants) in enumerate(nodes):
        names = [f"w{step}_{index}" for index in range(len(constants))]
        weights += [
            numpy_helper.from_array(np.ascontiguousarray(value), name)
            for name, value in zip(names, constants, strict=True)
        ]
        before = [f"v{step}"] if step else list(given)
        taken = [*before, *names]
        if operator == "Gather":  # the table comes first, and its rows add an axis
            taken, axes = [*names, *before], axes + 1
        made.append(helper.make_node(operator, taken, [f"v{step + 1}"], **attributes))
    graph = helper.make_graph(
        made,
        "layer",
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(value.dtype), list(value.shape)
            )
            for name, value in given.items()
        ],
        [helper.make_tensor_value_info(f"v{len(nodes)}", TensorProto.FLOAT, [None] * axes)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized
