"""The rows of recurrent layers, and of the embedding that often stands before them.

A layer is computed once more, forward and backward through time, in values that carry their error
(see `recurrent_values`): what a step has left in the state is in the next one's bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness import bounds
from parity_tests.harness.recurrent_values import Settings, computed
from parity_tests.harness.run import Result, run_torch

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]


def recurrent(module: Any, inputs: tuple[Array, ...], d_output: Any, truth: Result) -> Units:
    """Return the units of everything that an RNN, an LSTM or a GRU computes."""
    options: dict[str, Any] = {name: getattr(module, name, "tanh") for name in Settings._fields}
    parameters = {name: value.detach().numpy() for name, value in module.named_parameters()}
    found = computed(type(module).__name__, Settings(**options), parameters, inputs, d_output)
    return {name: found[name].units for name in truth.tensors()}


def embedding(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    """Copy rows without rounding; add up the cotangents of each row's occurrences."""
    most = int(np.bincount(inputs[0].reshape(-1)).max())
    sums = run_torch(module, inputs, np.abs(d_output)).gradients["weight"]
    return {"output": np.zeros(d_output.shape), "weight": bounds.accumulated(most, sums)}


ROWS = {"RNN": recurrent, "LSTM": recurrent, "GRU": recurrent, "Embedding": embedding}
