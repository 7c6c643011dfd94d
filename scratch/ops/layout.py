"""The order in which an array's axes lie in memory, and new arrays with the same order.

A network of channels-last images should stay that way: NumPy is ten times slower where two orders
meet in one expression. ``np.empty_like`` cannot tell the order of an image of one pixel, so a
backward pass that makes large images from small ones remembers the order of the input.
"""

from typing import Any

import numpy as np

from scratch.ops.checks import Array

Order = tuple[int, ...]


def order(x: Array) -> Order:
    """Return the axes from the one with the longest steps in memory to the one with the shortest.

    >>> order(np.zeros((2, 5, 6, 3)).transpose(0, 3, 1, 2))  # channels last
    (0, 2, 3, 1)
    """
    return tuple(sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis])))


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any], axes: Order) -> Array:
    """Return zeros whose axes lie in memory in the given order.

    >>> zeros((2, 3, 5, 6), np.dtype("float64"), (0, 2, 3, 1)).strides
    (720, 8, 144, 24)
    """
    return np.zeros([shape[axis] for axis in axes], dtype).transpose(np.argsort(axes))


def arrange(x: Array, axes: Order) -> Array:
    """Return ``x`` itself if its axes lie in this order, otherwise a copy in which they do."""
    return np.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes))


def images_last(x: Array) -> Array:
    """Return (N, C, H, W) as a contiguous (C, H, W, N): a view when it lies that way already."""
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0))


def images_first(x: Array) -> Array:
    """Return the view (N, C, H, W) of (C, H, W, N)."""
    return x.transpose(3, 0, 1, 2)
