"""The gated recurrent unit: a state that two gates mix with a new one."""

from typing import NamedTuple

import numpy as np

from scratch.ops import checks, recurrence
from scratch.ops.checks import Array


class GruCache(NamedTuple):
    """Inputs, weights, and of every step what its gradient needs.

    ``states[t]`` is the one before step t; ``gates[t]`` are r, z, n in step t; ``recalled[t]`` is
    what r multiplied there.
    """

    x: Array
    states: Array
    gates: list[Array]
    recalled: list[Array]
    weight_ih: Array
    weight_hh: Array
    has_bias_ih: bool
    has_bias_hh: bool
    needs_dx: bool


def gru(
    x: Array,
    h0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
    needs_dx: bool = True,
) -> tuple[Array, GruCache]:
    r"""Carry a state through time.

    Three sums per unit, in this order: what of the past the new state may recall (r), what of the
    past stays (z), what is new (n).

    .. math::
        \begin{aligned}
        r, z &= \sigma(W_i x_t + b_i + W_h h_{t-1} + b_h) \\
        n &= \tanh\bigl(W_{in} x_t + b_{in} + r \cdot (W_{hn} h_{t-1} + b_{hn})\bigr) \\
        h_t &= (1 - z) \cdot n + z \cdot h_{t-1}
        \end{aligned}

    The gate r comes after the product with the weights and the bias, as in torch. Cho et al. and
    the book put it before, :math:`W_{hn} (r \cdot h_{t-1})`, which are other numbers.

    Args:
        x: ``(T, N, in)``: steps, samples, features.
        h0: ``(N, H)``, the state before the first step.
        weight_ih: ``(3 H, in)``: the rows of r, then those of z and n.
        weight_hh: ``(3 H, H)``, likewise.
        bias_ih: ``(3 H,)`` or None.
        bias_hh: ``(3 H,)`` or None.
        needs_dx: Whether the backward pass shall return the gradient of ``x``.

    Returns:
        ``y`` of shape ``(T, N, H)``, the states after every step, and the cache for
        :func:`gru_backward`.

    Raises:
        ShapeError: Sizes or dtypes do not fit together, or there is no step or no sample.

    Cho et al. 2014, Learning phrase representations using RNN encoder-decoder for statistical
    machine translation; the book, chapter 20.

    >>> start = np.full((1, 1), 4.0)  # without weights r and z are 1/2 and n is 0: it is halved
    >>> y, _ = gru(np.ones((2, 1, 1)), start, np.zeros((3, 1)), np.zeros((3, 1)))
    >>> y.tolist()
    [[[2.0]], [[1.0]]]
    """
    recurrence.check(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, 3)
    weight_ih, weight_hh = np.ascontiguousarray(weight_ih), np.ascontiguousarray(weight_hh)

    states = recurrence.empty((len(x) + 1, *h0.shape), h0.dtype)
    states[0] = h0
    h = states[0]
    gates, recalled = [], []
    sums = recurrence.input_sums(x, weight_ih, bias_ih)  # r multiplies bias_hh
    for t, input_sum in enumerate(sums):  # (N, 3 H)
        h, of_step, multiplied = step(input_sum, h, weight_hh, bias_hh)
        states[t + 1] = h
        gates.append(of_step)
        recalled.append(multiplied)
    biased = bias_ih is not None, bias_hh is not None
    cache = GruCache(x, states, gates, recalled, weight_ih, weight_hh, *biased, needs_dx)
    return states[1:], cache


def gru_backward(
    dy: Array, cache: GruCache
) -> tuple[Array | None, Array, Array, Array, Array | None, Array | None]:
    r"""Carry the gradients of all states back through time.

    A state :math:`h_{t-1}` reaches the loss through the output of its own step, through the share
    z of it that stays in :math:`h_t`, and through all three sums of step t. The steps are walked
    from the last to the first, as in :func:`scratch.ops.rnn.rnn_backward`. What the inputs add and
    what the state adds to the sum of n differ by the factor r, so each weight has the gradients of
    its own sums, and the biases with it.

    Args:
        dy: ``(T, N, H)``.
        cache: What :func:`gru` returned.

    Returns:
        ``dx (T, N, in)`` (None if it was not asked for), ``dh0 (N, H)``, ``dweight_ih (3 H, in)``,
        ``dweight_hh (3 H, H)``, ``dbias_ih (3 H,)`` and ``dbias_hh (3 H,)`` (None without a bias).

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    The network of :func:`gru` with a loss that is its last state: z is 1/2 at both steps, so the
    first state gets 1/4; n gets 1/2 at the second step and 1/4 at the first.

    >>> start = np.full((1, 1), 4.0)
    >>> _, cache = gru(np.ones((2, 1, 1)), start, np.zeros((3, 1)), np.zeros((3, 1)))
    >>> dx, dh0, dweight_ih, dweight_hh, *_ = gru_backward(np.array([[[0.0]], [[1.0]]]), cache)
    >>> dh0.tolist(), dweight_ih.ravel().tolist()  # z: 1/4 (1 * 2 + 1/2 * 4)
    ([[0.25]], [0.0, 1.0, 0.75])
    >>> dweight_hh.ravel().tolist()  # z: 1/4 (1 * 2 * 2 + 1/2 * 4 * 4), n: 1/2 (1/2 * 2 + 1/4 * 4)
    [0.0, 3.0, 1.0]
    """
    x, states, gates, recalled, weight_ih, weight_hh, has_bias_ih, has_bias_hh, needs_dx = cache
    checks.gradient(dy, states[1:].shape, states.dtype)
    dx = recurrence.empty(x.shape, x.dtype) if needs_dx else None
    dh = np.zeros_like(states[0])
    of_x = recurrence.Gradients(len(weight_ih), x)
    of_h = recurrence.Gradients(len(weight_hh), states[:-1])
    for t in reversed(range(len(x))):
        dh += dy[t]
        d_input, d_hidden, dh = step_backward(dh, gates[t], recalled[t], states[t], weight_hh)
        of_x.add(t, d_input)
        of_h.add(t, d_hidden)
        if dx is not None:
            dx[t] = recurrence.product(d_input, weight_ih.T)
    (dweight_ih,), (dweight_hh,) = of_x.weights, of_h.weights
    dbias_ih = of_x.bias if has_bias_ih else None
    dbias_hh = of_h.bias if has_bias_hh else None
    return dx, dh, dweight_ih, dweight_hh, dbias_ih, dbias_hh


def step(
    input_sum: Array, h_before: Array, weight_hh: Array, bias_hh: Array | None
) -> tuple[Array, Array, Array]:
    """Return state and gates of one step, and what its gate r multiplied.

    Args:
        input_sum: ``(N, 3 H)``, what the input and its bias contribute to the sums.
        h_before: ``(N, H)``.
        weight_hh: ``(3 H, H)``.
        bias_hh: ``(3 H,)`` or None.

    Returns:
        ``h (N, H)``, ``gates (N, 3 H)``: r, z and n; and ``recalled (N, H)``.

    >>> h, gates, recalled = step(np.zeros((1, 3)), np.ones((1, 1)), np.zeros((3, 1)), None)
    >>> h.tolist(), gates.tolist(), recalled.tolist()
    ([[0.5]], [[0.5, 0.5, 0.0]], [[0.0]])
    """
    gates = recurrence.product(h_before, weight_hh)
    if bias_hh is not None:
        gates += bias_hh
    r, z, n = split(gates)
    recalled = n.copy(order="K")
    hidden = n.shape[-1]
    both = gates[..., :-hidden]  # r and z
    both += input_sum[..., :-hidden]
    recurrence.sigmoid_in_place(both)
    np.multiply(r, recalled, out=n)
    n += input_sum[..., -hidden:]
    np.tanh(n, out=n)
    return (1 - z) * n + z * h_before, gates, recalled


def step_backward(
    dh: Array, gates: Array, recalled: Array, h_before: Array, weight_hh: Array
) -> tuple[Array, Array, Array]:
    r"""Carry the gradient of a state to the sums of inputs and state, and to the state before.

    From :math:`h = (1 - z) n + z h'` and :math:`n = \tanh(a + r q)`, a from the input, q from the
    state:

    .. math::
        \begin{aligned}
        dz &= dh\,(h' - n), & dn &= dh\,(1 - z), \\
        da &= dn\,(1 - n^2), & dr &= da\,q, \qquad dq = da\,r,
        \end{aligned}

    and through the slopes y (1 - y) of r and z to their sums, which inputs and state enter alike.
    The state before gets :math:`dh\,z` directly and :math:`ds\,W_{hh}` from the sums.

    Args:
        dh: ``(N, H)``, from this step's output and from the next step together.
        gates: ``(N, 3 H)``, what :func:`step` returned.
        recalled: ``(N, H)``, likewise: q.
        h_before: ``(N, H)``, the state before the step.
        weight_hh: ``(3 H, H)``.

    Returns:
        ``d_input_sum (N, 3 H)``, ``d_hidden_sum (N, 3 H)`` and ``dh_before (N, H)``.

    >>> gates, two = np.array([[0.5, 0.5, 0.0]]), np.full((1, 1), 2.0)
    >>> found = step_backward(two / 2, gates, 4 * two, two, np.zeros((3, 1)))
    >>> [d.tolist() for d in found]  # da = 1/2; r: 1/2 * 8 * 1/4, z: 2 * 1/4
    [[[1.0, 0.5, 0.5]], [[1.0, 0.5, 0.25]], [[0.5]]]
    """
    r, z, n = split(gates)
    d_input = 1 - gates
    d_input *= gates  # the slopes of the sigmoids
    d_r, d_z, d_n = split(d_input)
    np.multiply(dh * (1 - z), 1 - n * n, out=d_n)
    d_z *= dh * (h_before - n)
    d_r *= d_n * recalled
    d_hidden = d_input.copy(order="K")
    _, _, d_q = split(d_hidden)
    d_q *= r
    dh_before = recurrence.product(d_hidden, weight_hh.T)
    dh_before += dh * z
    return d_input, d_hidden, dh_before


def split(gates: Array) -> tuple[Array, Array, Array]:
    """Return views of the thirds that belong to r, z and n.

    >>> [gate.item() for gate in split(np.array([[1.0, 2.0, 3.0]]))]
    [1.0, 2.0, 3.0]
    """
    hidden = gates.shape[-1] // 3
    return gates[..., :hidden], gates[..., hidden:-hidden], gates[..., -hidden:]
