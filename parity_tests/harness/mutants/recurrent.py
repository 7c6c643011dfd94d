"""Faults of recurrent layers and of the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

RNN, LSTM, GRU = "ops.rnn.rnn", "ops.lstm.lstm", "ops.gru.gru"
SEQUENCE = "forward output[sequence]"


def _both_biases(kind: str, name: str) -> None:
    """Plant the fault of one bias in place of two."""

    @plant("second bias missing", kind, [name], SEQUENCE)
    def _(original: Any, bias_hh: Any, **more: Any) -> Any:
        return original(bias_hh=None if bias_hh is None else 0 * bias_hh, **more)


def _truncated(kind: str, name: str) -> None:
    """Plant the fault of a gradient that does not reach the first step."""

    @plant("BPTT truncated by one step", f"{kind}_backward", [name], "backward dx", remembers=kind)
    def _(original: Any, dy: Array, call: Call, **more: Any) -> Any:
        if len(dy) == 1:
            return original(dy=dy, **more)
        (sequence, after), has_cells = _parts(call.forward(**{**call.arguments, "x": call.x[:1]}))
        cells = {"c0": after} if has_cells else {}
        no_cell = {"dc_n": 0 * more["dc_n"]} if has_cells else {}
        rest = call.cache(x=call.x[1:], h0=sequence[0], **cells)
        sooner = original(dy=dy[:1], **{**more, **no_cell, "cache": call.cache(x=call.x[:1])})
        later = original(dy=dy[1:], **{**more, "cache": rest})
        return _over_time(sooner, later, 2 if has_cells else 1)


def _parts(made: Any) -> tuple[tuple[Array, Any], bool]:
    """Return the sequence and the last cell that a forward made, and whether there is one."""
    y, _ = made
    return (y, True) if isinstance(y, tuple) else ((y, None), False)


def _over_time(sooner: Sequence[Any], later: Sequence[Any], states: int) -> tuple[Any, ...]:
    """Return the gradients of two stretches as those of one, the first states' from the first."""
    dx = None if sooner[0] is None else np.concatenate([sooner[0], later[0]])
    sums = (None if a is None else a + b for a, b in zip(sooner, later, strict=True))
    return dx, *sooner[1 : 1 + states], *list(sums)[1 + states :]


for _kind, _name in ((RNN, "RNN"), (LSTM, "LSTM"), (GRU, "GRU")):
    _both_biases(_kind, _name)
    _truncated(_kind, _name)


def _directions(name: str) -> None:
    """Plant the faults of the direction back in time."""

    @plant(
        "reverse direction's last state", "nn.recurrence.last_step", [name], "forward output[h_n]"
    )
    def _(original: Any, reverse: int) -> Any:
        return original(0)

    @plant("reverse direction runs forward", "nn.recurrence.in_time", [name], SEQUENCE)
    def _(original: Any, steps: Array, reverse: int) -> Any:
        return original(steps, 0)


for _name in ("RNN", "LSTM", "GRU"):
    _directions(_name)


@plant("derivative of tanh 1 - h", "ops.rnn.step_backward", ["RNN"], "backward dx")
def _(original: Any, dh: Array, h: Array, weight_hh: Array, nonlinearity: str) -> Any:
    if nonlinearity == "relu":
        return original(dh, h, weight_hh, nonlinearity)
    d_sum = dh * (1 - h)
    return d_sum, d_sum.dot(weight_hh)


@plant("state weight transposed on the way back", "ops.rnn.step_backward", ["RNN"], "backward dx")
def _(original: Any, weight_hh: Array, **more: Any) -> Any:
    return original(weight_hh=weight_hh.T, **more)


@plant("rectifier open at 0", "ops.rnn.step_backward", ["RNN"], "backward dx")
def _(original: Any, dh: Array, nonlinearity: str, weight_hh: Array, **more: Any) -> Any:
    if nonlinearity == "relu":
        return dh, dh.dot(weight_hh)
    return original(dh=dh, weight_hh=weight_hh, nonlinearity=nonlinearity, **more)


@plant(
    "state weight gradient from the states after",
    "ops.rnn.rnn_backward",
    ["RNN"],
    "backward weight_hh_l0",
    remembers=RNN,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx, dh0, dweight_ih, _, *biases = original(dy, cache)
    shifted = call.cache(h0=call.y[0], x=np.concatenate([call.x[1:], call.x[-1:]]))
    return dx, dh0, dweight_ih, original(dy, shifted)[3], *biases


@plant("LSTM gates permuted", "ops.lstm.split", ["LSTM"], SEQUENCE)
def _(original: Any, gates: Array) -> Any:
    i, f, o, g = original(gates)
    return i, f, g, o


@plant("LSTM cell gradient not carried", "ops.lstm.step_backward", ["LSTM"], "backward dx")
def _(original: Any, **arguments: Any) -> Any:
    d_sums, dh_before, dc_before = original(**arguments)
    return d_sums, dh_before, 0 * dc_before


@plant("forget gate biased by 1", "ops.lstm.step", ["LSTM"], SEQUENCE)
def _(original: Any, input_sum: Array, **more: Any) -> Any:
    hidden = input_sum.shape[-1] // 4
    raised = input_sum.copy()
    raised[..., hidden : 2 * hidden] += 1
    return original(input_sum=raised, **more)


@plant("cell shown without tanh", "ops.lstm.step", ["LSTM"], SEQUENCE)
def _(original: Any, **arguments: Any) -> Any:
    _, c, gates = original(**arguments)
    return gates[..., -c.shape[-1] :] * c, c, gates


@plant("gradient of the last cell forgotten", "ops.lstm.lstm_backward", ["LSTM"], "backward dx")
def _(original: Any, dc_n: Array, **more: Any) -> Any:
    return original(dc_n=0 * dc_n, **more)


@plant(
    "first cell's gradient that of the first state",
    "ops.lstm.lstm_backward",
    ["LSTM"],
    "backward dx2",
)
def _(original: Any, **arguments: Any) -> Any:
    dx, dh0, _, *rest = original(**arguments)
    return dx, dh0, dh0, *rest


@plant("GRU reset before the matmul", "ops.gru.step", ["GRU"], SEQUENCE)
def _(original: Any, input_sum: Array, h_before: Array, weight_hh: Array, bias_hh: Any) -> Any:
    _, gates, _ = original(input_sum, h_before, weight_hh, bias_hh)
    hidden = h_before.shape[-1]
    r, z, n = (gates[..., k * hidden : (k + 1) * hidden] for k in range(3))
    recalled = (r * h_before).dot(weight_hh[2 * hidden :].T)
    if bias_hh is not None:
        recalled = recalled + bias_hh[2 * hidden :]
    n[...] = np.tanh(input_sum[..., 2 * hidden :] + recalled)
    return (1 - z) * n + z * h_before, gates, recalled


@plant("bias outside of the reset gate", "ops.gru.step", ["GRU"], SEQUENCE)
def _(original: Any, input_sum: Array, bias_hh: Any, **more: Any) -> Any:
    if bias_hh is None:
        return original(input_sum=input_sum, bias_hh=None, **more)
    third = len(bias_hh) // 3
    outside = np.where(np.arange(len(bias_hh)) < 2 * third, 0, bias_hh).astype(bias_hh.dtype)
    return original(input_sum=input_sum + outside, bias_hh=bias_hh - outside, **more)


@plant("update gate the other way round", "ops.gru.step", ["GRU"], SEQUENCE)
def _(original: Any, h_before: Array, **more: Any) -> Any:
    h, gates, recalled = original(h_before=h_before, **more)
    n = gates[..., -h.shape[-1] :]
    return n + h_before - h, gates, recalled


@plant("state that passes straight on forgotten", "ops.gru.step_backward", ["GRU"], "backward dx")
def _(original: Any, weight_hh: Array, **more: Any) -> Any:
    d_input, d_hidden, _ = original(weight_hh=weight_hh, **more)
    return d_input, d_hidden, d_hidden.dot(weight_hh)


@plant(
    "second bias with the first one's gradient",
    "ops.gru.gru_backward",
    ["GRU"],
    "backward bias_hh_l0",
)
def _(original: Any, dy: Array, cache: Any) -> Any:
    *rest, dbias_ih, _ = original(dy, cache)
    return *rest, dbias_ih, dbias_ih


@plant(
    "embedding rows assigned for repeated indices",
    "ops.embedding.embedding_backward",
    ["Embedding"],
    "backward weight",
    remembers="ops.embedding.embedding",
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dweight = 0 * original(dy, cache)
    dweight[call.indices] = dy
    return dweight


@plant("padding row trained", "ops.embedding.embedding", ["Embedding"], "backward weight")
def _(original: Any, padding_idx: Any, **more: Any) -> Any:
    return original(padding_idx=None, **more)
