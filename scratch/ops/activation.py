"""Activation functions, entry by entry, and the softmax along an axis."""

from typing import NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array
from scratch.ops.masks import keep, rectified, where_nonzero


class Output(NamedTuple):
    """All that these derivatives need is the output itself."""

    y: Array


class AxisOutput(NamedTuple):
    """The output, and the axis along which it was normalized."""

    y: Array
    axis: int


def relu(x: Array) -> tuple[Array, Output]:
    r"""Let the positive part pass: :math:`y = \max(x, 0)`; NaN stays NaN.

    Args:
        x: Any shape.

    Returns:
        ``y`` of the same shape, and the cache for :func:`relu_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    Nair & Hinton 2010, Rectified linear units improve restricted Boltzmann machines; the book,
    chapter 8.

    >>> relu(np.array([-2.0, 0.0, 3.0]))[0].tolist()
    [0.0, 0.0, 3.0]
    """
    _check(x)
    y = keep(x, ~(x.real <= 0)) if np.iscomplexobj(x) else rectified(x)
    return y, Output(y)


def relu_backward(dy: Array, cache: Output) -> Array:
    r"""Let the gradient pass where the input was positive.

    The slope is 1 to the right of 0 and 0 to the left. At the kink any number between serves; 0 is
    the convention. The output tells the sides apart: it is 0 exactly where the input was not
    positive (and NaN where that was NaN: there the gradient passes).

    Args:
        dy: The shape of ``y``.
        cache: What :func:`relu` returned.

    Returns:
        ``dx = dy * [y != 0]`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = relu(np.array([-2.0, 0.0, 3.0]))
    >>> relu_backward(np.array([5.0, 6.0, 7.0]), cache).tolist()
    [0.0, 0.0, 7.0]
    """
    (y,) = cache
    checks.gradient(dy, y.shape, y.dtype)
    return where_nonzero(dy, y)


def sigmoid(x: Array) -> tuple[Array, Output]:
    r"""Squeeze every number into (0, 1).

    .. math:: y = \frac{1}{1 + e^{-x}} = \frac{e^{x}}{1 + e^{x}}

    The left form serves for x >= 0 and the right one for x < 0, so that no exponential overflows.

    Args:
        x: Any shape.

    Returns:
        ``y`` of the same shape, and the cache for :func:`sigmoid_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    The book, chapters 6 and 8.

    >>> sigmoid(np.array([0.0, 1e4, -1e4]))[0].tolist()
    [0.5, 1.0, 0.0]
    """
    _check(x)
    positive = x.real >= 0
    decay = np.exp(-absolute(x))  # in (0, 1]
    if np.iscomplexobj(x):
        y = (positive + decay * ~positive) / (1 + decay)
    else:
        y = np.maximum(decay, positive) / (1 + decay)  # three quarters of the time
    return y, Output(y)


def sigmoid_backward(dy: Array, cache: Output) -> Array:
    r"""Multiply the gradient by the slope of the sigmoid.

    From :math:`y = (1 + e^{-x})^{-1}`: :math:`y' = e^{-x} (1 + e^{-x})^{-2} = y \cdot (1 - y)`,
    because :math:`1 - y = e^{-x} / (1 + e^{-x})`.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`sigmoid` returned.

    Returns:
        ``dx = dy * y * (1 - y)`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = sigmoid(np.array([0.0]))
    >>> sigmoid_backward(np.array([8.0]), cache).tolist()
    [2.0]
    """
    (y,) = cache
    checks.gradient(dy, y.shape, y.dtype)
    return dy * (1 - y) * y


def tanh(x: Array) -> tuple[Array, Output]:
    r"""Squeeze every number into (-1, 1).

    .. math:: y = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}

    Args:
        x: Any shape.

    Returns:
        ``y`` of the same shape, and the cache for :func:`tanh_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    LeCun et al. 1998, Efficient backprop, section 4.4; the book, chapter 8.

    >>> tanh(np.array([0.0, 1e4, -1e4]))[0].tolist()
    [0.0, 1.0, -1.0]
    """
    _check(x)
    y = np.tanh(x)
    return y, Output(y)


def tanh_backward(dy: Array, cache: Output) -> Array:
    r"""Multiply the gradient by the slope of the hyperbolic tangent.

    From :math:`y = \sinh x / \cosh x`:
    :math:`y' = (\cosh^2 x - \sinh^2 x) / \cosh^2 x = 1 - y^2`.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`tanh` returned.

    Returns:
        ``dx = dy * (1 - y^2)`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = tanh(np.array([0.0]))
    >>> tanh_backward(np.array([8.0]), cache).tolist()
    [8.0]
    """
    (y,) = cache
    checks.gradient(dy, y.shape, y.dtype)
    return dy * (1 - y * y)


def softmax(x: Array, axis: int = -1) -> tuple[Array, AxisOutput]:
    r"""Turn scores into probabilities along an axis.

    .. math:: y_i = \frac{e^{x_i}}{\sum_j e^{x_j}} = \frac{e^{x_i - m}}{\sum_j e^{x_j - m}}

    with m the largest score, so that no exponential overflows.

    Args:
        x: Any shape with at least one axis.
        axis: The axis whose entries shall sum to 1.

    Returns:
        ``y`` of the same shape, and the cache for :func:`softmax_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating, or has no such axis.

    Bridle 1990, Probabilistic interpretation of feedforward classification network outputs; the
    book, chapter 7.

    >>> softmax(np.log(np.array([[1.0, 3.0]])), 1)[0].round(12).tolist()
    [[0.25, 0.75]]
    """
    checks.axis(x, axis)
    powers = np.exp(_below_the_largest(x, axis))
    y = powers / powers.sum(axis=axis, keepdims=True)
    return y, AxisOutput(y, axis)


def softmax_backward(dy: Array, cache: AxisOutput) -> Array:
    r"""Carry the gradient of the probabilities to the scores.

    Raising one score raises its own probability and lowers all others:
    :math:`\partial y_i / \partial x_j = y_i ([i = j] - y_j)`. Summing over the outputs,

    .. math:: dx_j = \sum_i dy_i\, y_i ([i = j] - y_j) = y_j \bigl(dy_j - \sum_i dy_i y_i\bigr).

    Args:
        dy: The shape of ``y``.
        cache: What :func:`softmax` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = softmax(np.array([[0.0, 0.0]]), 1)  # y = (1/2, 1/2)
    >>> softmax_backward(np.array([[4.0, 0.0]]), cache).tolist()
    [[1.0, -1.0]]
    """
    y, axis = cache
    checks.gradient(dy, y.shape, y.dtype)
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


def log_softmax(x: Array, axis: int = -1) -> tuple[Array, AxisOutput]:
    r"""Return the logarithm of the softmax without ever taking the logarithm of a rounded 0.

    .. math:: y_i = (x_i - m) - \ln \sum_j e^{x_j - m}, \qquad m = \max_j x_j

    Args:
        x: Any shape with at least one axis.
        axis: The axis along which the probabilities sum to 1.

    Returns:
        ``y`` of the same shape, and the cache for :func:`log_softmax_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating, or has no such axis.

    >>> log_softmax(np.array([[0.0, -1e4]]), 1)[0].tolist()
    [[0.0, -10000.0]]
    """
    checks.axis(x, axis)
    below = _below_the_largest(x, axis)
    y = below - np.log(np.add.reduce(np.exp(below), axis, keepdims=True))
    return y, AxisOutput(y, axis)


def log_softmax_backward(dy: Array, cache: AxisOutput) -> Array:
    r"""Carry the gradient of the log-probabilities to the scores.

    The derivative of the logarithm of the sum is the softmax p itself, so
    :math:`\partial y_i / \partial x_j = [i = j] - p_j` and

    .. math:: dx_j = dy_j - p_j \sum_i dy_i, \qquad p = e^y.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`log_softmax` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = log_softmax(np.array([[0.0, 0.0]]), 1)  # p = (1/2, 1/2)
    >>> log_softmax_backward(np.array([[4.0, 0.0]]), cache).round(12).tolist()
    [[2.0, -2.0]]
    """
    y, axis = cache
    checks.gradient(dy, y.shape, y.dtype)
    return dy - np.exp(y) * dy.sum(axis=axis, keepdims=True)


def absolute(x: Array) -> Array:
    """Return ``x`` or ``-x``, whichever has the real part that is not negative."""
    return np.where(x.real >= 0, x, -x) if np.iscomplexobj(x) else np.abs(x)


@np.errstate(invalid="ignore", over="ignore")
def _below_the_largest(x: Array, axis: int) -> Array:
    """Return how far every score lies below the largest; infinite ones leave NaN in silence."""
    return x - np.maximum.reduce(x.real, axis, keepdims=True)


def _check(x: Array) -> None:
    """Refuse empty and non-floating arrays."""
    checks.not_empty(x)
    checks.floating(x)
