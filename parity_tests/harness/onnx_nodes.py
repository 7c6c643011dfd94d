"""An exported file node by node: each alone in ONNX Runtime, on the float64 truth's own inputs.

The whole graph is run once in float64 by ONNX's reference implementation; then every node gets
those tensors, rounded to float32, and is judged with the bound of its operator.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness import bounds, bounds_layers, onnx_recurrent
from parity_tests.harness.engines import reference, session

Array = np.ndarray[Any, np.dtype[Any]]

# Operators that only move numbers, or choose among them.
MOVES = (
    *("Cast", "CastLike", "Constant", "ConstantOfShape", "Identity", "MaxPool", "Relu", "Shape"),
    *("Greater", "Sign", "Where"),
    *("Concat", "Expand", "Flatten", "Gather", "Pad", "Reshape", "ScatterND", "Slice"),
    *("Squeeze", "Transpose", "Unsqueeze"),
)
SMOOTH = ("Elu", "Gelu", "Softplus")
TRANSCENDENTAL = ("Exp", "Log", "Pow", "Sin", "Tanh")
ELEMENTWISE = ("Add", "Div", "Mul", "Sub")
SUMS = ("AveragePool", "Conv", "Gemm", "MatMul", "ReduceMean")


@dataclass(frozen=True)
class NodeResult:
    """One output of one node.

    Attributes:
        path: module of the network from which the exporter made the node.
        operator: ONNX operator.
        got: ONNX Runtime's output.
        want: float64 truth on the same inputs.
        units: bound in units of float32's roundoff; None for an operator without a bound.
    """

    path: str
    operator: str
    got: Array
    want: Array
    units: Array | None


def judge_nodes(proto: Any, x: Array) -> Iterator[NodeResult]:
    """Run every node of a model alone.

    Args:
        proto: `onnx.ModelProto` exported without optimisation.
        x: input of the model.

    Yields:
        Every output of every node, in the order of the graph.
    """
    tensors = _all_tensors(proto, x)
    for node in proto.graph.node:
        inputs = {name: _narrow(tensors[name]) for name in node.input if name}
        wide = {name: _widen(value) for name, value in inputs.items()}
        names = [name for name in node.output if name]
        want = _evaluate(proto, [_double_node(node)], wide, names)
        got = _run_alone(proto, node, inputs, dict(zip(names, want, strict=True)))
        if node.op_type in onnx_recurrent.OPERATORS:
            every = zip(node.output, onnx_recurrent.units(node, wide), strict=False)
            units: list[Array | None] = [units for name, units in every if name]
        else:
            units = [_units(proto, node, wide, want[0])] * len(want)
        for made, truth, allowed in zip(got, want, units, strict=True):
            yield NodeResult(_path(node), node.op_type, made, truth, allowed)


def evaluated(proto: Any, x: Array) -> Array:
    """Return what a whole model makes of its input in float64, by ONNX's reference."""
    return _all_tensors(proto, x)[proto.graph.output[0].name]


def _all_tensors(proto: Any, x: Array) -> dict[str, Array]:
    from onnx import numpy_helper

    tensors = {w.name: _widen(numpy_helper.to_array(w)) for w in proto.graph.initializer}
    tensors[proto.graph.input[0].name] = _widen(x)
    names = [name for node in proto.graph.node for name in node.output if name]
    nodes = [_double_node(node) for node in proto.graph.node]
    values = _evaluate(proto, nodes, tensors, names)
    return {**tensors, **dict(zip(names, values, strict=True))}


def _narrow(value: Array) -> Array:
    return value.astype(np.float32) if value.dtype == np.float64 else value


def _widen(value: Array) -> Array:
    return value.astype(np.float64) if value.dtype == np.float32 else value


def _double_node(node: Any) -> Any:
    """Return a copy of a node that computes in float64."""
    from onnx import NodeProto, TensorProto, numpy_helper

    copy = NodeProto()
    copy.CopyFrom(node)
    for attribute in copy.attribute:
        if attribute.HasField("t") and attribute.t.data_type == TensorProto.FLOAT:
            attribute.t.CopyFrom(
                numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float64))
            )
        if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.DOUBLE
    return copy


def _type_of(value: Array, name: str) -> Any:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    return helper.make_tensor_value_info(name, kind, [None] * value.ndim)


def _model(proto: Any, nodes: list[Any], inputs: list[Any], outputs: list[Any]) -> Any:
    from onnx import helper

    graph = helper.make_graph(nodes, "part", inputs, outputs)
    return helper.make_model(
        graph, opset_imports=list(proto.opset_import), ir_version=proto.ir_version
    )


def _evaluate(
    proto: Any, nodes: list[Any], inputs: dict[str, Array], names: list[str]
) -> list[Array]:
    from onnx import ValueInfoProto

    given = [_type_of(value, name) for name, value in inputs.items()]
    wanted = [ValueInfoProto(name=name) for name in names]
    evaluator = reference(_model(proto, nodes, given, wanted))
    return [np.asarray(value) for value in evaluator.run(names, inputs)]


def _run_alone(
    proto: Any, node: Any, inputs: dict[str, Array], want: dict[str, Array]
) -> list[Array]:
    given = [_type_of(value, name) for name, value in inputs.items()]
    outputs = [_type_of(_narrow(value), name) for name, value in want.items()]
    model = _model(proto, [node], given, outputs)
    opened = session(model.SerializeToString(), "off")
    return [np.asarray(value) for value in opened.run(list(want), inputs)]


def _units(proto: Any, node: Any, inputs: dict[str, Array], want: Array) -> Array | None:
    operator = node.op_type
    if operator in MOVES or want.dtype.kind != "f":
        return np.zeros(want.shape)
    if operator in TRANSCENDENTAL:
        return bounds.TRANSCENDENTAL * np.abs(want)
    if operator in ("LeakyRelu", "Sqrt"):
        return bounds.ROUNDED_PRODUCT * np.abs(want)
    if operator in SMOOTH:
        (x,) = inputs.values()
        return bounds.onnxruntime_smooth(want, np.abs(x) if operator == "Gelu" else np.ones(1))
    if operator == "BatchNormalization":
        return _batch_norm(node, inputs)
    if operator == "Sigmoid":
        return bounds.onnxruntime_sigmoid(want)
    absolute = {name: np.abs(v) if v.dtype.kind == "f" else v for name, v in inputs.items()}
    if operator in ELEMENTWISE:
        as_sum = _double_node(node)
        as_sum.op_type = "Add" if operator == "Sub" else operator
        return bounds.ROUNDED_PRODUCT * _evaluate(proto, [as_sum], absolute, [node.output[0]])[0]
    if operator in SUMS:
        size = _evaluate(proto, [_double_node(node)], absolute, [node.output[0]])[0]
        return bounds.accumulated(_terms(node, inputs), size)
    return None


def _batch_norm(node: Any, inputs: dict[str, Array]) -> Array:
    x, weight, bias, mean, variance = (inputs[name] for name in node.input)
    keep = (-1, *[1] * (x.ndim - 2))
    eps = {attribute.name: attribute for attribute in node.attribute}["epsilon"].f
    deviation = np.sqrt(variance + eps).reshape(keep)
    spread = (np.abs(x) + np.abs(mean).reshape(keep)) / deviation
    scale, shift = np.abs(weight).reshape(keep), np.abs(bias).reshape(keep)
    return bounds_layers.fixed_norm_output(spread, scale, shift, deviation)


def _terms(node: Any, inputs: dict[str, Array]) -> int:
    """Return how many products one output sums, the bias counted as one."""
    attributes = {attribute.name: attribute for attribute in node.attribute}
    if node.op_type == "AveragePool":
        return math.prod(attributes["kernel_shape"].ints) + 1
    if node.op_type == "ReduceMean":
        x = inputs[node.input[0]]
        return math.prod(x.shape[axis] for axis in inputs[node.input[1]]) + 1
    weight = inputs[node.input[1]]
    if node.op_type == "Conv":
        return math.prod(weight.shape[1:]) + 1
    transposed = node.op_type == "Gemm" and "transB" in attributes and attributes["transB"].i
    return int(weight.shape[-1 if transposed else -2]) + 1


def _path(node: Any) -> str:
    """Return the module path that the exporter noted: ['', 's2', 's2.pool', 'avg_pool2d']."""
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            scopes = [part.strip(" '\"") for part in entry.value.strip("[]").split(",")]
            return scopes[-2] if len(scopes) > 1 else ""
    return ""
