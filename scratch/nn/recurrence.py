"""What RNN, LSTM and GRU share: layers and directions, names of parameters, shapes of states."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scratch.nn.data import or_nan, wants_gradient
from scratch.nn.module import Module
from scratch.nn.parameter import Array, Parameter
from scratch.ops import checks
from scratch.ops.checks import ShapeError

Arrays = tuple[Array, ...]
Gradients = tuple[Array | None, ...]
Weights = tuple[Array, Array, Array | None, Array | None]
"""Of the inputs and of the states, and their biases."""


class Kept(NamedTuple):
    """What backward needs of a forward.

    Attributes:
        input: as it came.
        caches: one per layer and direction, in the order of the parameters.
        has_hx: whether the states before the first step were given.
        shape: of the output.
    """

    input: Array
    caches: list[Any]
    has_hx: bool
    shape: tuple[int, ...]


class Recurrent(Module):
    """Layers of units that carry a state through time, in one or both directions.

    A subclass says how many sums a unit takes and which states it carries, and runs one layer in
    one direction. Numbers of layer and direction count as in torch: layer 0 forward, layer 0
    reverse, layer 1 forward, ...
    """

    gates = 1
    """Sums per unit: the rows of a weight are `gates * hidden_size`."""

    states: tuple[str, ...] = ("h",)
    """The states that a unit carries."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
    ) -> None:
        super().__init__()
        for name, size in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("num_layers", num_layers),
        ):
            if size < 1:
                raise ValueError(f"{name}={size} must be at least 1")
        if dropout != 0:
            raise ValueError(
                f"dropout={dropout} is not offered: masks drawn inside a layer cannot be pinned;"
                " stack layers of num_layers=1 with Dropout between them"
            )
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        for number in range(num_layers * self.directions):
            first = number < self.directions
            inputs = input_size if first else hidden_size * self.directions
            rows = self.gates * hidden_size
            shapes = [(rows, inputs), (rows, hidden_size), (rows,), (rows,)]
            for name, shape in zip(self.names(number), shapes, strict=False):
                setattr(self, name, Parameter(np.zeros(shape, np.float32)))

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    def names(self, number: int) -> list[str]:
        """Return torch's names of the parameters of a layer in one direction, in torch's order."""
        layer, reverse = divmod(number, self.directions)
        end = f"l{layer}_reverse" if reverse else f"l{layer}"
        biases = ("bias_ih", "bias_hh") if self.bias else ()
        return [f"{kind}_{end}" for kind in ("weight_ih", "weight_hh", *biases)]

    # ---- what a subclass defines

    def run(
        self, x: Array, starts: Arrays, weights: Weights, needs_dx: bool
    ) -> tuple[Array, Arrays, Any]:
        """Run one layer in one direction.

        Args:
            x: (T, N, in), in the order in which the steps are taken.
            starts: (N, H) for each state, before the first step.
            weights: those of the layer in this direction.
            needs_dx: whether the gradient of `x` will be wanted.

        Returns:
            The states h after every step (T, N, H); the other states after the last one; a cache.
        """
        raise NotImplementedError

    def run_backward(
        self, dy: Array, d_others: Arrays, cache: Any
    ) -> tuple[Array | None, Arrays, Gradients]:
        """Return the gradients of `x`, of the `starts` and of the parameters.

        Args:
            dy: (T, N, H).
            d_others: (N, H) for each state but h, after the last step.
            cache: what `run` returned.
        """
        raise NotImplementedError

    # ---- all layers, all directions

    def forward_all(self, input: Array, starts: Arrays | None) -> tuple[Array, Arrays]:
        """Run every layer.

        Args:
            input: (T, N, in), or (N, T, in) if batch_first.
            starts: (layers * directions, N, H) for each state, None for zeros.

        Returns:
            The output, (T, N, directions * H), or (N, T, ...) if batch_first; and the last states,
            each of the shape of the first ones.
        """
        self._check_input(input)
        x = self._time_first(input)
        shape = (self.num_layers * self.directions, x.shape[1], self.hidden_size)
        if starts is None:
            begin: Arrays = tuple(np.zeros(shape, x.dtype) for _ in self.states)
        else:
            begin = starts
            for start in begin:
                self._check_state(start, shape, x)
        ends = tuple(np.empty(shape, x.dtype) for _ in self.states)
        caches = []
        for layer in range(self.num_layers):
            needs_dx = layer > 0 or wants_gradient(input)
            ys = []
            for number, reverse in self._of_layer(layer):
                first: Arrays = tuple(state[number] for state in begin)
                turned, others, cache = self.run(
                    in_time(x, reverse), first, self._weights(number), needs_dx
                )
                y = in_time(turned, reverse)
                ends[0][number] = y[last_step(reverse)]
                for end, other in zip(ends[1:], others, strict=True):
                    end[number] = other
                ys.append(y)
                caches.append(cache)
            x = ys[0] if len(ys) == 1 else np.concatenate(ys, -1)  # (T, N, directions * H)
        output = self._time_first(x)
        self.save(Kept(input, caches, starts is not None, output.shape))
        return output, ends

    def backward_all(self, dy: Array | None, d_ends: Gradients) -> tuple[Array, Arrays | None]:
        """Add to the gradients of the parameters.

        Args:
            dy: the gradient of the output, None for zeros.
            d_ends: the gradients of the last states, None for zeros.

        Returns:
            The gradient of the input, and those of the first states if they were given.
        """
        input, caches, has_hx, shape = self.saved()
        x = self._time_first(input)
        if dy is not None:
            checks.gradient(dy, shape, x.dtype)
        d_x = None if dy is None else self._time_first(dy)
        of_state = (len(caches), x.shape[1], self.hidden_size)
        d_last = tuple(np.zeros(of_state, x.dtype) if d is None else d for d in d_ends)
        for d in d_last:
            checks.gradient(d, of_state, x.dtype)
        d_first = tuple(np.empty(of_state, x.dtype) for _ in self.states)
        d_inputs: list[Array | None] = []
        for layer in reversed(range(self.num_layers)):
            d_inputs = []
            for number, reverse in self._of_layer(layer):
                units = slice(reverse * self.hidden_size, (reverse + 1) * self.hidden_size)
                if d_x is None:  # features before samples in memory, as the operations have them
                    d_states = np.zeros((len(x), self.hidden_size, x.shape[1]), x.dtype)
                    d_states = d_states.swapaxes(1, 2)
                else:
                    d_states = d_x[..., units].copy(order="K")
                d_states[last_step(reverse)] += d_last[0][number]
                d_others = tuple(d[number] for d in d_last[1:])
                d_turned, d_starts, d_weights = self.run_backward(
                    in_time(d_states, reverse), d_others, caches[number]
                )
                self._add_gradients(number, d_weights)
                for d_start, one in zip(d_first, d_starts, strict=True):
                    d_start[number] = one
                d_inputs.append(None if d_turned is None else in_time(d_turned, reverse))
            if layer > 0:
                d_x = _sum(d_inputs)
        dx = None if d_inputs[0] is None else self._time_first(_sum(d_inputs))
        return or_nan(dx, input), d_first if has_hx else None

    def _of_layer(self, layer: int) -> list[tuple[int, int]]:
        """Return (number, 0 forward or 1 reverse) of a layer's directions."""
        return [(layer * self.directions + d, d) for d in range(self.directions)]

    def _time_first(self, x: Array) -> Array:
        """Swap the axes of steps and samples if batch_first; done twice, it is undone."""
        return x.swapaxes(0, 1) if self.batch_first else x

    def _weights(self, number: int) -> Weights:
        weight_ih, weight_hh, *biases = (self._parameters[n].data for n in self.names(number))
        bias_ih, bias_hh = biases or (None, None)
        return weight_ih, weight_hh, bias_ih, bias_hh

    def _add_gradients(self, number: int, gradients: Gradients) -> None:
        for name, gradient in zip(self.names(number), gradients, strict=False):
            if gradient is not None:
                self._parameters[name].add_grad(gradient)

    def _check_input(self, input: Array) -> None:
        leading = ("N", "T") if self.batch_first else ("T", "N")
        checks.shape(input, *leading, self.input_size)
        checks.same_dtype(input, self._parameters["weight_ih_l0"].data.dtype)

    def _check_state(self, state: Array, shape: tuple[int, ...], x: Array) -> None:
        if state.shape != shape:
            meaning = "(num_layers * directions, N, hidden_size)"
            raise ShapeError(f"a state of shape {meaning} = {shape}", state.shape)
        if state.dtype != x.dtype:
            raise ShapeError(f"a state of dtype {x.dtype}", state.dtype)

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        words = [f"{self.input_size}", f"{self.hidden_size}"]
        words += [f"num_layers={self.num_layers}"] * (self.num_layers != 1)
        words += [f"bias={self.bias}"] * (not self.bias)
        words += [f"batch_first={self.batch_first}"] * self.batch_first
        words += [f"bidirectional={self.bidirectional}"] * self.bidirectional
        return ", ".join(words)


def in_time(steps: Array, reverse: int) -> Array:
    """Return the steps in reverse for the reverse direction; done twice, it is undone.

    >>> in_time(np.array([1, 2, 3]), 1).tolist()
    [3, 2, 1]
    """
    return steps[::-1] if reverse else steps


def last_step(reverse: int) -> int:
    """Return at which time a direction takes its last step: the reverse one at time 0."""
    return 0 if reverse else -1


def two(gradients: Any, names: str) -> tuple[Any, Any]:
    """Return the two parts of a gradient that is built as what forward returned.

    Raises:
        ShapeError: it is no pair.

    >>> two((1.0, None), "(output, h_n)")
    (1.0, None)
    """
    if isinstance(gradients, tuple) and len(gradients) == 2:
        return gradients
    raise ShapeError(f"a pair of gradients {names}, None for an unused one", _kind(gradients))


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return f"{type(value).__name__} {getattr(value, 'shape', '')}".strip()


def _sum(gradients: list[Array | None]) -> Array:
    """Add up what the directions say about their common input."""
    there = [d for d in gradients if d is not None]
    total = there[0]
    for d in there[1:]:
        total = total + d
    return total
