"""Convolutions whose kernel covers the whole image: fully connected layers in disguise.

There is one patch per image, the image itself, so nothing is copied: LeNet-5's layer C5, and what
a classifier becomes when it is written as a convolution.
"""

import numpy as np

from scratch.ops import layout
from scratch.ops.checks import Array
from scratch.ops.conv_tiles import MANY_IMAGES
from scratch.ops.patches import Geometry


def suits(x_shape: tuple[int, ...], groups: int, g: Geometry) -> bool:
    """Return whether the kernel is as large as the image, for a batch of some size."""
    whole = g.kernel == x_shape[2:] and g.padding == ((0, 0), (0, 0)) and g.dilation == (1, 1)
    return whole and groups == 1 and not g.is_pointwise and x_shape[0] >= MANY_IMAGES


def forward(x: Array, weight: Array, bias: Array | None) -> Array:
    """Return y (N, O, 1, 1) = W x + b, the batch innermost in memory.

    Args:
        x: (N, C, H, W).
        weight: (O, C, H, W).
        bias: (O,) or None.
    """
    y = weight.reshape(len(weight), -1) @ _columns(x)  # (O, N)
    if bias is not None:
        y += bias[:, None]
    return layout.images_first(y[:, None, None])


def backward(
    dy: Array, x: Array, weight: Array, needs_dx: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx = W^T dY, the batch innermost in memory, or None, dW = dY x^T and db.

    Args:
        dy: (N, O, 1, 1).
        x: (N, C, H, W).
        weight: (O, C, H, W).
        needs_dx: Whether dx is asked for.
    """
    d_out = _columns(dy)  # (O, N)
    dweight = (d_out @ _columns(x).T).reshape(weight.shape)
    dbias = d_out @ np.ones(len(dy), dy.dtype)
    if not needs_dx:
        return None, dweight, dbias
    d_columns = weight.reshape(len(weight), -1).T @ d_out  # (C * H * W, N)
    return layout.images_first(d_columns.reshape(*x.shape[1:], len(x))), dweight, dbias


def _columns(x: Array) -> Array:
    """Return (N, C, H, W) as a matrix with one image per column, (C * H * W, N)."""
    return layout.images_last(x).reshape(-1, len(x))
