"""Recurrent layers computed in values that carry their error, forward and back through time.

A third implementation beside the two twins, and slow: the bounds are made of it, and it says what a
mistake in a gate, a bias or a state would lead to. It knows neither twin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from parity_tests.harness import outputs
from parity_tests.harness.bounds_carried import (
    Value,
    affine,
    column_sums,
    joined,
    logistic,
    logistic_slope,
    product,
    rectified,
    rectifier_slope,
    stacked,
    tanh,
    tanh_slope,
)

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = Mapping[str, Array]
States = tuple[Value, ...]
StepBack = Callable[[States], tuple[Value, Value, States]]
"""From the cotangents of the states after to those of both affine maps, and to what the states
before get on other ways: an LSTM's cell, a GRU's state, nothing in an RNN."""
Step = Callable[["Weights", Value, States], tuple[States, StepBack]]
"""One step: (input, states before) to the states after and the step's way back."""

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


class Settings(NamedTuple):
    """What a layer is told beside its weights, in torch's words."""

    hidden_size: int
    num_layers: int = 1
    bidirectional: bool = False
    batch_first: bool = False
    nonlinearity: str = "tanh"


class Weights:
    """The tensors of one direction of one layer; the biases are None without them."""

    def __init__(self, parameters: Arrays, suffix: str, nonlinearity: str) -> None:
        self.names = [
            f"{kind}_{suffix}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        self.ih, self.hh = (parameters[name] for name in self.names[:2])
        self.bias_ih, self.bias_hh = (parameters.get(name) for name in self.names[2:])
        self.nonlinearity = nonlinearity

    def sums(self, x: Value, h: Value) -> tuple[Value, Value]:
        """Return what the input and the state before contribute to the gates."""
        return affine(x, self.ih, self.bias_ih), affine(h, self.hh, self.bias_hh)


def _rnn_step(weights: Weights, x: Value, states: States) -> tuple[States, StepBack]:
    of_x, of_h = weights.sums(x, states[0])
    is_relu = weights.nonlinearity == "relu"
    h = (rectified if is_relu else tanh)(of_x + of_h)
    slope = (rectifier_slope if is_relu else tanh_slope)(h)

    def back(d_states: States) -> tuple[Value, Value, States]:
        d_sum = d_states[0] * slope
        return d_sum, d_sum, ()

    return (h,), back


def _lstm_step(weights: Weights, x: Value, states: States) -> tuple[States, StepBack]:
    of_x, of_h = weights.sums(x, states[0])
    z_i, z_f, z_g, z_o = gates_of(of_x + of_h, 4)
    i, f, g, o = logistic(z_i), logistic(z_f), tanh(z_g), logistic(z_o)
    c = f * states[1] + i * g
    of_c = tanh(c)

    def back(d_states: States) -> tuple[Value, Value, States]:
        d_h, d_c_after = d_states
        d_c = d_c_after + d_h * o * tanh_slope(of_c)
        d_gates = joined(
            (
                d_c * g * logistic_slope(i),
                d_c * states[1] * logistic_slope(f),
                d_c * i * tanh_slope(g),
                d_h * of_c * logistic_slope(o),
            ),
            1,
        )
        return d_gates, d_gates, (d_c * f,)

    return (o * of_c, c), back


def _gru_step(weights: Weights, x: Value, states: States) -> tuple[States, StepBack]:
    of_x, of_h = (gates_of(value, 3) for value in weights.sums(x, states[0]))
    r, z = logistic(of_x[0] + of_h[0]), logistic(of_x[1] + of_h[1])
    n = tanh(of_x[2] + r * of_h[2])
    keep = Value.exact(np.ones(z.value.shape)) - z

    def back(d_states: States) -> tuple[Value, Value, States]:
        (d_h,) = d_states
        d_n = d_h * keep * tanh_slope(n)
        d_r = d_n * of_h[2] * logistic_slope(r)
        d_z = d_h * (states[0] - n) * logistic_slope(z)
        return joined((d_r, d_z, d_n), 1), joined((d_r, d_z, d_n * r), 1), (d_h * z,)

    return (keep * n + z * states[0],), back


def gates_of(value: Value, count: int) -> tuple[Value, ...]:
    """Return the blocks of (N, count H) that belong to each gate."""
    width = value.value.shape[1] // count
    return tuple(value[:, at * width : (at + 1) * width] for at in range(count))


STEPS: dict[str, Step] = {"RNN": _rnn_step, "LSTM": _lstm_step, "GRU": _gru_step}


class Direction:
    """One direction of one layer, run forward; `backward` goes back through time.

    Attributes:
        sequence: the states at every step, (T, N, H), in the order of the input.
        last: the states after the last step that was taken.
    """

    def __init__(self, step: Step, weights: Weights, x: Value, states: States, back: bool) -> None:
        self._weights, self._x, self._states = weights, x, [states]
        self._order = list(range(len(x.value)))[:: -1 if back else 1]
        self._steps: list[StepBack] = []
        for t in self._order:
            states, way_back = step(weights, x[t], states)
            self._states.append(states)
            self._steps.append(way_back)
        self.last = states
        at = np.argsort(self._order)
        self.sequence = stacked([self._states[1:][int(t)][0] for t in at])

    def backward(
        self, d_sequence: Value, d_last: States, carried: tuple[float, ...]
    ) -> tuple[Value, States, dict[str, Value]]:
        """Return the cotangents of the input and of the first states, and every gradient.

        Args:
            d_sequence: (T, N, H).
            d_last: of every state.
            carried: which share of each state's cotangent goes on to the step before: 1 is right.
        """
        weights, d_states = self._weights, d_last
        d_x: list[Value] = []
        of_x, of_h = [], []
        for t, way_back in zip(self._order[::-1], self._steps[::-1], strict=True):
            d_states = (d_states[0] + d_sequence[t], *d_states[1:])
            d_ih, d_hh, d_before = way_back(d_states)
            of_x.append((d_ih, self._x[t]))
            of_h.append(d_hh)
            d_x.append(product(d_ih, Value.exact(weights.ih)))
            through_weights = product(d_hh, Value.exact(weights.hh))
            if len(d_before) == len(d_states):  # a GRU's state also passes straight on
                d_states = (through_weights + d_before[0],)
            else:
                d_states = (through_weights, *d_before)
            d_states = tuple(v.times(share) for v, share in zip(d_states, carried, strict=True))
        before = [states[0] for states in self._states[:-1]][::-1]
        d_ih, x = (joined([pair[side] for pair in of_x], 0) for side in (0, 1))
        d_hh, h = joined(of_h, 0), joined(before, 0)
        made = (
            product(d_ih.transposed, x),
            product(d_hh.transposed, h),
            column_sums(d_ih),
            column_sums(d_hh),
        )
        in_order = [d_x[int(at)] for at in np.argsort(self._order[::-1])]
        return stacked(in_order), d_states, dict(zip(weights.names, made, strict=True))


def computed(
    kind: str,
    settings: Settings,
    parameters: Arrays,
    inputs: tuple[Array, ...],
    d_output: Any = None,
    step: Step | None = None,
    carried: tuple[float, ...] = (1.0, 1.0),
) -> dict[str, Value]:
    """Compute every layer and direction from what the one below it has left, and back again.

    Args:
        kind: "RNN", "LSTM" or "GRU".
        settings: of the layer.
        parameters: by torch's names.
        inputs: (x,) or x and the first states.
        d_output: cotangents of the sequence and of the last states; None for forward alone.
        step: another one in place of the right one.
        carried: see `Direction.backward`.

    Returns:
        Values by the names of `Result.tensors`.
    """
    swap: Callable[[Array], Array] = (
        (lambda value: value.swapaxes(0, 1)) if settings.batch_first else (lambda value: value)
    )
    x = Value.exact(swap(inputs[0]))
    sides, kinds = 2 if settings.bidirectional else 1, 2 if kind == "LSTM" else 1
    shape = (settings.num_layers * sides, x.value.shape[1], settings.hidden_size)
    first = [Value.exact(v) for v in inputs[1:]] or [Value.exact(np.zeros(shape))] * kinds
    layers: list[list[Direction]] = []
    for layer in range(settings.num_layers):
        layers.append([])
        for side in range(sides):
            suffix = f"l{layer}" + ("_reverse" if side else "")
            weights = Weights(parameters, suffix, settings.nonlinearity)
            states = tuple(value[layer * sides + side] for value in first)
            taken = step or STEPS[kind]
            layers[-1].append(Direction(taken, weights, x, states, back=bool(side)))
        x = joined([direction.sequence for direction in layers[-1]], 2)
    last = [
        stacked([direction.last[state] for layer in layers for direction in layer])
        for state in range(kinds)
    ]
    made = outputs.LongShort if kind == "LSTM" else outputs.Recurrent
    found: dict[str, Value] = outputs.named("output", made(_swapped(x, swap), *last))
    if d_output is None:
        return found
    d_sequence = Value.exact(swap(d_output.sequence))
    d_last = [Value.exact(value) for value in tuple(d_output)[1:]]
    d_first: list[States] = []
    for layer in reversed(range(settings.num_layers)):
        backs = []
        for side, direction in enumerate(layers[layer]):
            at, width = layer * sides + side, settings.hidden_size
            own = d_sequence[:, :, side * width : (side + 1) * width]
            back = direction.backward(own, tuple(v[at] for v in d_last), carried[:kinds])
            found |= back[2]
            backs.append(back)
        d_sequence = backs[0][0] if sides == 1 else backs[0][0] + backs[1][0]
        d_first = [d_states for _, d_states, _ in backs] + d_first
    found["dx" if len(inputs) == 1 else "dx0"] = _swapped(d_sequence, swap)
    for state in range(kinds if len(inputs) > 1 else 0):
        found[f"dx{state + 1}"] = stacked([d_states[state] for d_states in d_first])
    return found


def _swapped(value: Value, swap: Callable[[Array], Array]) -> Value:
    return Value(swap(value.value), swap(value.units))
