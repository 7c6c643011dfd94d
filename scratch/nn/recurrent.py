"""Recurrent layers: what they make of a step depends on the steps before it."""

from __future__ import annotations

from typing import Any

from scratch.nn.parameter import Array
from scratch.nn.recurrence import Arrays, Gradients, Recurrent, Weights, two
from scratch.ops import gru, lstm, rnn
from scratch.ops.checks import ShapeError

Pair = tuple[Array, Array]


class _OneState(Recurrent):
    """A layer whose units carry h alone: RNN and GRU."""

    def forward(self, input: Array, hx: Array | None = None) -> Pair:
        """Return the output and the last states.

        Args:
            input: (T, N, input_size), or (N, T, input_size) if batch_first.
            hx: h0, (num_layers * directions, N, H); zeros if None.

        Returns:
            The states of the last layer after every step, (T, N, directions * H) or (N, T, ...);
            and h_n, those of every layer after its last step, of the shape of h0. The last step of
            the reverse direction is that at time 0.
        """
        if hx is not None and not hasattr(hx, "shape"):
            raise ShapeError("hx as one array h0", type(hx).__name__)
        output, (h_n,) = self.forward_all(input, None if hx is None else (hx,))
        return output, h_n

    def backward(self, d_output: tuple[Array | None, Array | None]) -> Array | Pair:
        """Add to the gradients of the parameters; return the gradient of the input.

        Args:
            d_output: the gradients of the output and of h_n; None for what was not used.

        Returns:
            dx, or (dx, dh0) if forward was given h0.
        """
        dy, d_h_n = two(d_output, "(output, h_n)")
        dx, d_first = self.backward_all(dy, (d_h_n,))
        if d_first is None:
            return dx
        (dh0,) = d_first
        return dx, dh0


class RNN(_OneState):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu: Elman's network."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        if nonlinearity not in rnn.NONLINEARITIES:
            known = " or ".join(f'"{name}"' for name in rnn.NONLINEARITIES)
            raise ValueError(f'nonlinearity="{nonlinearity}": expects {known}')
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        )
        self.nonlinearity = nonlinearity

    def run(
        self, x: Array, starts: Arrays, weights: Weights, needs_dx: bool
    ) -> tuple[Array, Arrays, Any]:
        """Run one layer in one direction, see `Recurrent.run`."""
        (h0,) = starts
        y, cache = rnn.rnn(x, h0, *weights, self.nonlinearity, needs_dx)
        return y, (), cache

    def run_backward(
        self, dy: Array, d_others: Arrays, cache: Any
    ) -> tuple[Array | None, Arrays, Gradients]:
        """Return the gradients of one layer in one direction, see `Recurrent.run_backward`."""
        dx, dh0, *d_weights = rnn.rnn_backward(dy, cache)
        return dx, (dh0,), tuple(d_weights)


class GRU(_OneState):
    """h' = (1 - z) n + z h, with the gates r, z and the new state n in this order.

    The gate r multiplies after the product with the weights, as in torch.
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        )

    def run(
        self, x: Array, starts: Arrays, weights: Weights, needs_dx: bool
    ) -> tuple[Array, Arrays, Any]:
        """Run one layer in one direction, see `Recurrent.run`."""
        (h0,) = starts
        y, cache = gru.gru(x, h0, *weights, needs_dx)
        return y, (), cache

    def run_backward(
        self, dy: Array, d_others: Arrays, cache: Any
    ) -> tuple[Array | None, Arrays, Gradients]:
        """Return the gradients of one layer in one direction, see `Recurrent.run_backward`."""
        dx, dh0, *d_weights = gru.gru_backward(dy, cache)
        return dx, (dh0,), tuple(d_weights)


class LSTM(Recurrent):
    """c' = f c + i g and h' = o tanh(c'), with the gates i, f, g, o in this order."""

    gates = 4
    states = ("h", "c")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional
        )
        if proj_size != 0:
            raise ValueError(
                f"proj_size={proj_size} is not offered: put Linear({hidden_size}, {proj_size})"
                " behind the layer"
            )
        self.proj_size = proj_size

    def forward(self, input: Array, hx: Pair | None = None) -> tuple[Array, Pair]:
        """Return the output and the last states and cells.

        Args:
            input: (T, N, input_size), or (N, T, input_size) if batch_first.
            hx: (h0, c0), each (num_layers * directions, N, H); zeros if None.

        Returns:
            The states of the last layer after every step, (T, N, directions * H) or (N, T, ...);
            and (h_n, c_n), those of every layer after its last step, of the shape of h0. The last
            step of the reverse direction is that at time 0.
        """
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise ShapeError("hx as a pair (h0, c0)", getattr(hx, "shape", type(hx).__name__))
        output, (h_n, c_n) = self.forward_all(input, None if hx is None else tuple(hx))
        return output, (h_n, c_n)

    def backward(
        self,
        d_output: tuple[Array | None, tuple[Array | None, Array | None] | None],
    ) -> Array | tuple[Array, Pair]:
        """Add to the gradients of the parameters; return the gradient of the input.

        Args:
            d_output: the gradients of the output and of (h_n, c_n); None for what was not used.

        Returns:
            dx, or (dx, (dh0, dc0)) if forward was given h0 and c0.
        """
        dy, d_last = two(d_output, "(output, (h_n, c_n))")
        d_h_n, d_c_n = (None, None) if d_last is None else two(d_last, "(h_n, c_n)")
        dx, d_first = self.backward_all(dy, (d_h_n, d_c_n))
        if d_first is None:
            return dx
        dh0, dc0 = d_first
        return dx, (dh0, dc0)

    def run(
        self, x: Array, starts: Arrays, weights: Weights, needs_dx: bool
    ) -> tuple[Array, Arrays, Any]:
        """Run one layer in one direction, see `Recurrent.run`."""
        h0, c0 = starts
        (y, c_n), cache = lstm.lstm(x, h0, c0, *weights, needs_dx)
        return y, (c_n,), cache

    def run_backward(
        self, dy: Array, d_others: Arrays, cache: Any
    ) -> tuple[Array | None, Arrays, Gradients]:
        """Return the gradients of one layer in one direction, see `Recurrent.run_backward`."""
        (dc_n,) = d_others
        dx, dh0, dc0, *d_weights = lstm.lstm_backward(dy, dc_n, cache)
        return dx, (dh0, dc0), tuple(d_weights)
