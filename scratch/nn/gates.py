"""Activations that weigh a number by a smooth gate."""

from __future__ import annotations

from scratch.nn.arguments import refuse_inplace
from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import gates


class GELU(Module):
    """x times the normal distribution function of x, or its approximation by tanh."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = gates.gelu(input, self.approximate)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return gates.gelu_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the argument in torch's words."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x times the sigmoid of x."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        refuse_inplace(inplace)

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = gates.silu(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return gates.silu_backward(d_output, self.saved())
