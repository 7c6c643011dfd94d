"""Containers and modules that only move data around."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops.checks import ShapeError


class Sequential(Module):
    """Modules one after the other; takes modules, or one `OrderedDict` of named modules."""

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = list(modules[0].items())
        else:
            named = [(str(index), module) for index, module in enumerate(modules)]
        for name, module in named:
            setattr(self, name, module)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, index: int) -> Module:
        return list(self._modules.values())[index]

    def forward(self, input: Array) -> Array:
        """Apply every module in order."""
        for module in self:
            input = module(input)
        return input

    def backward(self, d_output: Array) -> Array:
        """Apply every backward in reverse order."""
        for module in reversed(list(self)):
            d_output = module.backward(d_output)
        return d_output


class Identity(Module):
    """Return the input."""

    def forward(self, input: Array) -> Array:
        """Return `input`."""
        return input

    def backward(self, d_output: Array) -> Array:
        """Return `d_output`."""
        return d_output


class Flatten(Module):
    """Join the axes `start_dim` ... `end_dim` into one, in C order."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Array) -> Array:
        """Reshape (N, C, H, W) to (N, C*H*W) with the default arguments."""
        start, end = self.start_dim % input.ndim, self.end_dim % input.ndim
        if input.ndim < 2 or start > end:
            raise ShapeError(f"at least two axes, start {start} <= end {end}", input.shape)
        if input.shape[0] == 0:
            raise ShapeError("at least one sample", input.shape)
        self.save(input.shape)
        return input.reshape(*input.shape[:start], -1, *input.shape[end + 1 :])

    def backward(self, d_output: Array) -> Array:
        """Reshape the gradient back."""
        return d_output.reshape(self.saved())

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
