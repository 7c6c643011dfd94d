"""The definition of :mod:`scratch.ops.loss`: one loss after the other, then their sum or mean.

Every forward pass computes the derivative of each single loss beside it, so all backward passes are
one: derivative times incoming gradient.
"""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops.checks import Array


class LossCache(NamedTuple):
    """The derivative of each loss with respect to its entries, and how the losses were reduced."""

    slopes: Array
    reduction: str
    total: Any


def mse_loss(x: Array, target: Array, reduction: str = "mean") -> tuple[Any, LossCache]:
    """Return the mean of ``(x - target) ** 2``."""
    losses, slopes = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    for index in np.ndindex(x.shape):
        difference = x[index] - target[index]
        losses[index], slopes[index] = difference * difference, 2 * difference
    return _reduce(losses, slopes, reduction, x.size)


def half_mse_loss(x: Array, target: Array) -> tuple[Any, LossCache]:
    """Return the sum of ``(x - target) ** 2 / 2`` over outputs, averaged over samples."""
    losses, slopes = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    for index in np.ndindex(x.shape):
        difference = x[index] - target[index]
        losses[index], slopes[index] = difference * difference / 2, difference
    return _reduce(losses, slopes, "mean", len(x))


def bce_with_logits(
    x: Array,
    target: Array,
    weight: Array | None = None,
    pos_weight: Array | None = None,
    reduction: str = "mean",
) -> tuple[Any, LossCache]:
    """Return the mean of ``-w (p t log a + (1 - t) log(1 - a))`` with ``a = sigmoid(x)``."""
    weights = np.broadcast_to(np.ones(1, x.dtype) if weight is None else weight, x.shape)
    factors = np.broadcast_to(np.ones(1, x.dtype) if pos_weight is None else pos_weight, x.shape)
    losses, slopes = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    for index in np.ndindex(x.shape):
        w, p, t = weights[index], factors[index], target[index]
        a = 1 / (1 + np.exp(-x[index]))
        losses[index] = -w * (p * t * np.log(a) + (1 - t) * np.log(1 - a))
        slopes[index] = -w * (p * t / a - (1 - t) / (1 - a)) * a * (1 - a)
    return _reduce(losses, slopes, reduction, x.size)


def cross_entropy(
    x: Array,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> tuple[Any, LossCache]:
    """Return the mean of ``-sum over c of w[c] t[c] log p[c]`` with ``p = softmax(x)``."""
    n, classes = x.shape
    weights = np.ones(classes, x.dtype) if weight is None else weight
    losses, slopes = np.zeros(n, x.dtype), np.zeros((n, classes), x.dtype)
    total: Any = 0
    for row in range(n):
        if target.ndim == 1 and target[row] == ignore_index:
            continue
        p = [np.exp(v) / sum(np.exp(w) for w in x[row]) for v in x[row]]
        for c in range(classes):
            t = (target[row] == c) if target.ndim == 1 else target[row, c]
            smooth = (1 - label_smoothing) * t + label_smoothing / classes
            losses[row] -= weights[c] * smooth * np.log(p[c])
            for k in range(classes):
                slopes[row, k] -= weights[c] * smooth * ((c == k) - p[k])
        total += weights[target[row]] if target.ndim == 1 else 1
    return _reduce(losses, slopes, reduction, total)


def mse_loss_backward(d_loss: Any, cache: LossCache) -> Array:
    """Multiply the derivative of each loss by the gradient that reaches it."""
    slopes, reduction, total = cache
    dx = np.empty_like(slopes)
    for index in np.ndindex(slopes.shape):
        upstream = d_loss[index[: np.ndim(d_loss)]] if reduction == "none" else d_loss
        dx[index] = slopes[index] * upstream / (total if reduction == "mean" else 1)
    return dx


half_mse_loss_backward = mse_loss_backward
bce_with_logits_backward = mse_loss_backward
cross_entropy_backward = mse_loss_backward


def _reduce(losses: Array, slopes: Array, reduction: str, total: Any) -> tuple[Any, LossCache]:
    """Add the losses up one by one, and divide where a mean is wanted."""
    cache = LossCache(slopes, reduction, total)
    if reduction == "none":
        return losses, cache
    added = sum(losses.flat, start=losses.dtype.type(0))
    return (added / total if reduction == "mean" else added), cache
