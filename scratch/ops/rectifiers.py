"""Softer forms of the ReLU: what is negative is weakened or bounded, not cut off."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.activation import absolute, sigmoid
from scratch.ops.checks import Array


class LeakyCache(NamedTuple):
    """Which entries were positive, and the slope of the others."""

    positive: Array
    negative_slope: float
    dtype: np.dtype[Any]


class SlopeCache(NamedTuple):
    """The derivative of every entry."""

    slope: Array


def leaky_relu(x: Array, negative_slope: float = 0.01) -> tuple[Array, LeakyCache]:
    r"""Let the positive part pass and weaken the negative one.

    .. math:: y = x \text{ if } x > 0, \text{ otherwise } s\,x

    Args:
        x: Any shape.
        negative_slope: The factor s of what is not positive.

    Returns:
        ``y`` of the same shape, and the cache for :func:`leaky_relu_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    Maas, Hannun & Ng 2013, Rectifier nonlinearities improve neural network acoustic models; the
    book, chapter 8.

    >>> leaky_relu(np.array([-2.0, 0.0, 3.0]), 0.25)[0].tolist()
    [-0.5, 0.0, 3.0]
    """
    checks.entries(x)
    positive = x.real > 0
    y = np.where(positive, x, x * negative_slope)
    return y, LeakyCache(positive, negative_slope, x.dtype)


def leaky_relu_backward(dy: Array, cache: LeakyCache) -> Array:
    """Multiply the gradient by 1 where the input was positive and by the slope elsewhere.

    At the kink any number between the two serves; the slope of the negative side is the convention.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`leaky_relu` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = leaky_relu(np.array([-2.0, 0.0, 3.0]), 0.25)
    >>> leaky_relu_backward(np.array([4.0, 8.0, 5.0]), cache).tolist()
    [1.0, 2.0, 5.0]
    """
    positive, negative_slope, dtype = cache
    checks.gradient(dy, positive.shape, dtype)
    return np.where(positive, dy, dy * negative_slope)


def elu(x: Array, alpha: float = 1.0) -> tuple[Array, SlopeCache]:
    r"""Let the positive part pass and let the negative one run out at :math:`-\alpha`.

    .. math:: y = x \text{ if } x > 0, \text{ otherwise } \alpha\,(e^x - 1)

    Args:
        x: Any shape.
        alpha: How far below zero the function goes.

    Returns:
        ``y`` of the same shape, and the cache for :func:`elu_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    Clevert, Unterthiner & Hochreiter 2016, Fast and accurate deep network learning by exponential
    linear units; the book, chapter 8.

    >>> elu(np.array([-1e4, 0.0, 3.0]), 2.0)[0].tolist()
    [-2.0, 0.0, 3.0]
    """
    checks.entries(x)
    positive = x.real > 0
    below = np.where(positive, x.dtype.type(0), x)  # so that no exponential overflows
    y = np.where(positive, x, alpha * np.expm1(below))
    slope = np.where(positive, x.dtype.type(1), alpha * np.exp(below))
    return y, SlopeCache(slope)


def elu_backward(dy: Array, cache: SlopeCache) -> Array:
    r"""Multiply the gradient by the slope: 1 above zero, :math:`\alpha e^x` at and below it.

    The derivative of :math:`\alpha (e^x - 1)` is :math:`\alpha e^x`; at zero the two sides meet
    only for :math:`\alpha = 1`, and the left one is the convention.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`elu` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = elu(np.array([-1e4, 0.0, 3.0]), 2.0)
    >>> elu_backward(np.array([5.0, 5.0, 5.0]), cache).tolist()
    [0.0, 10.0, 5.0]
    """
    return times_slope(dy, cache)


def softplus(x: Array, beta: float = 1.0, threshold: float = 20.0) -> tuple[Array, SlopeCache]:
    r"""Round off the corner of the ReLU.

    .. math:: y = \tfrac{1}{\beta} \ln(1 + e^{\beta x})
        = \tfrac{1}{\beta} \bigl(\max(\beta x, 0) + \ln(1 + e^{-|\beta x|})\bigr)

    The right form overflows nowhere. Where :math:`\beta x` exceeds the threshold, ``y = x``.

    Args:
        x: Any shape.
        beta: How sharp the corner is.
        threshold: From here on the function is a straight line.

    Returns:
        ``y`` of the same shape, and the cache for :func:`softplus_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    Dugas et al. 2001, Incorporating second-order functional knowledge for better option pricing;
    the book, chapter 8.

    >>> bool(softplus(np.array([0.0]))[0][0] == np.log(2.0)), softplus(np.array([1e4]))[0].tolist()
    (True, [10000.0])
    """
    checks.entries(x)
    t = x * beta
    straight = t.real > threshold
    positive = np.where(t.real > 0, t, t.dtype.type(0))
    curved = (positive + np.log1p(np.exp(-absolute(t)))) / beta
    slope = np.where(straight, x.dtype.type(1), sigmoid(t)[0])
    return np.where(straight, x, curved), SlopeCache(slope)


def softplus_backward(dy: Array, cache: SlopeCache) -> Array:
    r"""Multiply the gradient by the slope: the sigmoid of :math:`\beta x`, 1 beyond the threshold.

    :math:`\frac{d}{dx} \frac{1}{\beta} \ln(1 + e^{\beta x}) = e^{\beta x} / (1 + e^{\beta x})`.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`softplus` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = softplus(np.array([0.0, 1e4]))
    >>> softplus_backward(np.array([8.0, 8.0]), cache).tolist()
    [4.0, 8.0]
    """
    return times_slope(dy, cache)


def times_slope(dy: Array, cache: SlopeCache) -> Array:
    """Check a gradient and multiply it by the derivative of every entry."""
    (slope,) = cache
    checks.gradient(dy, slope.shape, slope.dtype)
    return dy * slope
