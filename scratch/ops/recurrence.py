"""What the recurrent operations share: checks, products over all steps, their order in memory.

A recurrent layer multiplies at every time step its input and its state by weights. On the way back
a loop finds the gradient of each step's sums; those of the weights add up over all steps.

Shapes are torch's: steps, samples, features. In memory the features come first, so that the
numbers of a feature lie side by side: the gates of an LSTM, blocks of columns, are then blocks of
memory. :math:`X W^T` comes out in this order if it is computed as :math:`(W X^T)^T`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array

SAMPLES = 256
"""Of several steps together, as many as one product takes."""


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


class Gradients:
    r"""Adds up what the steps contribute to the gradients of weights and bias.

    .. math:: dW = \sum_t ds_t^T x_t, \qquad db = \sum_t ds_t

    Several steps wait for one product, since a product of few samples is slow; not all of them,
    since they shall still be in the cache.

    Args:
        size: G, how many sums a step has.
        factors: ``(T, N, K)`` each: what the sums multiply by a weight ``(G, K)``.

    Attributes:
        weights: ``(G, K)`` for each of the factors, complete after step 0.
        bias: ``(G,)``, likewise.

    >>> gradients = Gradients(1, np.array([[[2.0]], [[3.0]]]))
    >>> gradients.add(1, np.array([[1.0]]))
    >>> gradients.add(0, np.array([[10.0]]))
    >>> gradients.weights, gradients.bias  # 1 * 3 + 10 * 2
    ([array([[23.]])], array([11.]))
    """

    def __init__(self, size: int, *factors: Array) -> None:
        """Begin with no step."""
        steps, samples, _ = factors[0].shape
        high = min(steps, max(1, SAMPLES // samples))
        self.weights: list[Array] = []
        self.bias: Array = np.zeros(size, factors[0].dtype)
        self._factors = factors
        self._waiting = empty((high, samples, size), factors[0].dtype)

    def add(self, t: int, d_sum: Array) -> None:
        """Add step t; they come from the last to the first.

        Args:
            t: The number of the step.
            d_sum: ``(N, G)``.
        """
        at = t % len(self._waiting)
        self._waiting[at] = d_sum
        if at > 0:
            return
        factors = [columns(factor[t : t + len(self._waiting)]) for factor in self._factors]
        d = columns(self._waiting)[:, : factors[0].shape[1]]  # fewer where the last steps wait
        found = [d @ factor.T for factor in factors]
        for total, more in zip(self.weights, found, strict=False):
            total += more
        self.weights = self.weights or found
        self.bias += d @ np.ones(d.shape[1], d.dtype)  # faster than a sum


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
