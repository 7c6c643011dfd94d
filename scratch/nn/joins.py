"""Layers with several inputs: their `backward` returns one gradient for each, as a tuple."""

from __future__ import annotations

from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import joins


class Add(Module):
    """a + b, both of one shape: where a residual connection ends."""

    def forward(self, a: Array, b: Array) -> Array:
        """Map two arrays of one shape to a third."""
        y, cache = joins.add(a, b)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> tuple[Array, Array]:
        """Return the gradients of `a` and `b`."""
        return joins.add_backward(d_output, self.saved())


class Multiply(Module):
    """a * b, entry by entry, both of one shape."""

    def forward(self, a: Array, b: Array) -> Array:
        """Map two arrays of one shape to a third."""
        y, cache = joins.multiply(a, b)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> tuple[Array, Array]:
        """Return the gradients of `a` and `b`."""
        return joins.multiply_backward(d_output, self.saved())


class Concat(Module):
    """Inputs one behind the other along `dim`; they differ in nothing but their size there."""

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *inputs: Array) -> Array:
        """Map (N, C1, ...), (N, C2, ...), ... to (N, C1 + C2 + ..., ...) with the default."""
        y, cache = joins.concat(*inputs, axis=self.dim)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> tuple[Array, ...]:
        """Return one gradient per input."""
        return joins.concat_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"dim={self.dim}"
