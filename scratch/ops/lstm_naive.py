"""The definition of :mod:`scratch.ops.lstm` in loops."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks, recurrence
from scratch.ops.checks import Array
from scratch.ops.rnn_naive import sum_backward, sums_of


class LstmCache(NamedTuple):
    """Inputs, weights, states and cells before and after every step, and i, f, g, o in it."""

    x: Array
    states: Array
    cells: Array
    gates: Array
    weight_ih: Array
    weight_hh: Array
    has_bias_ih: bool
    has_bias_hh: bool


def lstm(
    x: Array,
    h0: Array,
    c0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
) -> tuple[tuple[Array, Array], LstmCache]:
    """Return ``c[t] = f * c[t - 1] + i * g`` and ``h[t] = o * tanh(c[t])``, unit by unit.

    Args:
        x: ``(T, N, in)``.
        h0: ``(N, H)``.
        c0: ``(N, H)``.
        weight_ih: ``(4 H, in)``, the rows of i, f, g and o.
        weight_hh: ``(4 H, H)``.
        bias_ih: ``(4 H,)`` or None.
        bias_hh: ``(4 H,)`` or None.

    Returns:
        ``(y (T, N, H), c_n (N, H))`` and the cache for :func:`lstm_backward`.

    Raises:
        ShapeError: The sizes do not fit together.
    """
    recurrence.check(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, 4)
    checks.shape(c0, *h0.shape)
    steps, samples, _ = x.shape
    hidden = h0.shape[1]
    states, cells = np.zeros((2, steps + 1, samples, hidden), x.dtype)
    gates = np.zeros((steps, samples, 4, hidden), x.dtype)
    states[0], cells[0] = h0, c0
    for t in range(steps):
        for n in range(samples):
            sums = sums_of(x[t, n], weight_ih, bias_ih) + sums_of(states[t, n], weight_hh, bias_hh)
            for j in range(hidden):
                i, f = sigmoid(sums[j]), sigmoid(sums[hidden + j])
                g, o = np.tanh(sums[2 * hidden + j]), sigmoid(sums[3 * hidden + j])
                cells[t + 1, n, j] = f * cells[t, n, j] + i * g
                states[t + 1, n, j] = o * np.tanh(cells[t + 1, n, j])
                gates[t, n, :, j] = i, f, g, o
    biased = bias_ih is not None, bias_hh is not None
    cache = LstmCache(x, states, cells, gates, weight_ih, weight_hh, *biased)
    return (states[1:], cells[-1].copy()), cache


def lstm_backward(
    dy: Array, dc_n: Array, cache: LstmCache
) -> tuple[Array, Array, Array, Array, Array, Array | None, Array | None]:
    """Walk the steps backwards and hand every gradient to what it came from.

    Args:
        dy: ``(T, N, H)``.
        dc_n: ``(N, H)``.
        cache: What :func:`lstm` returned.

    Returns:
        ``dx``, ``dh0``, ``dc0``, ``dweight_ih``, ``dweight_hh``, ``dbias_ih`` and ``dbias_hh`` (or
        None).
    """
    x, states, cells, gates, weight_ih, weight_hh, has_bias_ih, has_bias_hh = cache
    hidden = states.shape[-1]
    dx, d_states, d_cells = (np.zeros(a.shape, a.dtype) for a in (x, states, cells))
    dweight_ih, dweight_hh = (np.zeros(w.shape, w.dtype) for w in (weight_ih, weight_hh))
    dbias_ih, dbias_hh = np.zeros((2, len(weight_hh)), weight_hh.dtype)
    d_states[1:], d_cells[-1] = dy, dc_n
    for t in reversed(range(len(x))):
        for n in range(x.shape[1]):
            for j in range(hidden):
                i, f, g, o = gates[t, n, :, j]
                dh, shown = d_states[t + 1, n, j], np.tanh(cells[t + 1, n, j])
                d_cells[t + 1, n, j] += dh * o * (1 - shown * shown)
                dc = d_cells[t + 1, n, j]
                d_cells[t, n, j] += dc * f
                d_sums = (
                    dc * g * i * (1 - i),
                    dc * cells[t, n, j] * f * (1 - f),
                    dc * i * (1 - g * g),
                    dh * shown * o * (1 - o),
                )
                for gate, d_sum in enumerate(d_sums):
                    k = gate * hidden + j
                    sum_backward(d_sum, x[t, n], weight_ih[k], dx[t, n], dweight_ih[k])
                    sum_backward(d_sum, states[t, n], weight_hh[k], d_states[t, n], dweight_hh[k])
                    dbias_ih[k] += d_sum
                    dbias_hh[k] += d_sum
    biases = dbias_ih if has_bias_ih else None, dbias_hh if has_bias_hh else None
    return dx, d_states[0], d_cells[0], dweight_ih, dweight_hh, *biases


def sigmoid(total: Any) -> Any:
    """Return ``1 / (1 + exp(-total))`` of a number."""
    return 1 / (1 + np.exp(-total))
