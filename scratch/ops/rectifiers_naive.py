"""The definition of :mod:`scratch.ops.rectifiers`, one number after the other.

Every forward pass computes the derivative of each entry beside it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from scratch.ops.checks import Array


def leaky_relu(x: Array, negative_slope: float = 0.01) -> tuple[Array, Array]:
    """Return ``x`` where it is positive, ``negative_slope * x`` elsewhere."""
    return each(
        x,
        lambda v: v if v.real > 0 else negative_slope * v,
        lambda v: 1 if v.real > 0 else negative_slope,
    )


def elu(x: Array, alpha: float = 1.0) -> tuple[Array, Array]:
    """Return ``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere."""
    return each(
        x,
        lambda v: v if v.real > 0 else alpha * (np.exp(v) - 1),
        lambda v: 1 if v.real > 0 else alpha * np.exp(v),
    )


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> tuple[Array, Array]:
    """Return ``log(1 + exp(beta * x)) / beta``, and ``x`` where ``beta * x`` is large."""
    return each(
        x,
        lambda v: v if (beta * v).real > threshold else np.log(1 + np.exp(beta * v)) / beta,
        lambda v: 1 if (beta * v).real > threshold else 1 / (1 + np.exp(-beta * v)),
    )


def each(
    x: Array, function: Callable[[Any], Any], derivative: Callable[[Any], Any]
) -> tuple[Array, Array]:
    """Apply a function of one number, and its derivative, to every entry."""
    y, slope = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    for index in np.ndindex(x.shape):
        y[index], slope[index] = function(x[index]), derivative(x[index])
    return y, slope


def each_backward(dy: Array, slope: Array) -> Array:
    """Multiply every gradient by the derivative of its entry."""
    dx = np.empty(dy.shape, dy.dtype)
    for index in np.ndindex(dy.shape):
        dx[index] = dy[index] * slope[index]
    return dx


leaky_relu_backward = each_backward
elu_backward = each_backward
softplus_backward = each_backward
