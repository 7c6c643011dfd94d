"""One coefficient and one bias per channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.ops.checks import ShapeError

Array = np.ndarray[Any, np.dtype[Any]]


def channel_scale(x: Array, weight: Array, bias: Array) -> tuple[Array, Any]:
    """Multiply each channel by its coefficient and add its bias.

    y[n, c, h, w] = weight[c] x[n, c, h, w] + bias[c]

    Args:
        x: (N, C, H, W).
        weight: (C,).
        bias: (C,).

    Returns:
        y of the shape of x, and the cache.

    Raises:
        ShapeError: wrong rank, channels or dtype, or no sample.

    Source: the subsampling layers of LeNet-5 (LeCun et al. 1998, section II.B).

    >>> channel_scale(np.ones((1, 2, 1, 1)), np.array([2.0, 3.0]), np.array([0.5, 0.0]))[0].ravel()
    array([2.5, 3. ])
    """
    if x.ndim != 4 or x.shape[1] != weight.shape[0] or x.shape[0] == 0:
        raise ShapeError(f"(N >= 1, {weight.shape[0]}, H, W)", x.shape)
    if x.dtype != weight.dtype:
        raise ShapeError(str(weight.dtype), x.dtype)
    y = x * weight[:, None, None] + bias[:, None, None]
    return y, (x, weight)


def channel_scale_backward(dy: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Return the gradients of input, coefficients and biases.

    y is linear in each of them, so dx = weight[c] dy, and the two channel gradients are sums over
    samples and positions: dweight[c] = sum dy x and dbias[c] = sum dy.

    Args:
        dy: (N, C, H, W).
        cache: from `channel_scale`.

    Returns:
        dx (N, C, H, W), dweight (C,), dbias (C,).
    """
    x, weight = cache
    dx = dy * weight[:, None, None]
    return dx, (dy * x).sum((0, 2, 3)), dy.sum((0, 2, 3))
