"""The functions of the book's chapter 2 as layers without parameters."""

from __future__ import annotations

from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import functions


class Affine(Module):
    """scale * x + shift, both constants of the constructor."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0) -> None:
        super().__init__()
        self.scale = scale
        self.shift = shift

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = functions.affine(input, self.scale, self.shift)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return functions.affine_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"scale={self.scale}, shift={self.shift}"


class Square(Module):
    """x^2."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = functions.square(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return functions.square_backward(d_output, self.saved())


class Log(Module):
    """The natural logarithm, for x > 0."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = functions.log(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return functions.log_backward(d_output, self.saved())


class Sqrt(Module):
    """The square root, for x >= 0; its slope is infinite at 0."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = functions.sqrt(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return functions.sqrt_backward(d_output, self.saved())


class Sin(Module):
    """The sine."""

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        y, cache = functions.sin(input)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return functions.sin_backward(d_output, self.saved())
