"""What an ONNX node is among scratch's layers: class, arguments, parameters, inputs.

Where the two differ in meaning, or scratch has no such option, the form says so and the case is
left out. Names and defaults are those of the operator set (onnx/docs/Operators.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity_tests.harness.judges.onnx_data import Node
from parity_tests.harness.judges.onnx_recurrent import gather, recurrent
from parity_tests.harness.judges.onnx_trial import Trial, axes, one, refused
from parity_tests.harness.judges.onnx_windows import conv, pool, whole
from parity_tests.harness.judges.tally import LeftOutError

Array = np.ndarray[Any, np.dtype[Any]]

# Tests whose expected numbers are not what float32 makes of their inputs, and why.
ROUGH = {
    # (0.8816 + 0.4353 + 0.5772 + 0.6623) / 9 is 0.28404; the test expects 0.2841.
    "averagepool_2d_ceil_last_window_starts_on_pad": "its numbers were typed with four decimals",
}


def trials(node: Node) -> list[Trial]:
    """Return the layers that the outputs of a node are held against.

    Raises:
        LeftOutError: there is no such layer; the text says why.
    """
    if node.name in ROUGH:
        raise LeftOutError(ROUGH[node.name])
    return FORMS[node.operator](node)


def _plain(layer: str, **defaults: Any) -> Callable[[Node], list[Trial]]:
    """Return the form of a function of one number; a default is (attribute, keyword, value)."""

    def form(node: Node) -> list[Trial]:
        return one(node, layer, **{k: node.attributes.get(a, v) for k, (a, v) in defaults.items()})

    return form


def _join(layer: str) -> Callable[[Node], list[Trial]]:
    def form(node: Node) -> list[Trial]:
        (trial,) = one(node, layer)
        a, b = trial.inputs
        if not trial.refused and a.shape != b.shape:
            return refused(trial, "inputs of two shapes")
        return [trial]

    return form


def _product(node: Node, x: Array, matrix: Array, bias: Array | None) -> list[Trial]:
    """Return y = x W + b as a Linear; factors that ONNX keeps apart are part of the numbers."""
    features, out = matrix.shape
    arguments = {"in_features": features, "out_features": out, "bias": bias is not None}
    state = {"weight": np.ascontiguousarray(matrix.T)}
    if bias is not None:
        state["bias"] = bias
    (trial,) = one(node, "Linear", x, **arguments)
    return [Trial(trial.layer, arguments, trial.inputs, trial.outputs, state)]


def _matmul(node: Node) -> list[Trial]:
    x, matrix = node.inputs
    if matrix.ndim != 2 or x.ndim < 2:
        raise LeftOutError("the second factor is not one matrix for all samples")
    return _product(node, x, matrix, None)


def _gemm(node: Node) -> list[Trial]:
    x, matrix, *rest = node.inputs
    got = node.attributes
    matrix = matrix.T if got.get("transB") else matrix
    matrix = got.get("alpha", 1.0) * matrix.astype(np.float64)
    bias = None
    if rest and rest[0] is not None and got.get("beta", 1.0):
        if rest[0].ndim == 2 and len(rest[0]) > 1:
            raise LeftOutError("a bias for every sample")
        row = got.get("beta", 1.0) * rest[0].astype(np.float64)
        bias = np.broadcast_to(row.reshape(-1), matrix.shape[1:])
    return _product(node, x.T if got.get("transA") else x, matrix, bias)


def _batch_norm(node: Node) -> list[Trial]:
    x, weight, bias, mean, variance = node.inputs
    got = node.attributes
    training = bool(got.get("training_mode", node.version < 7 and not got.get("is_test", 0)))
    arguments = {
        "num_features": x.shape[1],
        "eps": got.get("epsilon", 1e-5),
        "momentum": 1 - got.get("momentum", 0.9),  # ONNX: the weight of the old value
    }
    layer = "BatchNorm1d" if x.ndim < 4 else "BatchNorm2d"
    (trial,) = one(node, layer, x, **arguments)
    if x.ndim > 4:
        return refused(trial, axes(x.ndim - 2))
    state = {
        "weight": weight,
        "bias": bias,
        "running_mean": mean,
        "running_var": variance,
        "num_batches_tracked": np.zeros((), np.int64),
    }
    outputs = dict(trial.outputs)
    if training:  # ONNX keeps the biased variance, torch the unbiased one: not compared
        outputs["running_mean"] = node.outputs[1]
    return [Trial(layer, arguments, (x,), outputs, state, training)]


def _lrn(node: Node) -> list[Trial]:
    got = node.attributes
    if got["size"] % 2 == 0:
        raise LeftOutError("an even window: torch's lies one channel lower")
    options = (("alpha", "alpha", 1e-4), ("beta", "beta", 0.75), ("k", "bias", 1.0))
    return one(
        node,
        "LocalResponseNorm",
        size=got["size"],
        **{key: got.get(name, default) for key, name, default in options},
    )


def _along(layer: str) -> Callable[[Node], list[Trial]]:
    """Return the form of softmax; before version 13 it went over all axes from `axis` on."""

    def form(node: Node) -> list[Trial]:
        (x,) = node.inputs
        axis = node.attributes.get("axis", -1 if node.version >= 13 else 1)
        if node.version < 13 and axis % x.ndim != x.ndim - 1:
            raise LeftOutError("softmax over several axes, as before version 13")
        return one(node, layer, x, dim=axis)

    return form


def _dropout(node: Node) -> list[Trial]:
    x, *more = node.inputs
    ratio = float(more[0]) if more and more[0] is not None else node.attributes.get("ratio", 0.5)
    training = bool(more[1]) if len(more) > 1 and more[1] is not None else False
    mask = node.outputs[1] if len(node.outputs) > 1 else None
    if training and ratio and mask is None:
        raise LeftOutError("the mask that was drawn is not given")
    (trial,) = one(node, "Dropout", x, p=ratio)
    kept = mask if mask is not None else np.ones(trial.inputs[0].shape, bool)
    return [Trial("Dropout", trial.arguments, trial.inputs, trial.outputs, {}, training, kept)]


def _flatten(node: Node) -> list[Trial]:
    (x,) = node.inputs
    axis = node.attributes.get("axis", 1) % x.ndim
    if axis != 1:
        raise LeftOutError("joins the axes before `axis` too, or makes one row of all")
    return one(node, "Flatten", x)


def _cross_entropy(node: Node) -> list[Trial]:
    x, target, *weight = node.inputs
    arguments = {
        "reduction": node.attributes.get("reduction", "mean"),
        "ignore_index": node.attributes.get("ignore_index", -100),
        "weight": weight[0] if weight else None,
    }
    loss, *log_p = node.outputs
    made = [Trial("CrossEntropyLoss", arguments, (x, target), {"output": loss})]
    if log_p and log_p[0] is not None:
        made.append(Trial("LogSoftmax", {"dim": 1}, (x,), {"output": log_p[0]}))
    return made


def _swish(node: Node) -> list[Trial]:
    if node.attributes.get("alpha", 1.0) != 1:
        raise LeftOutError("a factor in the gate; SiLU has none")
    return one(node, "SiLU")


def _absent(node: Node) -> list[Trial]:
    raise LeftOutError("scratch has no loss of log-probabilities; its own takes logits")


_CEIL = ("ceil_mode", 0)
FORMS: dict[str, Callable[[Node], list[Trial]]] = {
    "Add": _join("Add"),
    "AveragePool": pool("AvgPool2d", ceil_mode=_CEIL, count_include_pad=("count_include_pad", 0)),
    "BatchNormalization": _batch_norm,
    "Concat": lambda node: one(node, "Concat", dim=node.attributes["axis"]),
    "Conv": conv,
    "Dropout": _dropout,
    "Elu": _plain("ELU", alpha=("alpha", 1.0)),
    "Flatten": _flatten,
    "GRU": recurrent("GRU"),
    "Gather": gather,
    "Gelu": _plain("GELU", approximate=("approximate", "none")),
    "Gemm": _gemm,
    "GlobalAveragePool": whole("AdaptiveAvgPool2d"),
    "GlobalMaxPool": whole("MaxPool2d"),
    "LRN": _lrn,
    "LSTM": recurrent("LSTM"),
    "LeakyRelu": _plain("LeakyReLU", negative_slope=("alpha", 0.01)),
    "Log": _plain("Log"),
    "LogSoftmax": _along("LogSoftmax"),
    "MatMul": _matmul,
    "MaxPool": pool("MaxPool2d", ceil_mode=_CEIL),
    "Mul": _join("Multiply"),
    "NegativeLogLikelihoodLoss": _absent,
    "RNN": recurrent("RNN"),
    "Relu": _plain("ReLU"),
    "Sigmoid": _plain("Sigmoid"),
    "Sin": _plain("Sin"),
    "Softmax": _along("Softmax"),
    "SoftmaxCrossEntropyLoss": _cross_entropy,
    "Softplus": _plain("Softplus"),
    "Sqrt": _plain("Sqrt"),
    "Swish": _swish,
    "Tanh": _plain("Tanh"),
}
