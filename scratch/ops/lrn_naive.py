"""The definition of `scratch.ops.lrn` in loops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class LrnCache(NamedTuple):
    """The input, the sums, and the options."""

    x: Array
    sums: Array
    size: int
    alpha: float
    beta: float


def local_response_norm(
    x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> tuple[Array, LrnCache]:
    """Walk through the window of every value; shapes as in `scratch.ops.lrn`."""
    y, sums = np.zeros_like(x), np.zeros_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        squares = x.dtype.type(0)
        for j in _window(c, size, x.shape[1]):
            squares += x[n, j, h, w] ** 2
        sums[n, c, h, w] = k + alpha / size * squares
        y[n, c, h, w] = x[n, c, h, w] / sums[n, c, h, w] ** beta
    return y, LrnCache(x, sums, size, alpha, beta)


def local_response_norm_backward(dy: Array, cache: LrnCache) -> Array:
    """Let every value act on each output whose window it is in: d y[c] / d x[j], one by one."""
    x, sums, size, alpha, beta = cache
    dx = np.zeros_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        s = sums[n, c, h, w]
        for j in _window(c, size, x.shape[1]):
            d_sum = 2 * alpha / size * x[n, j, h, w]
            slope = -beta * x[n, c, h, w] * s ** (-beta - 1) * d_sum
            if j == c:
                slope += s**-beta
            dx[n, j, h, w] += dy[n, c, h, w] * slope
    return dx


def _window(c: int, size: int, channels: int) -> Iterator[int]:
    for j in range(c - size // 2, c + (size - 1) // 2 + 1):
        if 0 <= j < channels:
            yield j
