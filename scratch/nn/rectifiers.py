"""Softer forms of the ReLU."""

from __future__ import annotations

from scratch.nn.arguments import refuse_inplace
from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import rectifiers


class LeakyReLU(Module):
    """x where it is positive, negative_slope * x elsewhere; the derivative at 0 is the slope."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        refuse_inplace(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = rectifiers.leaky_relu(input, self.negative_slope)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return rectifiers.leaky_relu_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the argument in torch's words."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where it is positive, alpha * (exp(x) - 1) elsewhere."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        refuse_inplace(inplace)
        self.alpha = alpha

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = rectifiers.elu(input, self.alpha)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return rectifiers.elu_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the argument in torch's words."""
        return f"alpha={self.alpha}"


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta, and x where beta * x is above the threshold."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = rectifiers.softplus(input, self.beta, self.threshold)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return rectifiers.softplus_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        return f"beta={self.beta}, threshold={self.threshold}"
