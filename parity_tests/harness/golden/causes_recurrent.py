"""Mistakes in recurrent layers: order of the gates, biases, states, and what is carried back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from parity_tests.harness.outputs import LongShort, Recurrent, flat, leaves, nested
from scratch import nn
from scratch.ops import gru, lstm, rnn

if TYPE_CHECKING:
    from parity_tests.harness.golden.causes import Evidence, Guess
    from parity_tests.harness.golden.manifest import Call

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = dict[str, Array]

ORDERS: dict[str, dict[str, tuple[int, ...]]] = {
    "LSTM": {
        "i, o, f, g, as in ONNX": (0, 3, 1, 2),
        "i, f, o, g": (0, 1, 3, 2),
        "f, i, g, o": (1, 0, 2, 3),
    },
    "GRU": {"z, r, n, as in ONNX and Keras": (1, 0, 2)},
}
"""Where the gates that torch has at 0, 1, 2, ... would be read, by whose order it is."""


class _Layer:
    """A call of a recurrent layer, which can be computed again with other parameters."""

    def __init__(self, evidence: Evidence, call: Call) -> None:
        self.kind, self.evidence, self.call = call.kind, evidence, call
        given = [evidence.get(name) for name in call.reads]
        self.inputs = tuple(value for value in given if value is not None)
        self.complete = bool(given) and len(self.inputs) == len(given)
        found = {name: evidence.get(call.named("parameter", name)) for name in call.parameters}
        self.parameters = {name: value for name, value in found.items() if value is not None}
        fields = LongShort._fields if self.kind == "LSTM" else Recurrent._fields
        d_output = [evidence.get(f"{call.cotangent}.{field}") for field in fields]
        self.d_output = flat(nested((LongShort if self.kind == "LSTM" else Recurrent)(*d_output)))

    @property
    def simple(self) -> bool:
        """Whether it is one layer in one direction."""
        options = self.call.options
        return options["num_layers"] == 1 and not options["bidirectional"]

    def module(self, parameters: Arrays, **others: Any) -> nn.Module:
        """Return the layer with these parameters."""
        names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional")
        options = {name: self.call.options[name] for name in names}
        if self.kind == "RNN":
            options["nonlinearity"] = self.call.options["nonlinearity"]
        made: nn.Module = getattr(nn, self.kind)(**{**options, **others})
        made.astype(np.float64).load_state_dict(parameters)
        return made

    def states(self) -> tuple[Any, ...]:
        """Return the first states as forward takes them."""
        rest = self.inputs[1:]
        return (rest,) if self.kind == "LSTM" and rest else rest

    def output(self, parameters: Arrays, **others: Any) -> Any:
        """Return what the layer makes of its input with these parameters."""
        with nn.inference():
            return flat(self.module(parameters, **others).forward(self.inputs[0], *self.states()))

    def gradients(self, parameters: Arrays) -> tuple[Array, Arrays]:
        """Return dx and the gradients of the parameters, from the golden cotangents."""
        module = self.module(parameters)
        module.forward(self.inputs[0], *self.states())
        dx = leaves(module.backward(nested(self.d_output)))[0]
        return dx, {name: parameter.grad for name, parameter in module.named_parameters()}

    def changed(self) -> Iterator[tuple[str, Arrays]]:
        """Yield parameters as somebody would read them who takes them for something else."""
        held, gates = self.parameters, getattr(nn, self.kind).gates
        for order, places in ORDERS.get(self.kind, {}).items():
            yield (
                f"the gates are read in the order {order}",
                {name: _moved(value, places) for name, value in held.items()},
            )
        if any(name.startswith("bias") for name in held):
            for number, kind in enumerate(("bias_ih", "bias_hh"), 1):
                zeros = {name: 0 * held[name] for name in held if name.startswith(kind)}
                yield f"bias {number} of 2, {kind}, is missing", {**held, **zeros}
        square = {
            name: np.concatenate([part.T for part in np.split(value, gates)])
            for name, value in held.items()
            if name.startswith("weight_hh")
        }
        yield "the weight of the state is transposed", {**held, **square}


def _moved(value: Array, places: tuple[int, ...]) -> Array:
    """Return the blocks of gates as they are found by whoever expects them in another order."""
    blocks = np.split(value, len(places))
    found = list(blocks)
    for gate, place in enumerate(places):
        found[place] = blocks[gate]
    return np.concatenate(found)


def forward(evidence: Evidence, call: Call, name: str) -> Iterator[Guess]:
    """Yield wrong values of one of the layer's outputs."""
    layer, field = _Layer(evidence, call), name[len(call.output) + 1 :]
    if not layer.complete:
        return
    for text, parameters in layer.changed():
        yield text, getattr(layer.output(parameters), field)
    if layer.kind == "RNN":
        other = "relu" if call.options["nonlinearity"] == "tanh" else "tanh"
        made = layer.output(layer.parameters, nonlinearity=other)
        yield f"the nonlinearity is {other}", getattr(made, field)
    if layer.kind == "LSTM" and "bias_hh_l0" in layer.parameters:
        hidden = call.options["hidden_size"]
        raised = {
            key: value + np.repeat([0, 1, 0, 0], hidden) if key.startswith("bias_hh") else value
            for key, value in layer.parameters.items()
        }
        yield "the forget gate has a bias of 1 on top", getattr(layer.output(raised), field)
    if layer.kind == "GRU" and layer.simple:
        for text, made in _other_resets(layer):
            yield text, getattr(made, field)
    if field == "h_n" and call.options["bidirectional"]:
        yield from _wrong_end(layer)
    if layer.inputs[1:]:
        given, layer.inputs = layer.inputs, layer.inputs[:1]
        made = layer.output(layer.parameters)
        layer.inputs = given
        yield "it begins with states of zero, not with those given", getattr(made, field)


def _wrong_end(layer: _Layer) -> Iterator[Guess]:
    made = layer.output(layer.parameters)
    hidden, axis = layer.call.options["hidden_size"], int(layer.call.options["batch_first"])
    last = made.h_n.copy()
    last[-1] = np.take(made.sequence, -1, axis)[..., hidden:]
    yield "the reverse direction's last state is taken at the last step, not at t = 0", last


def _other_resets(layer: _Layer) -> Iterator[tuple[str, Recurrent]]:
    """Yield a GRU whose reset gate stands elsewhere."""
    held, hidden = layer.parameters, layer.call.options["hidden_size"]
    zero = np.zeros(3 * hidden)
    bias_ih, bias_hh = (held.get(f"bias_{kind}_l0", zero) for kind in ("ih", "hh"))
    weight, axis = held["weight_hh_l0"], int(layer.call.options["batch_first"])
    sums = np.moveaxis(layer.inputs[0], axis, 0) @ held["weight_ih_l0"].T + bias_ih

    def run(candidate: Callable[[Array, Array], Array]) -> Recurrent:
        h = layer.inputs[1][0] if layer.inputs[1:] else np.zeros((sums.shape[1], hidden))
        states = []
        for total in sums:
            _, gates, _ = gru.step(total, h, weight, bias_hh)
            r, z, _ = gru.split(gates)
            n = np.tanh(total[:, 2 * hidden :] + candidate(r, h))
            h = (1 - z) * n + z * h
            states.append(h)
        return Recurrent(np.moveaxis(np.stack(states), 0, axis), h[None])

    new, bias = weight[2 * hidden :], bias_hh[2 * hidden :]
    yield (
        "the reset gate multiplies the state before the product, not after it",
        run(lambda r, h: (r * h) @ new.T + bias),
    )
    yield (
        "the second bias stands outside of the reset gate",
        run(lambda r, h: r * (h @ new.T) + bias),
    )


def gradient(evidence: Evidence, call: Call, local: str) -> Iterator[Guess]:
    """Yield wrong gradients of a parameter."""
    layer = _Layer(evidence, call)
    if layer.complete:
        for text, _, found in _backwards(layer):
            yield text, found[local]
        other = local.replace("bias_hh", "bias_ih")
        if layer.kind == "GRU" and other != local:
            right = layer.gradients(layer.parameters)[1]
            yield "it is the first bias's: the reset gate is left out", right[other]


def backward(evidence: Evidence, call: Call) -> Iterator[Guess]:
    """Yield wrong gradients of the input."""
    layer = _Layer(evidence, call)
    if layer.complete:
        for text, dx, _ in _backwards(layer):
            yield text, dx
        for text, parameters in layer.changed():
            if "gates" not in text and "bias" not in text:
                yield text, layer.gradients(parameters)[0]


def _backwards(layer: _Layer) -> Iterator[tuple[str, Array, Arrays]]:
    """Yield dx and the gradients of the parameters where something is not carried back in time."""
    if not layer.simple:
        return
    texts = {(0, 0): "no gradient is carried from a step to the one before it"}
    if layer.kind == "LSTM":
        texts[1, 0] = "the gradient of the cell is not carried from a step to the one before it"
        texts[0, 1] = "the gradient of the state is not carried from a step to the one before it"
    for (state, cell), text in texts.items():
        yield (text, *_through_time(layer, state, cell))


def _through_time(layer: _Layer, state: int, cell: int) -> tuple[Array, Arrays]:
    """Go back through time with the gradients of state and cell carried (1) or dropped (0)."""
    held, axis = layer.parameters, int(layer.call.options["batch_first"])
    x, dy = (np.moveaxis(v, axis, 0) for v in (layer.inputs[0], layer.d_output.sequence))
    d_state, *d_cell = (value[0] for value in layer.d_output[1:])
    zero = np.zeros_like(d_state)
    first = [value[0] for value in layer.inputs[1:]] or [zero] * (1 + len(d_cell))
    weights = [held.get(f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    weight_ih, weight_hh = held["weight_ih_l0"], held["weight_hh_l0"]
    operation: Any = {"RNN": rnn.rnn, "LSTM": lstm.lstm, "GRU": gru.gru}[layer.kind]
    options = (layer.call.options["nonlinearity"],) if layer.kind == "RNN" else ()
    _, cache = operation(x, *first, *weights, *options)
    of_x: list[Array] = []
    of_h: list[Array] = []
    dh, dc = d_state, d_cell[0] if d_cell else zero
    for t in reversed(range(len(x))):
        d = dy[t] + dh
        if layer.kind == "LSTM":
            at = (cache.gates[t], cache.cells[t], cache.cells[t + 1], weight_hh)
            d_ih, dh, dc = lstm.step_backward(d, dc, *at)
            d_hh = d_ih
        elif layer.kind == "GRU":
            at = (cache.gates[t], cache.recalled[t], cache.states[t], weight_hh)
            d_ih, d_hh, dh = gru.step_backward(d, *at)
        else:
            d_ih, dh = rnn.step_backward(d, cache.states[t + 1], weight_hh, cache.nonlinearity)
            d_hh = d_ih
        dh, dc = state * dh, cell * dc
        of_x.insert(0, d_ih)
        of_h.insert(0, d_hh)
    d_ih, d_hh = np.stack(of_x), np.stack(of_h)
    gradients = {
        "weight_ih_l0": np.einsum("tng,tni->gi", d_ih, x),
        "weight_hh_l0": np.einsum("tng,tnh->gh", d_hh, cache.states[:-1]),
        "bias_ih_l0": d_ih.sum((0, 1)),
        "bias_hh_l0": d_hh.sum((0, 1)),
    }
    return np.moveaxis(d_ih @ weight_ih, 0, axis), gradients
