"""The definition of `scratch.ops.scale` in loops."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def channel_scale(x: Array, weight: Array, bias: Array) -> tuple[Array, Any]:
    """Multiply and add, one number at a time; shapes as in `scratch.ops.scale`."""
    y = np.zeros_like(x)
    for n, c, h, w in np.ndindex(x.shape):
        y[n, c, h, w] = weight[c] * x[n, c, h, w] + bias[c]
    return y, (x, weight)


def channel_scale_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Follow every product and sum backwards, one number at a time."""
    x, weight = cache
    dx, dweight, dbias = np.zeros_like(x), np.zeros_like(weight), np.zeros_like(weight)
    for n, c, h, w in np.ndindex(x.shape):
        dx[n, c, h, w] = dy[n, c, h, w] * weight[c]
        dweight[c] += dy[n, c, h, w] * x[n, c, h, w]
        dbias[c] += dy[n, c, h, w]
    return dx, dweight, dbias
