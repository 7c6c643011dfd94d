"""The functions of the book's chapter 2: affine, square, logarithm, root and sine."""

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array
from scratch.ops.rectifiers import SlopeCache, times_slope


def affine(x: Array, scale: float = 1.0, shift: float = 0.0) -> tuple[Array, SlopeCache]:
    """Multiply by a constant and add another one; neither is trained.

    Args:
        x: Any shape.
        scale: The factor.
        shift: The summand.

    Returns:
        ``y = scale * x + shift`` of the same shape, and the cache for :func:`affine_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    The book, 2.1.

    >>> affine(np.array([4.0, -1.0]), 2.0, 1.0)[0].tolist()
    [9.0, -1.0]
    """
    checks.entries(x)
    slope = np.full_like(x, scale)
    return slope * x + x.dtype.type(shift), SlopeCache(slope)


def affine_backward(dy: Array, cache: SlopeCache) -> Array:
    """Multiply the gradient by the factor: a shift of x by h moves y by scale * h.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`affine` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = affine(np.array([4.0, -1.0]), 2.0, 1.0)
    >>> affine_backward(np.array([10.0, 5.0]), cache).tolist()
    [20.0, 10.0]
    """
    return times_slope(dy, cache)


def square(x: Array) -> tuple[Array, SlopeCache]:
    """Square every entry.

    Args:
        x: Any shape.

    Returns:
        ``y = x^2`` of the same shape, and the cache for :func:`square_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    The book, 2.2.

    >>> square(np.array([3.0, -2.0]))[0].tolist()
    [9.0, 4.0]
    """
    checks.entries(x)
    return x * x, SlopeCache(2 * x)


def square_backward(dy: Array, cache: SlopeCache) -> Array:
    """Multiply the gradient by the slope 2 x, the limit of ((x + h)^2 - x^2) / h = 2 x + h.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`square` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = square(np.array([3.0, -2.0]))
    >>> square_backward(np.array([1.0, 10.0]), cache).tolist()
    [6.0, -40.0]
    """
    return times_slope(dy, cache)


def log(x: Array) -> tuple[Array, SlopeCache]:
    """Take the natural logarithm: minus infinity at 0, NaN below.

    Args:
        x: Any shape.

    Returns:
        ``y = ln(x)`` of the same shape, and the cache for :func:`log_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    The book, 2.2.

    >>> log(np.array([1.0]))[0].tolist()
    [0.0]
    """
    checks.entries(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(x), SlopeCache(1 / x)


def log_backward(dy: Array, cache: SlopeCache) -> Array:
    """Multiply the gradient by the slope 1 / x: the logarithm undoes exp, whose slope is exp.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`log` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = log(np.array([4.0]))
    >>> log_backward(np.array([2.0]), cache).tolist()
    [0.5]
    """
    with np.errstate(invalid="ignore"):
        return times_slope(dy, cache)


def sqrt(x: Array) -> tuple[Array, SlopeCache]:
    """Take the square root: NaN below 0.

    Args:
        x: Any shape.

    Returns:
        ``y = sqrt(x)`` of the same shape, and the cache for :func:`sqrt_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    The book, 2.2.

    >>> sqrt(np.array([9.0, 2.25]))[0].tolist()
    [3.0, 1.5]
    """
    checks.entries(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.sqrt(x)
        return y, SlopeCache(1 / (2 * y))


def sqrt_backward(dy: Array, cache: SlopeCache) -> Array:
    """Multiply the gradient by the slope 1 / (2 y), infinite at 0: from y^2 = x, 2 y dy = dx.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`sqrt` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = sqrt(np.array([4.0]))
    >>> sqrt_backward(np.array([8.0]), cache).tolist()
    [2.0]
    """
    with np.errstate(invalid="ignore"):
        return times_slope(dy, cache)


def sin(x: Array) -> tuple[Array, SlopeCache]:
    """Take the sine of an angle in radians.

    Args:
        x: Any shape.

    Returns:
        ``y = sin(x)`` of the same shape, and the cache for :func:`sin_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    The book, 2.3.

    >>> sin(np.array([0.0]))[0].tolist()
    [0.0]
    """
    checks.entries(x)
    with np.errstate(invalid="ignore"):
        return np.sin(x), SlopeCache(np.cos(x))


def sin_backward(dy: Array, cache: SlopeCache) -> Array:
    """Multiply the gradient by the slope cos(x).

    Args:
        dy: The shape of ``y``.
        cache: What :func:`sin` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = sin(np.array([0.0]))
    >>> sin_backward(np.array([3.0]), cache).tolist()
    [3.0]
    """
    return times_slope(dy, cache)
