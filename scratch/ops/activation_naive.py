"""The definition of :mod:`scratch.ops.activation`, one number after the other."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scratch.ops.checks import Array


class Kept(NamedTuple):
    """The output, and the axis along which it was normalized (None: entry by entry)."""

    y: Array
    axis: int | None


def relu(x: Array) -> tuple[Array, Kept]:
    """Return ``x`` where it is not negative (or NaN), 0 elsewhere."""
    return _each(x, lambda v: 0 if v.real <= 0 else v)


def relu_backward(dy: Array, cache: Kept) -> Array:
    """Return ``dy`` where ``y`` is positive (or NaN), 0 elsewhere."""
    return _each_backward(dy, cache, lambda d, y: 0 if y.real <= 0 else d)


def sigmoid(x: Array) -> tuple[Array, Kept]:
    """Return ``1 / (1 + exp(-x))``."""
    return _each(x, lambda v: 1 / (1 + np.exp(-v)))


def sigmoid_backward(dy: Array, cache: Kept) -> Array:
    """Return ``dy * y * (1 - y)``."""
    return _each_backward(dy, cache, lambda d, y: d * y * (1 - y))


def tanh(x: Array) -> tuple[Array, Kept]:
    """Return ``(exp(x) - exp(-x)) / (exp(x) + exp(-x))``."""
    return _each(x, lambda v: (np.exp(v) - np.exp(-v)) / (np.exp(v) + np.exp(-v)))


def tanh_backward(dy: Array, cache: Kept) -> Array:
    """Return ``dy * (1 - y * y)``."""
    return _each_backward(dy, cache, lambda d, y: d * (1 - y * y))


def softmax(x: Array, axis: int = -1) -> tuple[Array, Kept]:
    """Return ``exp(x) / sum of exp(x)`` along an axis."""
    return _rows(x, axis, lambda row: [np.exp(v) / sum(np.exp(w) for w in row) for v in row])


def softmax_backward(dy: Array, cache: Kept) -> Array:
    """Multiply by the Jacobian: ``dx[j] = sum over i of dy[i] * y[i] * ([i == j] - y[j])``."""
    return _rows_backward(dy, cache, lambda y, i, j: y[i] * ((i == j) - y[j]))


def log_softmax(x: Array, axis: int = -1) -> tuple[Array, Kept]:
    """Return ``log(exp(x) / sum of exp(x))`` along an axis."""
    return _rows(
        x, axis, lambda row: [np.log(np.exp(v) / sum(np.exp(w) for w in row)) for v in row]
    )


def log_softmax_backward(dy: Array, cache: Kept) -> Array:
    """Multiply by the Jacobian: ``dx[j] = sum over i of dy[i] * ([i == j] - exp(y[j]))``."""
    return _rows_backward(dy, cache, lambda y, i, j: (i == j) - np.exp(y[j]))


def _each(x: Array, function: Callable[[Any], Any]) -> tuple[Array, Kept]:
    """Apply a function of one number to every entry."""
    y = np.empty(x.shape, x.dtype)
    for index in np.ndindex(x.shape):
        y[index] = function(x[index])
    return y, Kept(y, None)


def _each_backward(dy: Array, cache: Kept, function: Callable[[Any, Any], Any]) -> Array:
    """Apply a function of one gradient and one output to every entry."""
    dx = np.empty(dy.shape, dy.dtype)
    for index in np.ndindex(dy.shape):
        dx[index] = function(dy[index], cache.y[index])
    return dx


def _rows(x: Array, axis: int, function: Callable[[Array], list[Any]]) -> tuple[Array, Kept]:
    """Apply a function of one line of numbers to every line along an axis."""
    y = np.empty(x.shape, x.dtype)
    x_lines, y_lines = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    for index in np.ndindex(x_lines.shape[:-1]):
        y_lines[index] = function(x_lines[index])
    return y, Kept(y, axis)


def _rows_backward(dy: Array, cache: Kept, jacobian: Callable[[Array, int, int], Any]) -> Array:
    """Multiply every line of gradients by the Jacobian of its line of outputs."""
    assert cache.axis is not None
    dx = np.zeros(dy.shape, dy.dtype)
    dx_lines, dy_lines, y_lines = (np.moveaxis(a, cache.axis, -1) for a in (dx, dy, cache.y))
    size = dy_lines.shape[-1]
    for index in np.ndindex(dy_lines.shape[:-1]):
        for j in range(size):
            for i in range(size):
                dx_lines[*index, j] += dy_lines[*index, i] * jacobian(y_lines[index], i, j)
    return dx
