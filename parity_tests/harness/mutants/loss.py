"""Faults of losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

MSE, MSE_BACK = "ops.loss.mse_loss", "ops.loss.mse_loss_backward"
HALF, HALF_BACK = "ops.loss.half_mse_loss", "ops.loss.half_mse_loss_backward"
BCE, BCE_BACK = "ops.loss.bce_with_logits", "ops.loss.bce_with_logits_backward"
CROSS, CROSS_BACK = "ops.loss.cross_entropy", "ops.loss.cross_entropy_backward"
CE = ["CrossEntropyLoss"]


@plant("MSE over batch only", MSE, ["MSELoss"], "forward output")
def _(original: Any, x: Array, target: Array, reduction: str) -> Any:
    value, cache = original(x, target, reduction)
    factor = x.size // len(x) if reduction == "mean" else 1
    return value * x.dtype.type(factor), cache


@plant("MSE gradient over batch only", MSE_BACK, ["MSELoss"], "backward dx", remembers=MSE)
def _(original: Any, d_loss: Any, cache: Any, call: Call) -> Any:
    factor = call.x.size // len(call.x) if call.reduction == "mean" else 1
    return original(d_loss, cache) * call.x.dtype.type(factor)


@plant("factor 2 of the square forgotten", MSE_BACK, ["MSELoss"], "backward dx")
def _(original: Any, d_loss: Any, cache: Any) -> Any:
    dx = original(d_loss, cache)
    return dx / dx.dtype.type(2)


@plant("gradient of the loss taken as 1", MSE_BACK, ["MSELoss"], "backward dx")
def _(original: Any, d_loss: Any, cache: Any) -> Any:
    return original(np.ones_like(d_loss)[()], cache)


@plant("half MSE over all values", HALF, ["HalfMSELoss"], "forward output")
def _(original: Any, x: Array, target: Array) -> Any:
    value, cache = original(x, target)
    return value / x.dtype.type(x.size // len(x)), cache


@plant("half forgotten in the gradient", HALF_BACK, ["HalfMSELoss"], "backward dx")
def _(original: Any, d_loss: Any, cache: Any) -> Any:
    dx = original(d_loss, cache)
    return dx * dx.dtype.type(2)


@plant("binary cross-entropy sum for mean", BCE, ["BCEWithLogitsLoss"], "forward output")
def _(original: Any, x: Array, reduction: str, **more: Any) -> Any:
    reduction = "sum" if reduction == "mean" else reduction
    return original(x=x, reduction=reduction, **more)


@plant(
    "weight forgotten in the gradient",
    BCE_BACK,
    ["BCEWithLogitsLoss"],
    "backward dx",
    remembers=BCE,
)
def _(original: Any, d_loss: Any, cache: Any, call: Call) -> Any:
    return original(d_loss, call.cache(weight=None))


@plant(
    "positive weight forgotten in the gradient",
    BCE_BACK,
    ["BCEWithLogitsLoss"],
    "backward dx",
    remembers=BCE,
)
def _(original: Any, d_loss: Any, cache: Any, call: Call) -> Any:
    return original(d_loss, call.cache(pos_weight=None))


@plant("positive weight on the negatives", BCE, ["BCEWithLogitsLoss"], "forward output")
def _(original: Any, x: Array, target: Array, weight: Any, pos_weight: Any, reduction: str) -> Any:
    value, cache = original(x, target, weight, pos_weight, reduction)
    if pos_weight is None:
        return value, cache
    return original(-x, 1 - target, weight, pos_weight, reduction)[0], cache


@plant("log of the sigmoid of the logits", BCE, ["BCEWithLogitsLoss"], "forward output")
def _(original: Any, x: Array, target: Array, weight: Any, pos_weight: Any, reduction: str) -> Any:
    value, cache = original(x, target, weight, pos_weight, reduction)
    if weight is not None or pos_weight is not None or reduction != "mean":
        return value, cache
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        y = 1 / (1 + np.exp(-x))
        return -(target * np.log(y) + (1 - target) * np.log(1 - y)).mean(), cache


@plant("cross-entropy sum for mean", CROSS, CE, "forward output")
def _(original: Any, x: Array, reduction: str, **more: Any) -> Any:
    reduction = "sum" if reduction == "mean" else reduction
    return original(x=x, reduction=reduction, **more)


@plant("cross-entropy gradient sum for mean", CROSS_BACK, CE, "backward dx", remembers=CROSS)
def _(original: Any, d_loss: Any, cache: Any, call: Call) -> Any:
    reduction = "sum" if call.reduction == "mean" else call.reduction
    return original(d_loss, call.cache(reduction=reduction))


@plant("log-sum-exp without shift", "ops.loss.log_softmax", CE, "forward output")
def _(original: Any, x: Array, axis: int) -> Any:
    _, cache = original(x, axis)
    with np.errstate(over="ignore", divide="ignore"):
        return x - np.log(np.exp(x).sum(axis, keepdims=True)), cache


@plant("logarithm of the softmax", "ops.loss.log_softmax", CE, "forward output")
def _(original: Any, x: Array, axis: int) -> Any:
    y, cache = original(x, axis)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(y)), cache


@plant("softmax before the logits", CROSS, CE, "forward output")
def _(original: Any, x: Array, **more: Any) -> Any:
    powers = np.exp(x - x.max(1, keepdims=True))
    return original(x=powers / powers.sum(1, keepdims=True), **more)


@plant("weighted mean divided by the batch", CROSS, CE, "forward output")
def _(
    original: Any, target: Array, weight: Any, ignore_index: int, reduction: str, **more: Any
) -> Any:
    given = dict(target=target, weight=weight, ignore_index=ignore_index, **more)
    value, cache = original(reduction=reduction, **given)
    if weight is None or reduction != "mean" or target.ndim > 1:
        return value, cache
    rows = (target != ignore_index).sum()
    return original(reduction="sum", **given)[0] / weight.dtype.type(rows), cache


@plant("ignored rows counted in the mean", CROSS, CE, "forward output")
def _(
    original: Any, target: Array, weight: Any, ignore_index: int, reduction: str, **more: Any
) -> Any:
    given = dict(target=target, weight=weight, ignore_index=ignore_index, **more)
    value, cache = original(reduction=reduction, **given)
    if weight is not None or reduction != "mean" or target.ndim > 1:
        return value, cache
    return value * value.dtype.type((target != ignore_index).mean()), cache


@plant("ignored rows get a gradient", CROSS_BACK, CE, "backward dx", remembers=CROSS)
def _(original: Any, d_loss: Any, cache: Any, call: Call) -> Any:
    dx = original(d_loss, cache)
    if call.target.ndim > 1 or not (call.target == call.ignore_index).any():
        return dx
    kept = call.target != call.ignore_index
    powers = np.exp(call.x - call.x.max(1, keepdims=True))
    dx[~kept] = (powers / powers.sum(1, keepdims=True) * d_loss / kept.sum())[~kept]
    return dx


@plant("label smoothing spread over the other classes", CROSS, CE, "forward output")
def _(original: Any, x: Array, label_smoothing: float, **more: Any) -> Any:
    classes = x.shape[1]
    return original(x=x, label_smoothing=label_smoothing * classes / (classes - 1), **more)


@plant("probabilities divided by the sum of the weights", CROSS, CE, "forward output")
def _(original: Any, target: Array, weight: Any, reduction: str, **more: Any) -> Any:
    value, cache = original(target=target, weight=weight, reduction=reduction, **more)
    if target.ndim == 1 or weight is None or reduction != "mean":
        return value, cache
    return value * value.dtype.type(len(target) / (target * weight).sum()), cache
