"""The simple recurrent network of Elman: a state that sees the input and its own past."""

from typing import NamedTuple

import numpy as np

from scratch.ops import activation, checks, recurrence
from scratch.ops.checks import Array, ShapeError
from scratch.ops.masks import where_nonzero

NONLINEARITIES = ("tanh", "relu")


class RnnCache(NamedTuple):
    """Inputs, weights, and the states: ``states[t]`` before step t, ``states[t + 1]`` after it."""

    x: Array
    states: Array
    weight_ih: Array
    weight_hh: Array
    has_bias_ih: bool
    has_bias_hh: bool
    nonlinearity: str
    needs_dx: bool


def rnn(
    x: Array,
    h0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None = None,
    bias_hh: Array | None = None,
    nonlinearity: str = "tanh",
    needs_dx: bool = True,
) -> tuple[Array, RnnCache]:
    r"""Carry a state through time.

    .. math:: h_t = f(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})

    Args:
        x: ``(T, N, in)``: steps, samples, features.
        h0: ``(N, H)``, the state before the first step.
        weight_ih: ``(H, in)``.
        weight_hh: ``(H, H)``.
        bias_ih: ``(H,)`` or None.
        bias_hh: ``(H,)`` or None; only the sum of both biases counts, but torch has two.
        nonlinearity: f, "tanh" or "relu".
        needs_dx: Whether the backward pass shall return the gradient of ``x``.

    Returns:
        ``y`` of shape ``(T, N, H)``, the states after every step, and the cache for
        :func:`rnn_backward`.

    Raises:
        ShapeError: Sizes or dtypes do not fit together, there is no step or no sample, or the
            nonlinearity is unknown.

    Elman 1990, Finding structure in time; the book, chapter 19.

    >>> x = np.array([[[1.0]], [[1.0]]])  # h1 = 2*1 + 3*0 = 2, h2 = 2*1 + 3*2 = 8
    >>> weights = np.array([[2.0]]), np.array([[3.0]])
    >>> y, _ = rnn(x, np.zeros((1, 1)), *weights, nonlinearity="relu")
    >>> y.tolist()
    [[[2.0]], [[8.0]]]
    """
    if nonlinearity not in NONLINEARITIES:
        words = ", ".join(NONLINEARITIES)
        raise ShapeError(f"nonlinearity among {words}", repr(nonlinearity))
    recurrence.check(x, h0, weight_ih, weight_hh, bias_ih, bias_hh)
    weight_ih, weight_hh = np.ascontiguousarray(weight_ih), np.ascontiguousarray(weight_hh)

    states = recurrence.empty((len(x) + 1, *h0.shape), h0.dtype)
    states[0] = h0
    h = states[0]
    sums = recurrence.input_sums(x, weight_ih, bias_ih, bias_hh)
    for t, input_sum in enumerate(sums):  # (N, H)
        h = step(input_sum, h, weight_hh, nonlinearity)
        states[t + 1] = h
    biased = bias_ih is not None, bias_hh is not None
    return states[1:], RnnCache(x, states, weight_ih, weight_hh, *biased, nonlinearity, needs_dx)


def rnn_backward(
    dy: Array, cache: RnnCache
) -> tuple[Array | None, Array, Array, Array, Array | None, Array | None]:
    r"""Carry the gradients of all states back through time.

    Unrolled over time the network is a deep one, whose layers share their weights. A state
    :math:`h_t` reaches the loss in two ways: through the output of its own step, which gives
    :math:`dy_t`, and through the next state. So the steps are walked from the last to the first,
    each adding to :math:`dy_t` what came back from step t + 1 and finding the gradient of its sum
    :math:`s_t`. Since every step used the same weights, their gradients add up:

    .. math::
        dW_{ih} = \sum_t ds_t^T x_t, \qquad dW_{hh} = \sum_t ds_t^T h_{t-1}, \qquad
        db = \sum_t ds_t, \qquad dx_t = ds_t W_{ih}

    Werbos 1990, Backpropagation through time: what it does and how to do it.

    Args:
        dy: ``(T, N, H)``.
        cache: What :func:`rnn` returned.

    Returns:
        ``dx (T, N, in)`` (None if it was not asked for), ``dh0 (N, H)``, ``dweight_ih (H, in)``,
        ``dweight_hh (H, H)``, ``dbias_ih (H,)`` and ``dbias_hh (H,)`` (None without a bias).

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    The network of :func:`rnn` with a loss that is its last state: ds2 = 1, ds1 = 3 * 1, so the
    weight of the inputs gets 1*1 + 3*1, that of the states 1*2 + 3*0, the first state 3*3.

    >>> x, weights = np.array([[[1.0]], [[1.0]]]), (np.array([[2.0]]), np.array([[3.0]]))
    >>> _, cache = rnn(x, np.zeros((1, 1)), *weights, nonlinearity="relu")
    >>> dx, dh0, dweight_ih, dweight_hh, _, _ = rnn_backward(np.array([[[0.0]], [[1.0]]]), cache)
    >>> dx.tolist(), dh0.tolist(), dweight_ih.tolist(), dweight_hh.tolist()
    ([[[6.0]], [[2.0]]], [[9.0]], [[4.0]], [[2.0]])
    """
    x, states, weight_ih, weight_hh, has_bias_ih, has_bias_hh, nonlinearity, needs_dx = cache
    before, after = states[:-1], states[1:]
    checks.gradient(dy, after.shape, after.dtype)
    dx = recurrence.empty(x.shape, x.dtype) if needs_dx else None
    dh = np.zeros_like(states[0])
    gradients = recurrence.Gradients(len(weight_hh), x, before)
    for t in reversed(range(len(x))):
        dh += dy[t]
        d_sum, dh = step_backward(dh, after[t], weight_hh, nonlinearity)
        gradients.add(t, d_sum)
        if dx is not None:
            dx[t] = recurrence.product(d_sum, weight_ih.T)
    dweight_ih, dweight_hh = gradients.weights
    dbias_ih = gradients.bias if has_bias_ih else None
    dbias_hh = gradients.bias.copy() if has_bias_hh else None
    return dx, dh, dweight_ih, dweight_hh, dbias_ih, dbias_hh


def step(input_sum: Array, h_before: Array, weight_hh: Array, nonlinearity: str) -> Array:
    """Return the state after one step.

    Args:
        input_sum: ``(N, H)``, what the input and the biases contribute to the sum.
        h_before: ``(N, H)``.
        weight_hh: ``(H, H)``.
        nonlinearity: "tanh" or "relu".

    Returns:
        ``h (N, H)``.

    >>> step(np.array([[2.0]]), np.array([[2.0]]), np.array([[3.0]]), "relu").tolist()
    [[8.0]]
    """
    total = recurrence.product(h_before, weight_hh)
    total += input_sum
    h, _ = activation.tanh(total) if nonlinearity == "tanh" else activation.relu(total)
    return h


def step_backward(dh: Array, h: Array, weight_hh: Array, nonlinearity: str) -> tuple[Array, Array]:
    r"""Carry the gradient of a state to its sum and to the state before.

    With :math:`h = f(s)` and :math:`s = \ldots + W_{hh} h'`: first :math:`ds = dh \cdot f'(s)`,
    where :math:`f'(s) = 1 - h^2` for tanh and :math:`[h \ne 0]` for relu, which is 0 at the kink;
    then :math:`dh' = ds\,W_{hh}`.

    Args:
        dh: ``(N, H)``, from this step's output and from the next step together.
        h: ``(N, H)``, the state after the step.
        weight_hh: ``(H, H)``.
        nonlinearity: "tanh" or "relu".

    Returns:
        ``d_sum (N, H)`` and ``dh_before (N, H)``.

    >>> d_sum, dh_before = step_backward(*np.array([[[5.0]], [[8.0]], [[3.0]]]), "relu")
    >>> d_sum.tolist(), dh_before.tolist()
    ([[5.0]], [[15.0]])
    """
    d_sum = dh * (1 - h * h) if nonlinearity == "tanh" else where_nonzero(dh, h)
    return d_sum, recurrence.product(d_sum, weight_hh.T)
