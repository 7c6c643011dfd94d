"""The definition of :mod:`scratch.ops.rnn` in loops."""

from typing import NamedTuple

import numpy as np

from scratch.ops import recurrence
from scratch.ops.checks import Array


class RnnCache(NamedTuple):
    """Inputs, weights, and the states before and after every step."""

    x: Array
    states: Array
    weight_ih: Array
    weight_hh: Array
    has_bias_ih: bool
    has_bias_hh: bool
    nonlinearity: str


def rnn(
    x: Array,
    h0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
    nonlinearity: str = "tanh",
) -> tuple[Array, RnnCache]:
    """Return ``h[t, n, j] = f(weight_ih[j] . x[t, n] + weight_hh[j] . h[t - 1, n] + biases[j])``.

    Args:
        x: ``(T, N, in)``.
        h0: ``(N, H)``.
        weight_ih: ``(H, in)``.
        weight_hh: ``(H, H)``.
        bias_ih: ``(H,)`` or None.
        bias_hh: ``(H,)`` or None.
        nonlinearity: f, "tanh" or "relu".

    Returns:
        ``y (T, N, H)`` and the cache for :func:`rnn_backward`.

    Raises:
        ShapeError: The sizes do not fit together.
    """
    recurrence.check(x, h0, weight_ih, weight_hh, bias_ih, bias_hh)
    steps, samples, _ = x.shape
    states = np.zeros((steps + 1, *h0.shape), x.dtype)
    states[0] = h0
    for t in range(steps):
        for n in range(samples):
            sums = sums_of(x[t, n], weight_ih, bias_ih) + sums_of(states[t, n], weight_hh, bias_hh)
            for j, total in enumerate(sums):
                if nonlinearity == "tanh":
                    states[t + 1, n, j] = np.tanh(total)
                else:
                    states[t + 1, n, j] = 0 if total.real <= 0 else total
    biased = bias_ih is not None, bias_hh is not None
    return states[1:], RnnCache(x, states, weight_ih, weight_hh, *biased, nonlinearity)


def rnn_backward(
    dy: Array, cache: RnnCache
) -> tuple[Array, Array, Array, Array, Array | None, Array | None]:
    """Walk the steps backwards and hand every product's gradient to its two factors.

    Args:
        dy: ``(T, N, H)``.
        cache: What :func:`rnn` returned.

    Returns:
        ``dx``, ``dh0``, ``dweight_ih``, ``dweight_hh``, ``dbias_ih`` and ``dbias_hh`` (or None).
    """
    x, states, weight_ih, weight_hh, has_bias_ih, has_bias_hh, nonlinearity = cache
    dx, d_states = np.zeros(x.shape, x.dtype), np.zeros(states.shape, x.dtype)
    dweight_ih, dweight_hh = (np.zeros(w.shape, w.dtype) for w in (weight_ih, weight_hh))
    dbias_ih, dbias_hh = np.zeros((2, len(weight_hh)), weight_hh.dtype)
    d_states[1:] = dy
    for t in reversed(range(len(x))):
        for n in range(x.shape[1]):
            for j, h in enumerate(states[t + 1, n]):
                slope = 1 - h * h if nonlinearity == "tanh" else h.real != 0
                d_sum = d_states[t + 1, n, j] * slope
                sum_backward(d_sum, x[t, n], weight_ih[j], dx[t, n], dweight_ih[j])
                sum_backward(d_sum, states[t, n], weight_hh[j], d_states[t, n], dweight_hh[j])
                dbias_ih[j] += d_sum
                dbias_hh[j] += d_sum
    biases = dbias_ih if has_bias_ih else None, dbias_hh if has_bias_hh else None
    return dx, d_states[0], dweight_ih, dweight_hh, *biases


def sums_of(values: Array, weight: Array, bias: Array | None) -> Array:
    """Return ``sum over i of weight[j, i] * values[i], plus bias[j]`` for every j."""
    sums = np.zeros(len(weight), weight.dtype)
    for j, row in enumerate(weight):
        for factor, value in zip(row, values, strict=True):
            sums[j] += factor * value
        if bias is not None:
            sums[j] += bias[j]
    return sums


def sum_backward(d_sum: Array, values: Array, row: Array, d_values: Array, d_row: Array) -> None:
    """Add to the gradients of one sum's values and of its row of the weights."""
    for i in range(len(row)):
        d_values[i] += d_sum * row[i]
        d_row[i] += d_sum * values[i]
