"""The definition of :mod:`scratch.ops.gru` in loops."""

from typing import NamedTuple

import numpy as np

from scratch.ops import recurrence
from scratch.ops.checks import Array
from scratch.ops.lstm_naive import sigmoid
from scratch.ops.rnn_naive import sum_backward, sums_of


class GruCache(NamedTuple):
    """Inputs, weights, the states before and after every step, and r, z, n and q in it."""

    x: Array
    states: Array
    gates: Array
    weight_ih: Array
    weight_hh: Array
    has_bias_ih: bool
    has_bias_hh: bool


def gru(
    x: Array,
    h0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
) -> tuple[Array, GruCache]:
    """Return ``h[t] = (1 - z) * n + z * h[t - 1]`` with ``n = tanh(a + r * q)``, unit by unit.

    a is the sum of the inputs and q that of the state, each with its bias.

    Args:
        x: ``(T, N, in)``.
        h0: ``(N, H)``.
        weight_ih: ``(3 H, in)``, the rows of r, z and n.
        weight_hh: ``(3 H, H)``.
        bias_ih: ``(3 H,)`` or None.
        bias_hh: ``(3 H,)`` or None.

    Returns:
        ``y (T, N, H)`` and the cache for :func:`gru_backward`.

    Raises:
        ShapeError: The sizes do not fit together.
    """
    recurrence.check(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, 3)
    steps, samples, _ = x.shape
    hidden = h0.shape[1]
    states = np.zeros((steps + 1, samples, hidden), x.dtype)
    gates = np.zeros((steps, samples, 4, hidden), x.dtype)
    states[0] = h0
    for t in range(steps):
        for m in range(samples):
            a = sums_of(x[t, m], weight_ih, bias_ih)
            q = sums_of(states[t, m], weight_hh, bias_hh)
            for j in range(hidden):
                k = hidden + j
                r, z = sigmoid(a[j] + q[j]), sigmoid(a[k] + q[k])
                n = np.tanh(a[hidden + k] + r * q[hidden + k])
                states[t + 1, m, j] = (1 - z) * n + z * states[t, m, j]
                gates[t, m, :, j] = r, z, n, q[hidden + k]
    biased = bias_ih is not None, bias_hh is not None
    return states[1:], GruCache(x, states, gates, weight_ih, weight_hh, *biased)


def gru_backward(
    dy: Array, cache: GruCache
) -> tuple[Array, Array, Array, Array, Array | None, Array | None]:
    """Walk the steps backwards and hand every gradient to what it came from.

    Args:
        dy: ``(T, N, H)``.
        cache: What :func:`gru` returned.

    Returns:
        ``dx``, ``dh0``, ``dweight_ih``, ``dweight_hh``, ``dbias_ih`` and ``dbias_hh`` (or None).
    """
    x, states, gates, weight_ih, weight_hh, has_bias_ih, has_bias_hh = cache
    hidden = states.shape[-1]
    dx, d_states = np.zeros(x.shape, x.dtype), np.zeros(states.shape, x.dtype)
    dweight_ih, dweight_hh = (np.zeros(w.shape, w.dtype) for w in (weight_ih, weight_hh))
    dbias_ih, dbias_hh = np.zeros((2, len(weight_hh)), weight_hh.dtype)
    d_states[1:] = dy
    for t in reversed(range(len(x))):
        for m in range(x.shape[1]):
            for j in range(hidden):
                r, z, n, q = gates[t, m, :, j]
                dh = d_states[t + 1, m, j]
                d_states[t, m, j] += dh * z
                d_a = dh * (1 - z) * (1 - n * n)
                d_r = d_a * q * r * (1 - r)
                d_z = dh * (states[t, m, j] - n) * z * (1 - z)
                for gate, d_ih, d_hh in ((0, d_r, d_r), (1, d_z, d_z), (2, d_a, d_a * r)):
                    k = gate * hidden + j
                    sum_backward(d_ih, x[t, m], weight_ih[k], dx[t, m], dweight_ih[k])
                    sum_backward(d_hh, states[t, m], weight_hh[k], d_states[t, m], dweight_hh[k])
                    dbias_ih[k] += d_ih
                    dbias_hh[k] += d_hh
    biases = dbias_ih if has_bias_ih else None, dbias_hh if has_bias_hh else None
    return dx, d_states[0], dweight_ih, dweight_hh, *biases
