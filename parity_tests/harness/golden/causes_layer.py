"""Mistakes in one layer, each computed from the golden tensors that the layer reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from parity_tests.harness.case import RECURRENT
from parity_tests.harness.golden import (
    causes_conv,
    causes_norm,
    causes_pointwise,
    causes_recurrent,
    causes_step,
)
from parity_tests.harness.golden.causes_pointwise import FUNCTIONS, logistic
from parity_tests.harness.golden.manifest import Call, Tensor

if TYPE_CHECKING:
    from parity_tests.harness.golden.causes import Evidence, Guess

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Layer:
    """One call with its arrays, in float64.

    Attributes:
        call: of the layer.
        x: what it reads.
        y: what it returns.
        dy: gradient of what it returns, None in a loss.
        before: what the activation that makes x reads, else None.
        after: gradient of what the next layer returns, else None.
        parameters: by local name.
        updated: the same after the optimiser's steps, empty in a set without.
    """

    call: Call
    x: Array
    y: Array
    dy: Array | None
    before: Array | None
    after: Array | None
    parameters: dict[str, Array]
    updated: dict[str, Array]


def layer_guesses(evidence: Evidence, tensor: Tensor) -> Iterator[Guess]:
    """Yield what mistakes in the layer that makes a tensor would have made of it."""
    maker = evidence.maker(tensor.name)
    if maker is not None:
        if maker.kind in RECURRENT:
            yield from causes_recurrent.forward(evidence, maker, tensor.name)
        elif _known(evidence, maker):
            yield from _forward(_layer(evidence, maker), evidence)
        return
    if tensor.role == "gradient" and tensor.name != "d_input":
        for call in evidence.set.calls:
            local = tensor.name.rpartition(".")[2]
            mine = local in call.parameters and tensor.name == call.named("gradient", local)
            if mine and call.kind in RECURRENT:
                yield from causes_recurrent.gradient(evidence, call, local)
            elif mine and _known(evidence, call):
                yield from _gradient(_layer(evidence, call), local)
        return
    if tensor.role == "updated":
        path, _, local = tensor.name.removeprefix("updated.").rpartition(".")
        for call in evidence.set.calls:
            if call.path == path and call.kind.startswith("BatchNorm") and _known(evidence, call):
                yield from causes_norm.running(_layer(evidence, call), local)
        yield from causes_step.guesses(evidence, tensor)
        return
    yield from _branches(evidence, tensor)
    for call in filter(lambda call: _known(evidence, call), _readers(evidence, tensor.name)):
        if call.kind in RECURRENT:
            found = causes_recurrent.backward(evidence, call)
        else:
            found = _backward(_layer(evidence, call), evidence)
        for text, value in found:
            yield f"{text} (backward of {call.path})", value


def _branches(evidence: Evidence, tensor: Tensor) -> Iterator[Guess]:
    """Yield gradients from which the branch that ends in a sum is missing."""
    readers, whole = _readers(evidence, tensor.name), evidence.get(tensor.name)
    if len(readers) < 2 or whole is None:
        return
    for call in readers:
        through = evidence.get(call.cotangent) if call.kind == "Add" else None
        if through is not None and through.shape == whole.shape:
            yield f"the gradient through {call.path} is forgotten", whole - through
            yield f"the gradient through {call.path} is added twice", whole + through


def _known(evidence: Evidence, call: Call) -> bool:
    """Whether it is known what a call reads: a reshape outside of every module has no name."""
    return bool(call.reads) and evidence.get(call.reads[0]) is not None


def _readers(evidence: Evidence, name: str) -> list[Call]:
    """Return the calls whose backward hands down a cotangent."""
    read = {"d_output": "output", "d_input": "input"}.get(name)
    found = evidence.readers(read or name.replace("cotangent.", "activation.", 1))
    same = evidence.arrays.get(name)
    whole = evidence.arrays.get("d_output")
    if not found and same is not None and whole is not None and np.array_equal(same, whole):
        return evidence.readers("output")
    return found


def _layer(evidence: Evidence, call: Call) -> Layer:
    x = evidence.get(call.reads[0])
    y = evidence.get(call.output)
    assert x is not None
    assert y is not None
    before = after = None
    maker = evidence.maker(call.reads[0])
    if maker is not None and maker.kind in FUNCTIONS:
        before = evidence.get(maker.reads[0])
    for reader in evidence.readers(call.output):
        if reader.kind in FUNCTIONS:
            after = evidence.get(reader.cotangent)
    found: dict[str, dict[str, Array]] = {"parameter": {}, "updated": {}}
    for local in call.parameters:
        for prefix, kept in found.items():
            value = evidence.get(call.named(prefix, local))
            if value is None and prefix == "parameter":
                value = evidence.get(call.named("buffer", local))
            if value is not None:
                kept[local] = value
    dy = evidence.get(call.cotangent) if call.cotangent else None
    return Layer(call, x, y, dy, before, after, found["parameter"], found["updated"])


# ---- linear layers


def _linear_forward(layer: Layer, evidence: Evidence) -> Iterator[Guess]:
    weight, bias = layer.parameters["weight"], layer.parameters.get("bias")
    zero = np.zeros(len(weight)) if bias is None else bias
    product = layer.x @ weight.T
    if bias is not None:
        yield "the bias is missing", product
        yield "the bias is added twice", product + 2 * bias
        yield "the bias is subtracted", product - bias
    yield (
        "the weight is read as (in, out), not (out, in)",
        layer.x @ weight.reshape(weight.shape[::-1]) + zero,
    )
    flat = evidence.maker(layer.call.reads[0])
    source = evidence.get(flat.reads[0]) if flat is not None and flat.kind == "Flatten" else None
    if source is not None and source.ndim == 4:
        hwc = source.transpose(0, 2, 3, 1).reshape(layer.x.shape)
        yield "the maps are flattened in the order H, W, C, not C, H, W", hwc @ weight.T + zero
    if layer.before is not None:
        yield "the activation before it is left out", layer.before @ weight.T + zero


def _linear_gradient(layer: Layer, local: str) -> Iterator[Guess]:
    x, dy = layer.x, layer.dy
    assert dy is not None
    if local == "bias":
        yield "only the last sample counts: assigned, not added up over the batch", dy[-1]
        yield "only the first sample counts", dy[0]
        if layer.after is not None:
            yield "the derivative of the activation behind it is left out", layer.after.sum(0)
        return
    yield (
        "only the last sample counts: assigned, not added up over the batch",
        np.outer(dy[-1], x[-1]),
    )
    yield "only the first sample counts", np.outer(dy[0], x[0])
    if layer.before is not None:
        yield "it is taken with the input of the activation before it", dy.T @ layer.before
    if layer.after is not None:
        yield "the derivative of the activation behind it is left out", layer.after.T @ x


def _linear_backward(layer: Layer) -> Iterator[Guess]:
    dy, weight = layer.dy, layer.parameters["weight"]
    assert dy is not None
    if "weight" in layer.updated:
        yield "it is taken with the weight after the update", dy @ layer.updated["weight"]
    yield (
        "the weight is read as (in, out), not (out, in)",
        dy @ weight.reshape(weight.shape[::-1]).T,
    )
    if layer.after is not None:
        yield "the derivative of the activation behind it is left out", layer.after @ weight


# ---- losses


def _loss_backward(layer: Layer, evidence: Evidence) -> Iterator[Guess]:
    target = evidence.get("target")
    if target is None:
        return
    n = len(layer.x)
    if layer.call.kind == "CrossEntropyLoss" and target.ndim == 1:
        y = np.exp(layer.x - layer.x.max(1, keepdims=True))
        y /= y.sum(1, keepdims=True)
        one_hot = np.eye(y.shape[1])[target.astype(int)]
        yield "the target is not subtracted: softmax alone", y / n
        yield "softmax is differentiated a second time", (y - one_hot) * y * (1 - y) / n
        yield "only the target's entry is there: softmax is forgotten", -one_hot / n
    if layer.call.kind == "BCEWithLogitsLoss":
        y = logistic(layer.x)
        yield (
            "the logistic function is differentiated a second time",
            ((y - target) * y * (1 - y) / layer.x.size),
        )
        yield "the target is not subtracted", y / layer.x.size
        yield "the logistic function is left out", (layer.x - target) / layer.x.size


def _forward(layer: Layer, evidence: Evidence) -> Iterator[Guess]:
    kind = layer.call.kind
    if kind == "Linear":
        yield from _linear_forward(layer, evidence)
    elif kind in FUNCTIONS:
        yield from causes_pointwise.forward(layer)
    elif kind.startswith("BatchNorm"):
        yield from causes_norm.forward(layer)
    elif kind in causes_conv.KINDS:
        yield from causes_conv.forward(layer)


def _gradient(layer: Layer, local: str) -> Iterator[Guess]:
    if layer.call.kind == "Linear":
        yield from _linear_gradient(layer, local)
    elif layer.call.kind in causes_conv.KINDS:
        yield from causes_conv.gradient(layer, local)


def _backward(layer: Layer, evidence: Evidence) -> Iterator[Guess]:
    kind = layer.call.kind
    if layer.dy is None:
        yield from _loss_backward(layer, evidence)
    elif kind == "Linear":
        yield from _linear_backward(layer)
    elif kind in FUNCTIONS:
        yield from causes_pointwise.backward(layer)
    elif kind.startswith("BatchNorm"):
        yield from causes_norm.backward(layer)
    elif kind in causes_conv.KINDS:
        yield from causes_conv.backward(layer)
    elif kind == "MaxPool2d":
        yield from causes_conv.pool_backward(layer)
