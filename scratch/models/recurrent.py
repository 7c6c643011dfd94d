"""Recurrent networks: an answer at every step, or one at the last (chapters 19 and 20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratch.nn import GRU, LSTM, RNN, Add, Flatten, Linear, Module
from scratch.nn.parameter import Array

ONE_STATE = ("RNN_TANH", "RNN_RELU", "GRU")
CELLS = (*ONE_STATE, "LSTM")


def recurrent(
    cell: str, known: Sequence[str], input_size: int, hidden_size: int, **options: Any
) -> Module:
    """Return a recurrent layer over (N, T, input_size), by the name that torch has for its mode.

    Args:
        cell: the name.
        known: the names of the cells that will do.
        input_size: D of a step.
        hidden_size: of a state.
        **options: further arguments of the layer.

    Raises:
        ValueError: another cell.
    """
    if cell not in known:
        raise ValueError(f'cell "{cell}": expects one of {", ".join(known)}')
    if cell == "GRU":
        return GRU(input_size, hidden_size, batch_first=True, **options)
    if cell == "LSTM":
        return LSTM(input_size, hidden_size, batch_first=True, **options)
    nonlinearity = "relu" if cell == "RNN_RELU" else "tanh"
    return RNN(input_size, hidden_size, nonlinearity=nonlinearity, batch_first=True, **options)


class EachStep(Module):
    """A recurrent layer that is asked for an answer at every step."""

    def __init__(
        self,
        cell: str = "RNN_TANH",
        input_size: int = 2,
        hidden_size: int = 8,
        outputs: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.rnn = recurrent(cell, CELLS, input_size, hidden_size, bias=bias)
        self.fc = Linear(hidden_size, outputs, bias=bias)
        self.flatten = Flatten()

    def forward(self, input: Array) -> Array:
        """Map (N, T, input_size) to all answers, step after step, (N, T outputs)."""
        states, _ = self.rnn(input)  # (N, T, hidden_size)
        return self.flatten(self.fc(states))

    def backward(self, d_output: Array) -> Array:
        """Map (N, T outputs) to (N, T, input_size).

        The layer itself adds to the gradient of a state what comes back from the step behind it.
        """
        d = self.fc.backward(self.flatten.backward(d_output))  # (N, T, hidden_size)
        return self.rnn.backward((d, None))


class LastStep(Module):
    """Recurrent layers that are asked once, when they have read all; an image is read by rows.

    Any cell but the LSTM, which ends with two states: `LastStepLSTM`.
    """

    def __init__(
        self,
        cell: str = "RNN_TANH",
        input_size: int = 28,
        hidden_size: int = 32,
        outputs: int = 10,
        layers: int = 1,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.rows = Flatten(1, -2)
        self.rnn = recurrent(cell, ONE_STATE, input_size, hidden_size, num_layers=layers)
        self.fc = Linear(hidden_size, outputs)

    def forward(self, input: Array) -> Array:
        """Map (N, T, input_size), or images (N, 1, T, input_size), to (N, outputs)."""
        _, last = self.rnn(self.rows(input))  # (layers, N, hidden_size)
        return self.fc(last[-1])

    def backward(self, d_output: Array) -> Array:
        """Map (N, outputs) to the shape of the input; only the uppermost layer was asked."""
        d = self.fc.backward(d_output)  # (N, hidden_size)
        lower = [np.zeros_like(d)] * (self.layers - 1)
        return self.rows.backward(self.rnn.backward((None, np.stack([*lower, d]))))


class LastStepLSTM(Module):
    """An LSTM that is asked once, when it has read all; an image is read by rows."""

    def __init__(self, input_size: int = 28, hidden_size: int = 32, outputs: int = 10) -> None:
        super().__init__()
        self.rows = Flatten(1, -2)
        self.lstm: Module = LSTM(input_size, hidden_size, batch_first=True)
        self.fc = Linear(hidden_size, outputs)

    def forward(self, input: Array) -> Array:
        """Map (N, T, input_size), or images (N, 1, T, input_size), to (N, outputs)."""
        _, (last, _) = self.lstm(self.rows(input))  # (1, N, hidden_size)
        return self.fc(last[0])

    def backward(self, d_output: Array) -> Array:
        """Map (N, outputs) to the shape of the input; nobody asked for the last cell."""
        d = self.fc.backward(d_output)  # (N, hidden_size)
        return self.rows.backward(self.lstm.backward((None, (d[None], None))))


class BothDirections(Module):
    """One recurrent layer that reads forwards and one that reads backwards; their ends are added.

    Any cell but the LSTM.
    """

    def __init__(
        self,
        cell: str = "RNN_TANH",
        input_size: int = 28,
        hidden_size: int = 20,
        outputs: int = 10,
    ) -> None:
        super().__init__()
        self.rows = Flatten(1, -2)
        self.rnn = recurrent(cell, ONE_STATE, input_size, hidden_size, bidirectional=True)
        self.add = Add()
        self.fc = Linear(hidden_size, outputs)

    def forward(self, input: Array) -> Array:
        """Map (N, T, input_size), or images (N, 1, T, input_size), to (N, outputs)."""
        _, last = self.rnn(self.rows(input))  # (2, N, hidden_size), where each direction ends
        return self.fc(self.add(last[0], last[1]))

    def backward(self, d_output: Array) -> Array:
        """Map (N, outputs) to the shape of the input: forward, read upwards."""
        d_last = np.stack(self.add.backward(self.fc.backward(d_output)))  # (2, N, hidden_size)
        return self.rows.backward(self.rnn.backward((None, d_last)))
