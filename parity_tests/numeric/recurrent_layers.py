"""The recurrent layers on trial: in which settings, and with which numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from scratch import nn
from scratch.nests import leaves, rebuilt
from scratch.nn.parameter import Array
from scratch.nn.recurrence import Recurrent

KINDS: dict[str, type[Recurrent]] = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
STEPS, SAMPLES, INPUTS, HIDDEN = 4, 2, 3, 5


def settings() -> list[dict[str, Any]]:
    """Return constructor arguments: one and two layers, one and both directions, with and without.

    Each option has both values with both numbers of layers and of directions.
    """
    found = []
    for layers, bidirectional in itertools.product((1, 2), (False, True)):
        for flag in (False, True):
            found.append(
                {
                    "num_layers": layers,
                    "bidirectional": bidirectional,
                    "bias": flag,
                    "batch_first": flag == (layers == 2),
                }
            )
    return found


SETTINGS = [
    pair
    for kind in KINDS
    for pair in [
        *((kind, options) for options in settings()),
        *([(kind, {"nonlinearity": "relu", "num_layers": 2})] if kind == "RNN" else []),
    ]
]
SETTING_IDS = [
    "-".join([kind, *(f"{k}={v}" for k, v in options.items())]) for kind, options in SETTINGS
]


def made(kind: str, seed: int = 0, dtype: str = "float64", **options: Any) -> Recurrent:
    """Make a layer whose parameters, biases too, are random and small."""
    make: Any = KINDS[kind]
    layer: Recurrent = make(INPUTS, HIDDEN, **options)
    moved: Recurrent = random_parameters(layer, seed).astype(dtype)
    return moved


def random_parameters(module: Any, seed: int = 0) -> Any:
    """Set every parameter of a module to small random numbers; return the module."""
    rng = np.random.default_rng(seed)
    state = module.state_dict()
    module.load_state_dict({k: rng.standard_normal(v.shape) / 2 for k, v in state.items()})
    return module


def drawn(layer: Recurrent, seed: int = 1, dtype: str = "float64", steps: int = STEPS) -> Any:
    """Draw an input and first states in the structure that the layer takes: (x, hx)."""
    rng = np.random.default_rng(seed)
    shape = (SAMPLES, steps, INPUTS) if layer.batch_first else (steps, SAMPLES, INPUTS)
    of_state = (layer.num_layers * layer.directions, SAMPLES, HIDDEN)
    x = rng.standard_normal(shape).astype(dtype)
    states = tuple(rng.standard_normal(of_state).astype(dtype) for _ in layer.states)
    return x, states if len(states) > 1 else states[0]


def cotangents(output: Any, seed: int = 2) -> Any:
    """Draw gradients in the structure of an output."""
    rng = np.random.default_rng(seed)
    values = [rng.standard_normal(part.shape).astype(part.dtype) for part in leaves(output)]
    return rebuilt(output, iter(values))


def results(layer: Recurrent, inputs: Any, seed: int = 2) -> list[Array]:
    """Return all outputs, all gradients of inputs and all gradients of parameters."""
    layer.zero_grad()
    output = layer(*inputs)
    gradients = layer.backward(cotangents(output, seed))
    found = [*leaves(output), *leaves(gradients), *(p.grad for p in layer.parameters())]
    return [np.array(one) for one in found]


class Several(nn.Module):
    """One part called once for each input, and taken back in reverse order."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, *inputs: Any) -> tuple[Any, ...]:
        """Call the part with each input, a tuple of what it takes."""
        return tuple(self.part(*one) for one in inputs)

    def backward(self, d_output: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what the part returns for each gradient, in the order of the inputs."""
        return tuple(self.part.backward(one) for one in reversed(d_output))[::-1]
