"""Dropout: leave out random units during training, so that none relies on another."""

from typing import NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, ShapeError


class DropoutCache(NamedTuple):
    """The factor of every unit: 0, or 1 / (1 - p)."""

    factor: Array


def dropout(x: Array, p: float, mask: Array) -> tuple[Array, DropoutCache]:
    r"""Set the units outside the mask to zero and enlarge the others, so that the mean remains.

    .. math:: y = x \cdot \frac{mask}{1 - p}

    The mask is an argument, not drawn here: whoever owns the random numbers draws it, and two
    networks can be given the same one.

    Args:
        x: Any shape.
        p: Probability of being left out, the one the mask was drawn with.
        mask: Booleans of the shape of ``x``; True keeps the unit.

    Returns:
        ``y`` of the shape of ``x``, and the cache for :func:`dropout_backward`.

    Raises:
        ShapeError: ``p`` is no probability, or the mask is not boolean or of another shape.

    Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting,
    section 10 (the scaling during training); the book, chapter 16.

    >>> y, _ = dropout(np.array([1.0, 2.0, 3.0]), 0.5, np.array([True, False, True]))
    >>> y.tolist()
    [2.0, 0.0, 6.0]
    """
    checks.not_empty(x)
    checks.floating(x)
    if not 0 <= p <= 1:
        raise ShapeError("a probability p between 0 and 1", p)
    if mask.shape != x.shape or mask.dtype != np.bool_:
        raise ShapeError(f"a mask of booleans of shape {x.shape}", f"{mask.dtype} {mask.shape}")
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    factor = np.multiply(mask, scale, out=np.empty_like(x))
    return x * factor, DropoutCache(factor)


def dropout_backward(dy: Array, cache: DropoutCache) -> Array:
    """Send the gradient back through the units that were kept: ``dx = dy * mask / (1 - p)``.

    Args:
        dy: The shape of ``x``.
        cache: What :func:`dropout` returned.

    Returns:
        ``dx`` of the shape of ``x``.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = dropout(np.array([1.0, 2.0, 3.0]), 0.5, np.array([True, False, True]))
    >>> dropout_backward(np.array([1.0, 1.0, -1.0]), cache).tolist()
    [2.0, 0.0, -2.0]
    """
    (factor,) = cache
    checks.gradient(dy, factor.shape, factor.dtype)
    return dy * factor
