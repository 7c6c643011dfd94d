"""The book's cross-entropy for a tanh output with labels -1 and +1."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks, reductions
from scratch.ops.activation import absolute
from scratch.ops.checks import Array


class TanhCECache(NamedTuple):
    """The derivative of every single loss, and the number of samples."""

    slope: Array
    samples: int


def tanh_cross_entropy(x: Array, target: Array) -> tuple[Any, TanhCECache]:
    r"""Return the cross-entropy of a tanh against labels -1 and +1, given what the tanh is fed.

    With :math:`a = \tanh x` the loss of the book,
    :math:`-[(1 + t) \ln \frac{1 + a}{2} + (1 - t) \ln \frac{1 - a}{2}]`, becomes

    .. math:: l = 2 \ln(1 + e^{-2|x|}) + 2\,(|x| - t\,x), \qquad L = \tfrac1m \sum l

    because :math:`\frac{1 \pm a}{2} = (1 + e^{\mp 2x})^{-1}`. No logarithm meets a rounded 0.

    Args:
        x: Pre-activations, ``(m, ...)``.
        target: -1 or +1 (or anything between), the same shape.

    Returns:
        The loss, a number: summed over outputs, mean over samples; and the cache for
        :func:`tanh_cross_entropy_backward`.

    Raises:
        ShapeError: Shapes or dtypes differ, or the batch is empty.

    The book, chapter 6.

    >>> float(tanh_cross_entropy(np.array([[0.0]]), np.array([[1.0]]))[0])  # 2 ln 2
    1.3862943611198906
    >>> float(tanh_cross_entropy(np.array([[-1e4]]), np.array([[1.0]]))[0])
    40000.0
    """
    checks.shape(x, "m", *(f"axis {k}" for k in range(1, x.ndim)))
    checks.alike(x, target)
    size = absolute(x)
    with np.errstate(invalid="ignore"):
        losses = 2 * np.log1p(np.exp(-2 * size)) + 2 * (size - target * x)
    slope = 2 * (np.tanh(x) - target)
    return reductions.reduce(losses, "mean", len(x)), TanhCECache(slope, len(x))


def tanh_cross_entropy_backward(d_loss: Any, cache: TanhCECache) -> Array:
    r"""Return the gradient with respect to the pre-activations.

    Through :math:`a' = 1 - a^2`, the first logarithm contributes :math:`-(1 + t)(1 - a)` and the
    second :math:`(1 - t)(1 + a)`; their sum is the book's

    .. math:: dl/dx = 2\,(a - t).

    Args:
        d_loss: The gradient of the loss, a number.
        cache: What :func:`tanh_cross_entropy` returned.

    Returns:
        ``dx`` of the shape of ``x``.

    Raises:
        ShapeError: ``d_loss`` is not a number.

    >>> _, cache = tanh_cross_entropy(np.array([[0.0], [0.0]]), np.array([[1.0], [-1.0]]))
    >>> tanh_cross_entropy_backward(1.0, cache).tolist()
    [[-1.0], [1.0]]
    """
    slope, samples = cache
    return slope * reductions.spread(d_loss, slope.shape, "mean", samples, slope)
