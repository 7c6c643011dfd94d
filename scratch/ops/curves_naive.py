"""The definition of :mod:`scratch.ops.curves`, one number after the other."""

from typing import Any

import numpy as np

from scratch.ops.checks import Array
from scratch.ops.rectifiers_naive import each, each_backward


def step(x: Array) -> tuple[Array, Array]:
    """Return 1 where ``x`` is positive, 0 elsewhere."""
    return each(x, lambda v: 1 if v.real > 0 else 0, lambda v: 0)


def bent_identity(x: Array) -> tuple[Array, Array]:
    """Return ``(sqrt(x^2 + 1) - 1) / 2 + x``."""
    return each(
        x,
        lambda v: (np.sqrt(v * v + 1) - 1) / 2 + v,
        lambda v: v / (2 * np.sqrt(v * v + 1)) + 1,
    )


def powers(x: Array, degree: int) -> tuple[Array, Any]:
    """Return ``x ** k`` in column k - 1."""
    y = np.empty((len(x), degree), x.dtype)
    for row, column in np.ndindex(y.shape):
        y[row, column] = x[row, 0] ** (column + 1)
    return y, x


def powers_backward(dy: Array, cache: Array) -> Array:
    """Return the sum over k of ``k * x ** (k - 1) * dy``."""
    dx = np.zeros(cache.shape, cache.dtype)
    for row, column in np.ndindex(dy.shape):
        dx[row, 0] += (column + 1) * cache[row, 0] ** column * dy[row, column]
    return dx


step_backward = each_backward
bent_identity_backward = each_backward
