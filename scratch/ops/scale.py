"""One coefficient and one bias per channel."""

from __future__ import annotations

from typing import NamedTuple

from scratch.ops import checks
from scratch.ops.checks import Array


class ScaleCache(NamedTuple):
    """What the backward pass needs."""

    x: Array
    weight: Array


def channel_scale(x: Array, weight: Array, bias: Array) -> tuple[Array, ScaleCache]:
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

    >>> import numpy as np
    >>> channel_scale(np.ones((1, 2, 1, 1)), np.array([2.0, 3.0]), np.array([0.5, 0.0]))[0].ravel()
    array([2.5, 3. ])
    """
    checks.shape(x, "N", len(weight), "H", "W")
    checks.same_dtype(x, weight.dtype)
    y = x * weight[:, None, None] + bias[:, None, None]
    return y, ScaleCache(x, weight)


def channel_scale_backward(dy: Array, cache: ScaleCache) -> tuple[Array, Array, Array]:
    """Return the gradients of input, coefficients and biases.

    y is linear in each of them, so dx = weight[c] dy, and the two channel gradients are sums over
    samples and positions: dweight[c] = sum dy x and dbias[c] = sum dy.

    Args:
        dy: (N, C, H, W).
        cache: from `channel_scale`.

    Returns:
        dx (N, C, H, W), dweight (C,), dbias (C,).

    Raises:
        ShapeError: dy has not the shape and dtype of y.

    >>> import numpy as np
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> _, cache = channel_scale(x, np.array([3.0]), np.zeros(1))
    >>> dx, dweight, dbias = channel_scale_backward(np.ones((1, 1, 2, 2)), cache)
    >>> dx.tolist(), dweight.tolist(), dbias.tolist()  # 0 + 1 + 2 + 3 and four ones
    ([[[[3.0, 3.0], [3.0, 3.0]]]], [6.0], [4.0])
    """
    x, weight = cache
    checks.gradient(dy, x.shape, x.dtype)
    dx = dy * weight[:, None, None]
    return dx, (dy * x).sum((0, 2, 3)), dy.sum((0, 2, 3))
