"""The definition of :mod:`scratch.ops.joins`, one number after the other."""

from typing import Any

import numpy as np

from scratch.ops.checks import Array


def add(a: Array, b: Array) -> tuple[Array, Any]:
    """Return ``a + b``."""
    y = np.empty(a.shape, a.dtype)
    for index in np.ndindex(a.shape):
        y[index] = a[index] + b[index]
    return y, None


def add_backward(dy: Array, _: Any) -> tuple[Array, Array]:
    """Return ``dy`` for either summand."""
    da, db = np.empty(dy.shape, dy.dtype), np.empty(dy.shape, dy.dtype)
    for index in np.ndindex(dy.shape):
        da[index] = dy[index]
        db[index] = dy[index]
    return da, db


def multiply(a: Array, b: Array) -> tuple[Array, Any]:
    """Return ``a * b``."""
    y = np.empty(a.shape, a.dtype)
    for index in np.ndindex(a.shape):
        y[index] = a[index] * b[index]
    return y, (a, b)


def multiply_backward(dy: Array, cache: Any) -> tuple[Array, Array]:
    """Return ``dy`` times the other factor."""
    a, b = cache
    da, db = np.empty(dy.shape, dy.dtype), np.empty(dy.shape, dy.dtype)
    for index in np.ndindex(dy.shape):
        da[index] = dy[index] * b[index]
        db[index] = dy[index] * a[index]
    return da, db


def concat(*parts: Array, axis: int = 1) -> tuple[Array, Any]:
    """Return the parts one behind the other: the second begins where the first ends."""
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    y = np.empty(shape, parts[0].dtype)
    start = 0
    for part in parts:
        for index in np.ndindex(part.shape):
            y[_moved(index, axis, start)] = part[index]
        start += part.shape[axis]
    return y, ([part.shape for part in parts], axis)


def concat_backward(dy: Array, cache: Any) -> tuple[Array, ...]:
    """Return for every part the gradients of the places where its numbers went."""
    shapes, axis = cache
    gradients = []
    start = 0
    for shape in shapes:
        gradient = np.empty(shape, dy.dtype)
        for index in np.ndindex(shape):
            gradient[index] = dy[_moved(index, axis, start)]
        gradients.append(gradient)
        start += shape[axis]
    return tuple(gradients)


def _moved(index: tuple[int, ...], axis: int, start: int) -> tuple[int, ...]:
    """Return the index shifted by ``start`` along an axis."""
    moved = list(index)
    moved[axis] += start
    return tuple(moved)
