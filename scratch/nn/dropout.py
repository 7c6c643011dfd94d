"""Dropout with a generator of its own or a pinned mask."""

from __future__ import annotations

import numpy as np

from scratch.nn.arguments import refuse_inplace
from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import dropout


class Dropout(Module):
    """In training set each value to zero with probability p and divide the rest by 1 - p.

    Attributes:
        generator: where masks are drawn from; `scratch.build` gives all layers of a network the
            same one.
        mask: pinned keep-mask that broadcasts to the input, used instead of drawing one. No two
            libraries draw the same random numbers, so comparisons pin it.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        refuse_inplace(inplace)
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability must lie between 0 and 1; got {p}")
        self.p = p
        self.generator = np.random.default_rng()
        self.mask: Array | None = None

    def forward(self, input: Array) -> Array:
        """Map any shape to itself; the identity in evaluation."""
        if not self.training:
            self.save(None)
            return input
        drawn = np.asarray(self.generator.random(input.shape) >= self.p)
        mask = drawn if self.mask is None else np.broadcast_to(self.mask, input.shape)
        y, cache = dropout.dropout(input, self.p, mask)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        cache = self.saved()
        return d_output if cache is None else dropout.dropout_backward(d_output, cache)

    def extra_repr(self) -> str:
        """Return the argument in torch's words."""
        return f"p={self.p}"
