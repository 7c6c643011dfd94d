"""Mistakes in recurrent layers: order of the gates, biases, states, and what is carried back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from parity_tests.harness.bounds_carried import Value, affine, logistic, tanh
from parity_tests.harness.outputs import LongShort, Recurrent
from parity_tests.harness.recurrent_values import (
    GATES,
    Settings,
    States,
    Step,
    Weights,
    computed,
    gates_of,
)

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
        self.kind, options = call.kind, call.options
        given = [evidence.get(name) for name in call.reads]
        self.inputs = tuple(value for value in given if value is not None)
        found = {name: evidence.get(call.named("parameter", name)) for name in call.parameters}
        self.parameters = {name: value for name, value in found.items() if value is not None}
        made = LongShort if self.kind == "LSTM" else Recurrent
        d_output = [evidence.get(f"{call.cotangent}.{field}") for field in made._fields]
        self.known = bool(given) and len(self.inputs) == len(given)
        self.d_output = None if any(part is None for part in d_output) else made(*d_output)
        self.settings = Settings(**{n: options[n] for n in Settings._fields if n in options})

    def output(self, field: str, parameters: Arrays | None = None, **others: Any) -> Array:
        """Return one output with other parameters, settings, first states or another step."""
        settings = self.settings._replace(**others.pop("settings", {}))
        inputs = others.pop("inputs", self.inputs)
        given = self.parameters if parameters is None else parameters
        return computed(self.kind, settings, given, inputs, **others)[f"output[{field}]"].value

    def gradients(self, parameters: Arrays | None = None, **others: Any) -> Arrays:
        """Return the gradients of the parameters and of the input, from the golden cotangents."""
        given = self.parameters if parameters is None else parameters
        found = computed(self.kind, self.settings, given, self.inputs, self.d_output, **others)
        return {name: value.value for name, value in found.items()}

    def changed(self) -> Iterator[tuple[str, Arrays]]:
        """Yield parameters as somebody would read them who takes them for something else."""
        held, gates = self.parameters, GATES[self.kind]
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
    if not layer.known:
        return
    for text, parameters in layer.changed():
        yield text, layer.output(field, parameters)
    if layer.kind == "RNN":
        other = "relu" if layer.settings.nonlinearity == "tanh" else "tanh"
        made = layer.output(field, settings={"nonlinearity": other})
        yield f"the nonlinearity is {other}", made
    for text, step in STEPS.get(layer.kind, {}).items():
        yield text, layer.output(field, step=step)
    if field == "h_n" and layer.settings.bidirectional:
        yield from _wrong_end(layer)
    if layer.inputs[1:]:
        made = layer.output(field, inputs=layer.inputs[:1])
        yield "it begins with states of zero, not with those given", made


def _wrong_end(layer: _Layer) -> Iterator[Guess]:
    last, axis = layer.output("h_n").copy(), int(layer.settings.batch_first)
    last[-1] = np.take(layer.output("sequence"), -1, axis)[..., layer.settings.hidden_size :]
    yield "the reverse direction's last state is taken at the last step, not at t = 0", last


def _lstm_step(weights: Weights, x: Value, states: States, more: float, shown: bool) -> Any:
    """Return the states of an LSTM with something on top of the forget gate, or a bare cell."""
    of_x, of_h = weights.sums(x, states[0])
    z_i, z_f, z_g, z_o = gates_of(of_x + of_h, 4)
    f = logistic(z_f + Value.exact(np.full(z_f.value.shape, more)))
    c = f * states[1] + logistic(z_i) * tanh(z_g)
    return (logistic(z_o) * (tanh(c) if shown else c), c), _no_way_back


def _gru_step(weights: Weights, x: Value, states: States, first: bool) -> Any:
    """Return the state of a GRU whose reset gate stands before the product, or inside the bias."""
    of_x, of_h = (gates_of(value, 3) for value in weights.sums(x, states[0]))
    r, z = logistic(of_x[0] + of_h[0]), logistic(of_x[1] + of_h[1])
    new = np.split(weights.hh, 3)[2]
    bias = None if weights.bias_hh is None else np.split(weights.bias_hh, 3)[2]
    if first:
        recalled = affine(r * states[0], new, bias)
    else:
        recalled = r * affine(states[0], new, None)
        recalled = recalled if bias is None else recalled + Value.exact(bias)
    n = tanh(of_x[2] + recalled)
    return (n + z * (states[0] - n),), _no_way_back


def _no_way_back(_: States) -> Any:
    raise NotImplementedError("this step is for forward alone")


STEPS: dict[str, dict[str, Step]] = {
    "LSTM": {
        "the forget gate has a bias of 1 on top": partial(_lstm_step, more=1.0, shown=True),
        "the cell is shown without tanh": partial(_lstm_step, more=0.0, shown=False),
    },
    "GRU": {
        "the reset gate multiplies the state before the product, not after it": partial(
            _gru_step, first=True
        ),
        "the second bias stands outside of the reset gate": partial(_gru_step, first=False),
    },
}


def gradient(evidence: Evidence, call: Call, local: str) -> Iterator[Guess]:
    """Yield wrong gradients of a parameter."""
    layer = _Layer(evidence, call)
    if not layer.known or layer.d_output is None:
        return
    for text, found in _not_carried(layer):
        yield text, found[local]
    if layer.kind == "GRU" and local.startswith("bias_hh"):
        right = layer.gradients()[local.replace("bias_hh", "bias_ih")]
        yield "it is the first bias's: the reset gate is left out", right


def backward(evidence: Evidence, call: Call) -> Iterator[Guess]:
    """Yield wrong gradients of the input."""
    layer = _Layer(evidence, call)
    if not layer.known or layer.d_output is None:
        return
    name = "dx0" if layer.inputs[1:] else "dx"
    for text, found in _not_carried(layer):
        yield text, found[name]
    for text, parameters in layer.changed():
        if "transposed" in text:
            yield text, layer.gradients(parameters)[name]


def _not_carried(layer: _Layer) -> Iterator[tuple[str, Arrays]]:
    """Yield all gradients where something is not carried back in time."""
    texts = {(0.0, 0.0): "no gradient is carried from a step to the one before it"}
    if layer.kind == "LSTM":
        back = "is not carried from a step to the one before it"
        texts[1.0, 0.0] = f"the gradient of the cell {back}"
        texts[0.0, 1.0] = f"the gradient of the state {back}"
    for carried, text in texts.items():
        yield text, layer.gradients(carried=carried)
