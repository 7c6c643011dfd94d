"""A polynomial as a linear layer on powers of one feature (chapter 9 of the book)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Linear, Module

from ref_torch.nn import Powers


class PolynomialRegression(Module):
    """y = w_1 x + w_2 x^2 + ... + w_n x^n + b."""

    def __init__(self, degree: int = 3) -> None:
        super().__init__()
        self.powers = Powers(degree)
        self.linear = Linear(degree, 1)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, 1) to (N, 1)."""
        return self.linear(self.powers(input))
