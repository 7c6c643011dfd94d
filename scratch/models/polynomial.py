"""A polynomial as a linear layer on powers of one feature (chapter 9 of the book)."""

from __future__ import annotations

from scratch.nn import Linear, Module, Powers
from scratch.nn.parameter import Array


class PolynomialRegression(Module):
    """y = w_1 x + w_2 x^2 + ... + w_n x^n + b."""

    def __init__(self, degree: int = 3) -> None:
        super().__init__()
        self.powers = Powers(degree)
        self.linear = Linear(degree, 1)

    def forward(self, input: Array) -> Array:
        """Map (N, 1) to (N, 1)."""
        return self.linear(self.powers(input))

    def backward(self, d_output: Array) -> Array:
        """Map (N, 1) to (N, 1)."""
        return self.powers.backward(self.linear.backward(d_output))
