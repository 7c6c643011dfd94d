"""The long short-term memory: a state with a cell beside it that gates open and shut."""

from typing import NamedTuple

import numpy as np

from scratch.ops import checks, recurrence
from scratch.ops.checks import Array


class LstmCache(NamedTuple):
    """Inputs, weights, and of every step what its gradient needs.

    ``states[t]`` and ``cells[t]`` are those before step t; ``gates[t]`` are i, f, g, o in step t.
    """

    x: Array
    states: Array
    cells: list[Array]
    gates: list[Array]
    weight_ih: Array
    weight_hh: Array
    has_bias_ih: bool
    has_bias_hh: bool
    needs_dx: bool


def lstm(
    x: Array,
    h0: Array,
    c0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
    needs_dx: bool = True,
) -> tuple[tuple[Array, Array], LstmCache]:
    r"""Carry a state and a cell through time.

    Four sums per unit, in this order: what to let in (i), what to keep (f), what is new (g), what
    to show (o).

    .. math::
        \begin{aligned}
        i, f, g, o &= \sigma, \sigma, \tanh, \sigma \text{ of }
            W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh} \\
        c_t &= f \cdot c_{t-1} + i \cdot g, \qquad h_t = o \cdot \tanh c_t
        \end{aligned}

    Args:
        x: ``(T, N, in)``: steps, samples, features.
        h0: ``(N, H)``, the state before the first step.
        c0: ``(N, H)``, the cell before the first step.
        weight_ih: ``(4 H, in)``: the rows of i, then those of f, g and o.
        weight_hh: ``(4 H, H)``, likewise.
        bias_ih: ``(4 H,)`` or None.
        bias_hh: ``(4 H,)`` or None.
        needs_dx: Whether the backward pass shall return the gradient of ``x``.

    Returns:
        ``(y, c_n)``: the states after every step ``(T, N, H)`` and the last cell ``(N, H)``; and
        the cache for :func:`lstm_backward`.

    Raises:
        ShapeError: Sizes or dtypes do not fit together, or there is no step or no sample.

    Hochreiter & Schmidhuber 1997, Long short-term memory; the gate f is of Gers, Schmidhuber &
    Cummins 2000, Learning to forget; the book, chapter 20.

    >>> zero = np.zeros((1, 1))  # without weights the gates are 1/2 and g is 0: cells are halved
    >>> (y, c_n), _ = lstm(np.ones((2, 1, 1)), zero, zero + 4, np.zeros((4, 1)), np.zeros((4, 1)))
    >>> c_n.tolist(), bool((y[:, 0, 0] == np.tanh([2, 1]) / 2).all())
    ([[1.0]], True)
    """
    recurrence.check(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, 4)
    checks.shape(c0, *h0.shape)
    checks.same_dtype(c0, h0.dtype)
    weight_ih, weight_hh = np.ascontiguousarray(weight_ih), np.ascontiguousarray(weight_hh)

    states = recurrence.empty((len(x) + 1, *h0.shape), h0.dtype)
    states[0] = h0
    h, c = states[0], np.array(c0, order="F")
    cells, gates = [c], []
    sums = recurrence.input_sums(x, weight_ih, bias_ih, bias_hh)
    for t, input_sum in enumerate(sums):  # (N, 4 H)
        h, c, of_step = step(input_sum, h, c, weight_hh)
        states[t + 1] = h
        cells.append(c)
        gates.append(of_step)
    biased = bias_ih is not None, bias_hh is not None
    cache = LstmCache(x, states, cells, gates, weight_ih, weight_hh, *biased, needs_dx)
    return (states[1:], c.copy()), cache


def lstm_backward(
    dy: Array, dc_n: Array, cache: LstmCache
) -> tuple[Array | None, Array, Array, Array, Array, Array | None, Array | None]:
    r"""Carry the gradients of all states and of the last cell back through time.

    A state :math:`h_t` reaches the loss through the output of its step and through all four sums
    of the next; a cell :math:`c_t` through its own state and, times f, through the next cell. So
    two gradients travel back from step to step, dh and dc, and :func:`step_backward` takes both.
    Along the cells dc is only multiplied by f, which is why a gradient lasts where f stays near 1.
    The weights are those of every step, so their gradients are sums over all steps, as in
    :func:`scratch.ops.rnn.rnn_backward`.

    Args:
        dy: ``(T, N, H)``.
        dc_n: ``(N, H)``.
        cache: What :func:`lstm` returned.

    Returns:
        ``dx (T, N, in)`` (None if it was not asked for), ``dh0`` and ``dc0 (N, H)``,
        ``dweight_ih (4 H, in)``, ``dweight_hh (4 H, H)``, ``dbias_ih`` and ``dbias_hh (4 H,)``
        (None without a bias).

    Raises:
        ShapeError: ``dy`` or ``dc_n`` has not the shape and dtype of ``y`` or ``c_n``.

    The network of :func:`lstm` with a loss that is its last cell: f is 1/2 at both steps, so the
    first cell gets 1/4.

    >>> zero = np.zeros((1, 1))
    >>> _, cache = lstm(np.ones((2, 1, 1)), zero, zero + 4, np.zeros((4, 1)), np.zeros((4, 1)))
    >>> dx, dh0, dc0, dweight_ih, *_ = lstm_backward(np.zeros((2, 1, 1)), np.ones((1, 1)), cache)
    >>> dc0.tolist(), dweight_ih.ravel().tolist()  # f: 1/4 (2 + 4/2), g: 1/2 (1 + 1/2)
    ([[0.25]], [0.0, 1.0, 0.75, 0.0])
    """
    x, states, cells, gates, weight_ih, weight_hh, has_bias_ih, has_bias_hh, needs_dx = cache
    checks.gradient(dy, states[1:].shape, states.dtype)
    checks.gradient(dc_n, cells[-1].shape, states.dtype)
    dx = recurrence.empty(x.shape, x.dtype) if needs_dx else None
    dh, dc = np.zeros_like(cells[0]), np.asfortranarray(dc_n)
    gradients = recurrence.Gradients(len(weight_hh), x, states[:-1])
    for t in reversed(range(len(x))):
        dh += dy[t]
        d_sum, dh, dc = step_backward(dh, dc, gates[t], cells[t], cells[t + 1], weight_hh)
        gradients.add(t, d_sum)
        if dx is not None:
            dx[t] = recurrence.product(d_sum, weight_ih.T)
    dweight_ih, dweight_hh = gradients.weights
    dbias_ih = gradients.bias if has_bias_ih else None
    dbias_hh = gradients.bias.copy() if has_bias_hh else None
    return dx, dh, dc, dweight_ih, dweight_hh, dbias_ih, dbias_hh


def step(
    input_sum: Array, h_before: Array, c_before: Array, weight_hh: Array
) -> tuple[Array, Array, Array]:
    """Return state, cell and gates of one step.

    Args:
        input_sum: ``(N, 4 H)``, what the input and the biases contribute to the sums.
        h_before: ``(N, H)``.
        c_before: ``(N, H)``.
        weight_hh: ``(4 H, H)``.

    Returns:
        ``h (N, H)``, ``c (N, H)`` and ``gates (N, 4 H)``: i, f, g and o.

    >>> h, c, gates = step(np.zeros((1, 4)), np.ones((1, 1)), np.ones((1, 1)), np.zeros((4, 1)))
    >>> c.tolist(), gates.tolist()
    ([[0.5]], [[0.5, 0.5, 0.0, 0.5]])
    """
    gates = recurrence.product(h_before, weight_hh)
    gates += input_sum
    i, f, g, o = split(gates)
    recurrence.sigmoid_in_place(gates[..., : gates.shape[-1] // 2])  # i and f
    recurrence.sigmoid_in_place(o)
    np.tanh(g, out=g)
    c = f * c_before
    c += i * g
    return o * np.tanh(c), c, gates


def step_backward(
    dh: Array, dc: Array, gates: Array, c_before: Array, c: Array, weight_hh: Array
) -> tuple[Array, Array, Array]:
    r"""Carry the gradients of a state and its cell to the four sums, the state and cell before.

    From :math:`h = o \tanh c` and :math:`c = f c' + i g`:

    .. math::
        \begin{aligned}
        do &= dh \tanh c, & dc &\mathrel{+}= dh\, o\, (1 - \tanh^2 c), \\
        di &= dc\, g, & df &= dc\, c', \qquad dg = dc\, i, \qquad dc' = dc\, f,
        \end{aligned}

    then through each gate's own slope, y (1 - y) for the three sigmoids and 1 - g^2 for g, to the
    sums; and from those :math:`dh' = ds\,W_{hh}`, a product that adds up all four ways.

    Args:
        dh: ``(N, H)``, from this step's output and from the next step together.
        dc: ``(N, H)``, from the next step alone.
        gates: ``(N, 4 H)``, what :func:`step` returned.
        c_before: ``(N, H)``, the cell before the step.
        c: ``(N, H)``, the cell after the step.
        weight_hh: ``(4 H, H)``.

    Returns:
        ``d_sums (N, 4 H)``, ``dh_before (N, H)`` and ``dc_before (N, H)``.

    >>> zero, one = np.zeros((1, 1)), np.ones((1, 1))
    >>> gates = np.array([[0.5, 0.5, 0.0, 0.5]])
    >>> d_sums, _, dc_before = step_backward(zero, one, gates, 4 * one, 2 * one, np.ones((4, 1)))
    >>> d_sums.tolist(), dc_before.tolist()  # f: 4 * 1/2 * 1/2; g: 1/2
    ([[0.0, 1.0, 0.5, 0.0]], [[0.5]])
    """
    i, f, g, o = split(gates)
    shown = np.tanh(c)
    dc = dc + dh * o * (1 - shown * shown)
    d_sums = 1 - gates
    d_sums *= gates  # the slopes of the sigmoids
    d_i, d_f, d_g, d_o = split(d_sums)
    np.subtract(1, g * g, out=d_g)  # that of tanh
    d_i *= dc * g
    d_f *= dc * c_before
    d_g *= dc * i
    d_o *= dh * shown
    return d_sums, recurrence.product(d_sums, weight_hh.T), dc * f


def split(gates: Array) -> tuple[Array, Array, Array, Array]:
    """Return views of the quarters that belong to i, f, g and o.

    >>> [gate.item() for gate in split(np.array([[1.0, 2.0, 3.0, 4.0]]))]
    [1.0, 2.0, 3.0, 4.0]
    """
    half, hidden = gates.shape[-1] // 2, gates.shape[-1] // 4
    i, f = gates[..., :hidden], gates[..., hidden:half]
    g, o = gates[..., half:-hidden], gates[..., -hidden:]
    return i, f, g, o
