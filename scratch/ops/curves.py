"""Two activations of the book's chapter 8 and the powers of its chapter 9."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, ShapeError
from scratch.ops.rectifiers import SlopeCache, times_slope


class Like(NamedTuple):
    """Shape and dtype of the output."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class PowersCache(NamedTuple):
    """All powers of the input, and the input itself."""

    x: Array
    y: Array


def step(x: Array) -> tuple[Array, Like]:
    """Say whether a number is positive: 1 if it is, 0 if not (zero and NaN are not).

    Args:
        x: Any shape.

    Returns:
        ``y`` of the same shape, and the cache for :func:`step_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    McCulloch & Pitts 1943, A logical calculus of the ideas immanent in nervous activity; the book,
    chapters 1 and 8.

    >>> step(np.array([-2.0, 0.0, 3.0]))[0].tolist()
    [0.0, 0.0, 1.0]
    """
    checks.entries(x)
    return (x.real > 0).astype(x.dtype), Like(x.shape, x.dtype)


def step_backward(dy: Array, cache: Like) -> Array:
    """Return zeros: a step is flat everywhere but at 0, where it has no slope.

    That is why no network with steps inside can be trained by descent.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`step` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = step(np.array([-2.0, 3.0]))
    >>> step_backward(np.array([5.0, 6.0]), cache).tolist()
    [0.0, 0.0]
    """
    checks.gradient(dy, *cache)
    return np.zeros_like(dy)


def bent_identity(x: Array) -> tuple[Array, SlopeCache]:
    r"""Bend the straight line y = x a little upwards, with slopes from 1/2 to 3/2.

    .. math:: y = \frac{\sqrt{x^2 + 1} - 1}{2} + x

    Args:
        x: Any shape.

    Returns:
        ``y`` of the same shape, and the cache for :func:`bent_identity_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    The book, chapter 8.

    >>> bent_identity(np.array([0.0, 0.75]))[0].tolist()  # the root of 25/16 is 5/4
    [0.0, 0.875]
    """
    checks.entries(x)
    root = np.sqrt(x * x + 1)
    with np.errstate(invalid="ignore"):
        return (root - 1) / 2 + x, SlopeCache(x / (2 * root) + 1)


def bent_identity_backward(dy: Array, cache: SlopeCache) -> Array:
    r"""Multiply the gradient by the slope.

    The derivative of :math:`\sqrt{x^2 + 1}` is :math:`x / \sqrt{x^2 + 1}`, so
    :math:`y' = x / (2 \sqrt{x^2 + 1}) + 1`.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`bent_identity` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = bent_identity(np.array([0.0, 0.75]))  # 1 and 3/4 / (2 * 5/4) + 1
    >>> bent_identity_backward(np.array([10.0, 10.0]), cache).tolist()
    [10.0, 13.0]
    """
    return times_slope(dy, cache)


def powers(x: Array, degree: int) -> tuple[Array, PowersCache]:
    """Lay the powers of one feature side by side: x, x^2, ..., x^degree.

    A linear layer on top of them is a polynomial.

    Args:
        x: (N, 1).
        degree: The highest power, at least 1.

    Returns:
        ``y (N, degree)``, and the cache for :func:`powers_backward`.

    Raises:
        ShapeError: ``x`` is not (N, 1), empty or not floating, or the degree is below 1.

    The book, chapter 9.

    >>> powers(np.array([[2.0], [-3.0]]), 3)[0].tolist()
    [[2.0, 4.0, 8.0], [-3.0, 9.0, -27.0]]
    """
    checks.shape(x, "N", 1)
    checks.floating(x)
    if degree < 1:
        raise ShapeError("degree >= 1", degree)
    y = np.multiply.accumulate(np.repeat(x, degree, axis=1), axis=1)
    return y, PowersCache(x.copy(), y)


def powers_backward(dy: Array, cache: PowersCache) -> Array:
    r"""Add up what every power hands back: :math:`dx = \sum_k k\,x^{k-1}\,dy_k`.

    Args:
        dy: ``(N, degree)``.
        cache: What :func:`powers` returned.

    Returns:
        ``dx (N, 1)``.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = powers(np.array([[2.0]]), 3)  # 5 * 1 + 1 * 2 * 2 + 1 * 3 * 4
    >>> powers_backward(np.array([[5.0, 1.0, 1.0]]), cache).tolist()
    [[21.0]]
    """
    x, y = cache
    checks.gradient(dy, y.shape, y.dtype)
    one_lower = np.concatenate([np.ones_like(x), y[:, :-1]], axis=1)
    exponents = np.arange(1, y.shape[1] + 1).astype(y.real.dtype)
    return (exponents * one_lower * dy).sum(axis=1, keepdims=True)
