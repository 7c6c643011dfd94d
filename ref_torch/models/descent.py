"""Functions whose inputs are weights on a constant one (chapter 2 of the book).

What descends is a number; here it is the weight of a layer that is given 1, so that the loops that
train networks move it.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import Linear, Module

from ref_torch import nn
from ref_torch.nn import Add, Affine, Concat, Multiply, Square


class ProductOfSums(Module):
    """z = x y with x = 2 w + 3 b and y = 2 b + 1 (the book, 2.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.w = Linear(1, 1, bias=False)
        self.b = Linear(1, 1, bias=False)
        self.two_w = Affine(2.0)
        self.three_b = Affine(3.0)
        self.x = Add()
        self.y = Affine(2.0, 1.0)
        self.z = Multiply()

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, 1) to (N, 1)."""
        w = self.w(input)
        b = self.b(input)
        x = self.x(self.two_w(w), self.three_b(b))
        return self.z(x, self.y(b))


class RootOfLogarithm(Module):
    """c = sqrt(b) with b = ln(a) and a = x^2 (the book, 2.2); real for abs(x) >= 1."""

    def __init__(self, log: str = "Log", root: str = "Sqrt") -> None:
        super().__init__()
        self.x = Linear(1, 1, bias=False)
        self.a = Square()
        self.b = getattr(nn, log)()
        self.c = getattr(nn, root)()

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, 1) to (N, 1)."""
        return self.c(self.b(self.a(self.x(input))))


class Parabola(Module):
    """x; the squared error against 0 makes the parabola y = x^2 of it (the book, 2.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.x = Linear(1, 1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, 1) to (N, 1)."""
        return self.x(input)


class ParabolaSine(Module):
    """x and sin(y); their squares add up to J = x^2 + sin(y)^2 (the book, 2.3)."""

    def __init__(self, function: str = "Sin") -> None:
        super().__init__()
        self.x = Linear(1, 1, bias=False)
        self.y = Linear(1, 1, bias=False)
        self.sine = getattr(nn, function)()
        self.join = Concat()

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, 1) to (N, 2)."""
        x = self.x(input)
        return self.join(x, self.sine(self.y(input)))
