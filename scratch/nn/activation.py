"""Activation layers."""

from __future__ import annotations

from typing import Any

from scratch.nn.arguments import refuse_inplace
from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import activation


class ReLU(Module):
    """max(x, 0); the derivative at 0 is 0."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        refuse_inplace(inplace)

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = activation.relu(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return activation.relu_backward(d_output, self.saved())


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = activation.sigmoid(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return activation.sigmoid_backward(d_output, self.saved())


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = activation.tanh(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return activation.tanh_backward(d_output, self.saved())


class ScaledTanh(Module):
    """amplitude * tanh(slope * x), LeNet-5's squashing function.

    With 1.7159 and 2/3 the function maps +1 to +1 and -1 to -1 (LeCun et al. 1998, appendix A).
    """

    def __init__(self, amplitude: float = 1.7159, slope: float = 2 / 3) -> None:
        super().__init__()
        self.amplitude = amplitude
        self.slope = slope

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        t, cache = activation.tanh(input * self.slope)
        self.save(cache)
        return t * self.amplitude

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        dx = activation.tanh_backward(d_output, self.saved())
        dx *= self.amplitude * self.slope
        return dx

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"amplitude={self.amplitude}, slope={self.slope:.4f}"


class Softmax(Module):
    """exp(x) / sum exp(x) along `dim`."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Array) -> Array:
        """Map any shape to itself; the values along `dim` sum to one."""
        axis: Any = self.dim
        if axis is None:  # torch's old rule for an unnamed axis
            axis = 0 if input.ndim in (0, 1, 3) else 1
        y, cache = activation.softmax(input, axis)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return activation.softmax_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the argument in torch's words."""
        return f"dim={self.dim}"
