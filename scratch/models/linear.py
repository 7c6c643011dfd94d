"""One layer: linear, logistic and softmax regression (chapters 4 to 7 of the book)."""

from __future__ import annotations

from scratch.nn import Linear, Module
from scratch.nn.parameter import Array


class LinearRegression(Module):
    """y = x W^T + b: one number per output, chapter 4 and 5 of the book."""

    def __init__(self, features: int = 1, outputs: int = 1) -> None:
        super().__init__()
        self.linear = Linear(features, outputs)

    def forward(self, input: Array) -> Array:
        """Map (N, features) to (N, outputs)."""
        return self.linear(input)

    def backward(self, d_output: Array) -> Array:
        """Map (N, outputs) to (N, features)."""
        return self.linear.backward(d_output)


class LogisticRegression(Module):
    """The logit of class 1, chapter 6 of the book."""

    def __init__(self, features: int = 2) -> None:
        super().__init__()
        self.linear = Linear(features, 1)

    def forward(self, input: Array) -> Array:
        """Map (N, features) to (N, 1)."""
        return self.linear(input)

    def backward(self, d_output: Array) -> Array:
        """Map (N, 1) to (N, features)."""
        return self.linear.backward(d_output)


class SoftmaxRegression(Module):
    """One logit per class, chapter 7 of the book."""

    def __init__(self, features: int = 2, classes: int = 3) -> None:
        super().__init__()
        self.linear = Linear(features, classes)

    def forward(self, input: Array) -> Array:
        """Map (N, features) to (N, classes)."""
        return self.linear(input)

    def backward(self, d_output: Array) -> Array:
        """Map (N, classes) to (N, features)."""
        return self.linear.backward(d_output)
