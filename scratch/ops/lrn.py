"""Local response normalisation: a channel is divided by the size of its neighbours."""

from __future__ import annotations

from typing import NamedTuple

from scratch.ops import checks
from scratch.ops.checks import Array


class LrnCache(NamedTuple):
    """The input, the sums s, the output, and the options."""

    x: Array
    sums: Array
    y: Array
    size: int
    alpha: float
    beta: float


def local_response_norm(
    x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> tuple[Array, LrnCache]:
    r"""Divide every value by a power of the sum of squares of neighbouring channels.

    .. math:: s_c = k + \frac{\alpha}{n} \sum_{j = c - \lfloor n/2 \rfloor}^
        {c + \lfloor (n-1)/2 \rfloor} x_j^2, \qquad y_c = x_c\, s_c^{-\beta}

    Channels beyond the first and the last count as zero. An even n reaches one channel further
    down than up. alpha is divided by n as in torch; the AlexNet paper does not divide, so that its
    alpha is this one's over n.

    Args:
        x: ``(N, C, H, W)``.
        size: Channels in a window, n.
        alpha: Weight of the mean of squares.
        beta: Exponent.
        k: Is added to the sum.

    Returns:
        ``y`` of the shape of ``x``, and the cache for :func:`local_response_norm_backward`.

    Raises:
        ShapeError: Not four axes, or an empty one.
        ValueError: ``size`` below 1.

    Krizhevsky, Sutskever & Hinton 2012, ImageNet classification, section 3.3.

    >>> import numpy as np
    >>> x = np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    >>> y, _ = local_response_norm(x, size=2, alpha=2.0, beta=1.0, k=1.0)
    >>> (1 / y).ravel().tolist()  # (1 + 1) / 1, (1 + 1 + 4) / 2, (1 + 4 + 9) / 3
    [2.0, 3.0, 4.666666666666667]
    """
    checks.shape(x, "N", "C", "H", "W")
    checks.floating(x)
    if size < 1:
        raise ValueError(f"size={size} must be at least 1")
    sums = window_sum(x * x, size // 2, (size - 1) // 2)
    sums *= alpha / size
    sums += k
    y = x * sums**-beta
    return y, LrnCache(x, sums, y, size, alpha, beta)


def local_response_norm_backward(dy: Array, cache: LrnCache) -> Array:
    r"""Return the gradient of the input.

    Channel c acts on its own output directly, :math:`s_c^{-\beta}`, and through the sum on every
    output whose window holds it. Since :math:`\partial s_j / \partial x_c = 2 \alpha x_c / n` and
    :math:`\partial y_j / \partial s_j = -\beta\, y_j / s_j`,

    .. math:: dx_c = dy_c\, s_c^{-\beta} -
        \frac{2 \alpha \beta}{n}\, x_c \sum_{j:\, c \in \text{window}(j)} \frac{dy_j\, y_j}{s_j}.

    The windows that hold c are those of the channels :math:`c - \lfloor (n-1)/2 \rfloor` to
    :math:`c + \lfloor n/2 \rfloor`: the mirrored window.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`local_response_norm` returned.

    Returns:
        ``dx`` of the shape of ``x``.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> import numpy as np
    >>> x = np.ones((1, 2, 1, 1))
    >>> _, cache = local_response_norm(x, size=2, alpha=2.0, beta=1.0, k=1.0)  # s = 2 and 3
    >>> dx = local_response_norm_backward(np.array([0.0, 9.0]).reshape(1, 2, 1, 1), cache)
    >>> [round(float(v), 12) for v in dx.ravel()]  # 9 (0 - 2/9) and 9 (1/3 - 2/9)
    [-2.0, 1.0]
    """
    x, sums, y, size, alpha, beta = cache
    checks.gradient(dy, y.shape, y.dtype)
    through_sums = window_sum(dy * y / sums, (size - 1) // 2, size // 2)
    through_sums *= x
    through_sums *= 2 * alpha * beta / size
    dx = dy * sums**-beta
    dx -= through_sums
    return dx


def window_sum(x: Array, before: int, after: int) -> Array:
    """Sum every channel with the `before` channels below it and the `after` channels above it.

    Args:
        x: (N, C, H, W).
        before: channels with smaller numbers in the window.
        after: channels with larger numbers in the window.

    >>> import numpy as np
    >>> window_sum(np.array([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1), 0, 1).ravel()
    array([3., 6., 4.])
    """
    total = x.copy("K")
    for shift in range(1, min(before, x.shape[1] - 1) + 1):
        total[:, shift:] += x[:, :-shift]
    for shift in range(1, min(after, x.shape[1] - 1) + 1):
        total[:, :-shift] += x[:, shift:]
    return total
