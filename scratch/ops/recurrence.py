"""What the recurrent operations share: checks, products over all steps, their order in memory.

A recurrent layer multiplies at every time step its input and its state by weights. On the way back
a loop finds the gradients of all sums; then each weight's gradient is one product over all steps
and samples at once.

Shapes are torch's: steps, samples, features. In memory the features come first, so that the
numbers of a feature lie side by side: the gates of an LSTM, blocks of columns, are then blocks of
memory. :math:`X W^T` comes out in this order if it is computed as :math:`(W X^T)^T`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array


def check(
    x: Array,
    h0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    gates: int = 1,
) -> None:
    """Check the arguments that all recurrent operations have.

    Args:
        x: ``(T, N, in)``, at least one step and one sample.
        h0: ``(N, H)``.
        weight_ih: ``(gates * H, in)``.
        weight_hh: ``(gates * H, H)``.
        bias_ih: ``(gates * H,)`` or None.
        bias_hh: The same.
        gates: How many sums a unit takes.

    Raises:
        ShapeError: Sizes or dtypes do not fit together.

    >>> check(np.ones((2, 1, 3)), np.ones((1, 5)), np.ones((4, 3)), np.ones((4, 4)), None, None)
    Traceback (most recent call last):
    scratch.ops.checks.ShapeError: expects (1, 4); got (1, 5)
    """
    several = "H" if gates == 1 else f"{gates} H"
    checks.shape(weight_hh, several, "H")
    checks.floating(weight_hh)
    hidden = weight_hh.shape[1]
    checks.shape(weight_hh, gates * hidden, hidden)
    checks.shape(weight_ih, gates * hidden, "in")
    checks.shape(x, "T", "N", weight_ih.shape[1])
    checks.shape(h0, x.shape[1], hidden)
    for array in (weight_ih, x, h0):
        checks.same_dtype(array, weight_hh.dtype)
    for bias in (bias_ih, bias_hh):
        if bias is not None:
            checks.shape(bias, gates * hidden)
            checks.same_dtype(bias, weight_hh.dtype)


def input_sums(
    x: Array, weight_ih: Array, bias_ih: Array | None, bias_hh: Array | None = None
) -> Iterator[Array]:
    r"""Yield for every step what its inputs and the biases contribute to the sums.

    A bias is the weight of an input that is always 1, so one product does both:
    :math:`W x + b = (W, b) (x, 1)`.

    Args:
        x: ``(T, N, in)``.
        weight_ih: ``(G, in)``.
        bias_ih: ``(G,)`` or None.
        bias_hh: The same; left out where the operation adds it elsewhere.

    Yields:
        ``(N, G)``.

    >>> sums = input_sums(np.array([[[2.0]], [[3.0]]]), np.array([[10.0]]), np.array([1.0]))
    >>> [of_step.tolist() for of_step in sums]
    [[[21.0]], [[31.0]]]
    """
    steps, samples, features = x.shape
    biases = [bias for bias in (bias_ih, bias_hh) if bias is not None]
    weight = np.ascontiguousarray(np.column_stack([weight_ih, *biases]))
    inputs = np.ones((steps, features + len(biases), samples), x.dtype)
    inputs[:, :features] = x.transpose(0, 2, 1)
    for of_step in inputs:
        yield weight.dot(of_step).T


def product(x: Array, weight: Array) -> Array:
    """Return ``x * weight^T`` with the features first in memory.

    Args:
        x: ``(N, in)``.
        weight: ``(out, in)``.

    Returns:
        ``(N, out)``.

    >>> product(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])).tolist()
    [[11.0, 17.0]]
    """
    y: Array = weight.dot(x.T).T
    return y


def gradients_of_product(
    d_sums: Array, factor: Array, weight: Array, needs_dfactor: bool
) -> tuple[Array | None, Array]:
    """Return the gradients of ``factor * weight^T`` over all steps, one product each.

    Args:
        d_sums: ``(T, N, G)``, the gradients of the sums.
        factor: ``(T, N, K)``: the inputs, or the states before each step.
        weight: ``(G, K)``.
        needs_dfactor: Whether the gradient of ``factor`` is wanted.

    Returns:
        ``dfactor (T, N, K)`` (None if not wanted) and ``dweight (G, K)``.

    >>> steps = np.array([[[2.0]], [[3.0]]])
    >>> gradients_of_product(np.ones((2, 1, 1)), steps, np.ones((1, 1)), False)
    (None, array([[5.]]))
    """
    d = columns(d_sums)  # (G, T N)
    dweight = d @ columns(factor).T  # dot would copy states[:-1]
    if not needs_dfactor:
        return None, dweight
    dfactor = np.ascontiguousarray(weight).T.dot(d)  # (K, T N)
    return dfactor.reshape(-1, *factor.shape[:2]).transpose(1, 2, 0), dweight


def gradient_of_bias(d_sums: Array) -> Array:
    """Return the gradient of a bias: its sums of all steps and samples.

    Args:
        d_sums: ``(T, N, G)``.

    Returns:
        ``(G,)``.

    >>> gradient_of_bias(np.array([[[2.0]], [[3.0]]])).tolist()
    [5.0]
    """
    d = columns(d_sums)
    dbias: Array = d.dot(np.ones(d.shape[1], d.dtype))  # faster than a sum
    return dbias


def sigmoid_in_place(z: Array) -> None:
    r"""Write the sigmoid of every number in its place.

    .. math:: \frac{1}{1 + e^{-z}} = \frac{e^{z/2}}{e^{z/2} + e^{-z/2}}
        = \frac{1}{2} \Bigl(1 + \tanh \frac{z}{2}\Bigr)

    The last form takes half the time. Its error is one of 1, also where a gate is nearly shut:
    good enough for a factor, but not for the logarithm of a probability.

    >>> z = np.array([0.0, 1e4, -1e4])
    >>> sigmoid_in_place(z)
    >>> z.tolist()
    [0.5, 1.0, 0.0]
    """
    z *= 0.5
    np.tanh(z, out=z)
    z += 1
    z *= 0.5


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return a new array (T, N, features), the features first in memory.

    >>> empty((5, 2, 3), np.dtype("float64")).transpose(2, 0, 1).flags.c_contiguous
    True
    """
    steps, samples, features = shape
    return np.empty((features, steps, samples), dtype).transpose(1, 2, 0)


def columns(x: Array) -> Array:
    """Return (T, N, features) as a matrix (features, T N); without a copy if it lies like that.

    >>> columns(np.array([[[1.0, 2.0]], [[3.0, 4.0]]])).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    features = x.transpose(2, 0, 1)
    if not features[0].flags.c_contiguous:
        features = np.ascontiguousarray(features)
    return features.reshape(len(features), -1)
