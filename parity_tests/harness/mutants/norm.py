"""Faults of batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter
from scratch.nn.norm import _BatchNorm

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

NORM, NORM_BACK = "ops.norm.batch_norm", "ops.norm.batch_norm_backward"
LAYER = "nn.norm._BatchNorm"
BOTH = ["BatchNorm2d", "BatchNorm1d"]


def _axes(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _wide(values: Array, x: Array) -> Array:
    return values.reshape(-1, *[1] * (x.ndim - 2))


def _factor(cache: Any) -> Array:
    factor = cache.inverse if cache.weight is None else cache.inverse * cache.weight
    return _wide(factor, cache.normalised)


@plant("first BatchNorm term dropped", NORM_BACK, BOTH, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, *more = original(dy, cache)
    return dx - _factor(cache) * dy, *more


@plant("second BatchNorm term dropped", NORM_BACK, BOTH, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, *more = original(dy, cache)
    return dx + _factor(cache) * _wide(dy.mean(axis=_axes(dy)), dy), *more


@plant("third BatchNorm term dropped", NORM_BACK, BOTH, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, *more = original(dy, cache)
    normalised = cache.normalised
    spread = normalised * _wide((dy * normalised).mean(axis=_axes(dy)), dy)
    return dx + _factor(cache) * spread, *more


@plant("running variance biased", "ops.norm.unbiased", BOTH, "forward running_var")
def _(original: Any, variance: Array, x: Array) -> Any:
    return variance


@plant("batch normalised with the unbiased variance", NORM, BOTH, "forward output")
def _(original: Any, x: Array, weight: Any, bias: Any, eps: float) -> Any:
    y, cache = original(x, weight, bias, eps)
    m = x.size // x.shape[1]
    shift = x.dtype.type(0) if bias is None else _wide(bias, x)
    ratio = np.sqrt((cache.variance + eps) / (cache.variance * (m / (m - 1)) + eps))
    return (y - shift) * _wide(ratio, x) + shift, cache


@plant("running mean momentum m for 1-m", "ops.norm.running", BOTH, "forward running_mean")
def _(original: Any, old: Array, new: Array, momentum: float) -> Any:
    return original(old, new, 1 - momentum)


@plant("eps outside the root", NORM, BOTH, "forward output")
def _(original: Any, x: Array, weight: Any, bias: Any, eps: float) -> Any:
    y, cache = original(x, weight, bias, eps)
    shift = x.dtype.type(0) if bias is None else _wide(bias, x)
    ratio = np.sqrt(cache.variance + eps) / (np.sqrt(cache.variance) + eps)
    return (y - shift) * _wide(ratio, x) + shift, cache


@plant("eps 1e-3", NORM, BOTH, "forward output")
def _(original: Any, x: Array, weight: Any, bias: Any, eps: float) -> Any:
    return original(x, weight, bias, 1e-3)


@plant("eval statistics in training", f"{LAYER}.forward", BOTH, "forward output")
def _(original: Any, self: _BatchNorm, input: Array) -> Any:
    mode, self.training = self.training, False
    try:
        return original(self, input)
    finally:
        self.training = mode


@plant("batch statistics in evaluation", f"{LAYER}.forward", BOTH, "forward output")
def _(original: Any, self: _BatchNorm, input: Array) -> Any:
    mode, self.training = self.training, True
    try:
        return original(self, input)
    finally:
        self.training = mode


@plant("variance in one pass", NORM, BOTH, "forward output")
def _(original: Any, x: Array, weight: Any, bias: Any, eps: float) -> Any:
    y, cache = original(x, weight, bias, eps)
    shift = x.dtype.type(0) if bias is None else _wide(bias, x)
    variance = (x * x).mean(axis=_axes(x)) - cache.mean * cache.mean
    ratio = np.sqrt((cache.variance + eps) / (np.maximum(variance, 0) + eps))
    return (y - shift) * _wide(ratio, x) + shift, cache


@plant("statistics per pixel instead of per channel", NORM, ["BatchNorm2d"], "forward output")
def _(original: Any, x: Array, weight: Any, bias: Any, eps: float) -> Any:
    _, cache = original(x, weight, bias, eps)
    y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + x.dtype.type(eps))
    y = y if weight is None else y * _wide(weight, x)
    return (y if bias is None else y + _wide(bias, x)), cache


@plant("batches not counted", f"{LAYER}._track", BOTH, "forward num_batches_tracked")
def _(original: Any, self: _BatchNorm, cache: Any, input: Array) -> Any:
    count = self.num_batches_tracked
    original(self, cache, input)
    if count is not None:
        self.num_batches_tracked = count


@plant("running statistics moved in evaluation", f"{LAYER}.forward", BOTH, "forward running_mean")
def _(original: Any, self: _BatchNorm, input: Array) -> Any:
    y = original(self, input)
    if not self.training and self.running_mean is not None:
        mean = input.mean(axis=_axes(input), dtype=input.dtype)
        self.running_mean = self.running_mean * input.dtype.type(0.9) + mean * input.dtype.type(0.1)
    return y


@plant("scale forgotten in dx", NORM_BACK, BOTH, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, *more = original(dy, cache)
    return (dx if cache.weight is None else dx / _wide(cache.weight, dx)), *more


@plant("scale gradient mean instead of sum", NORM_BACK, BOTH, "backward weight")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    count = dy.dtype.type(dy.size // dy.shape[1])
    return dx, None if dweight is None else dweight / count, dbias


@plant("scale gradient without 1 / s", NORM_BACK, BOTH, "backward weight")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    return dx, None if dweight is None else dweight / cache.inverse, dbias
