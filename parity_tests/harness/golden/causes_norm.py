"""Mistakes in batch normalisation: variances, epsilon, statistics, momentum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from parity_tests.harness.golden.causes import Guess
    from parity_tests.harness.golden.causes_layer import Layer

Array = np.ndarray[Any, np.dtype[Any]]


class _Statistics:
    """Mean, variance and parameters of a layer, shaped so that they meet (N, C, ...)."""

    def __init__(self, layer: Layer) -> None:
        x, options = layer.x, layer.call.options
        self.axes = (0, *range(2, x.ndim))
        self.keep = (-1, *[1] * (x.ndim - 2))
        self.count = x.size // x.shape[1]
        self.eps = float(options["eps"])
        self.training = bool(options["training"])
        self.batch = x.mean(self.axes), x.var(self.axes)
        ones = np.ones(x.shape[1])
        held = layer.parameters
        self.running = held.get("running_mean", 0 * ones), held.get("running_var", ones)
        self.weight = held.get("weight", ones).reshape(self.keep)
        self.bias = held.get("bias", 0 * ones).reshape(self.keep)
        self.x = x

    def normal(self, mean: Array, deviation: Array) -> Array:
        """Return (x - mean) / deviation."""
        return np.asarray((self.x - mean.reshape(self.keep)) / deviation.reshape(self.keep))


def forward(layer: Layer) -> Iterator[Guess]:
    """Yield wrong outputs."""
    s = _Statistics(layer)
    (mean, variance), (other, other_variance) = (
        (s.batch, s.running) if s.training else (s.running, s.batch)
    )

    def output(mean: Array, deviation: Array) -> Array:
        return s.weight * s.normal(mean, deviation) + s.bias

    right = s.normal(mean, np.sqrt(variance + s.eps))
    yield "epsilon is added outside the root", output(mean, np.sqrt(variance) + s.eps)
    yield "epsilon is left out", output(mean, np.sqrt(variance))
    yield "epsilon is 1e-3, not 1e-5", output(mean, np.sqrt(variance + 1e-3))
    if s.count > 1:
        unbiased = variance * s.count / (s.count - 1)
        yield (
            "the variance is the unbiased one, not the biased one",
            output(mean, np.sqrt(unbiased + s.eps)),
        )
    yield "it is divided by the variance, not by its root", output(mean, variance + s.eps)
    what = "running statistics stand for the batch's", "the batch's stand for running statistics"
    yield what[0 if s.training else 1], output(other, np.sqrt(other_variance + s.eps))
    yield "scale and shift are left out", right
    yield "the shift is left out", s.weight * right
    yield "the scale is left out", right + s.bias


def backward(layer: Layer) -> Iterator[Guess]:
    """Yield wrong gradients of the input."""
    s = _Statistics(layer)
    dy = layer.dy
    if dy is None or not s.training:
        return
    mean, variance = s.batch
    deviation = np.sqrt(variance + s.eps).reshape(s.keep)
    normal = s.normal(mean, np.sqrt(variance + s.eps))
    shift = dy.mean(s.axes).reshape(s.keep)
    slope = normal * (dy * normal).mean(s.axes).reshape(s.keep)
    scale = s.weight / deviation
    yield "mean and variance are treated as constants", scale * dy
    yield "the variance is treated as a constant", scale * (dy - shift)
    yield "the mean is treated as a constant", scale * (dy - slope)
    yield "the scale is left out", (dy - shift - slope) / deviation


def running(layer: Layer, local: str) -> Iterator[Guess]:
    """Yield wrong running statistics after one step."""
    s = _Statistics(layer)
    momentum = layer.call.options.get("momentum")
    if momentum is None or local not in ("running_mean", "running_var"):
        return
    at = ("running_mean", "running_var").index(local)
    old, new = s.running[at], s.batch[at]
    unbiased = new * s.count / max(1, s.count - 1) if at else new
    yield (
        "momentum weighs the old value, not the new one",
        momentum * old + (1 - momentum) * unbiased,
    )
    yield "it is the batch's alone, without the old value", unbiased
    if at:
        yield (
            "the running variance takes the biased variance",
            (1 - momentum) * old + momentum * new,
        )
