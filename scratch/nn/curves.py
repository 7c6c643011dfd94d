"""The book's step and bent identity, and the powers of one feature."""

from __future__ import annotations

from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import curves


class Step(Module):
    """1 where x is positive, 0 elsewhere; the derivative is 0."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = curves.step(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input: zeros."""
        return curves.step_backward(d_output, self.saved())


class BentIdentity(Module):
    """(sqrt(x^2 + 1) - 1) / 2 + x."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = curves.bent_identity(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return curves.bent_identity_backward(d_output, self.saved())


class Powers(Module):
    """x, x^2, ..., x^degree side by side."""

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.degree = degree

    def forward(self, input: Array) -> Array:
        """Map (N, 1) to (N, degree)."""
        y, cache = curves.powers(input, self.degree)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Map (N, degree) to (N, 1)."""
        return curves.powers_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"degree={self.degree}"
