"""What `scratch.gradcheck` moves: the inputs and the parameters of a complex copy of a module."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from scratch.nests import leaves, rebuilt, spread
from scratch.nn import Dropout, Embedding, Module, inference
from scratch.reused import Reused

Array = np.ndarray[Any, np.dtype[Any]]

STEP = 1e-30


class Check:
    """A module's gradients by backward, and a complex copy of it to run anew."""

    def __init__(self, module: Module, inputs: tuple[Array, ...], d_output: Any, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        analytic = copy.deepcopy(module)
        analytic.zero_grad()
        output = analytic(*inputs)
        self._d_outputs = [
            self.rng.standard_normal(np.shape(value)) if one is None else np.asarray(one)
            for value, one in zip(leaves(output), spread(output, d_output), strict=True)
        ]
        whole = rebuilt(output, iter(self._d_outputs))
        number = isinstance(whole, np.ndarray) and whole.ndim == 0
        self._dx = leaves(analytic.backward(whole[()] if number else whole))
        self._gradients = {name: p.grad for name, p in analytic.named_parameters()}
        self._frozen = copy.deepcopy(module).astype(np.complex128)
        self._parameters = {name: p.data for name, p in self._frozen.named_parameters()}
        parts = [part for _, part in self._frozen.named_modules()]
        self._buffers = [
            (part, name, value.copy()) for part in parts for name, value in part._buffers.items()
        ]
        self._generators = [
            (part.generator.bit_generator, part.generator.bit_generator.state)
            for part in parts
            if isinstance(part, Dropout)
        ]
        # Only what backward returns a gradient for is moved; a target stays real.
        self._moved = [
            x.astype(np.complex128)
            if i < len(self._dx) and self._dx[i] is not None and x.dtype.kind == "f"
            else x
            for i, x in enumerate(leaves(inputs))
        ]
        self._inputs = rebuilt(inputs, iter(self._moved))
        self._paddings = [
            (part.weight.data, part.padding_idx)
            for part in parts
            if isinstance(part, Embedding) and part.padding_idx is not None
        ]
        self._layers: list[Reused] = []

    def reuse(self) -> None:
        """Remember what every layer gives, and give it again where nothing before it has moved."""
        self._layers = [
            Reused(part)
            for _, part in self._frozen.named_modules()
            if not part._modules and part is not self._frozen and not isinstance(part, Dropout)
        ]
        self.run()

    def tensors(self) -> Iterator[tuple[str, Array, Array]]:
        """Yield name, gradient, and the complex array to move."""
        for number, gradient in enumerate(self._dx):
            name = "dx" if len(self._dx) == 1 else f"dx{number}"
            if gradient is not None and self._moved[number].dtype.kind == "c":
                yield name, gradient, self._moved[number]
        for name, gradient in self._gradients.items():
            yield name, gradient, self._parameters[name]

    def places(self, gradient: Array, entries: int | None, without: Any = ()) -> Array:
        """Return the flat indices to check, none of those `without`."""
        left = np.setdiff1d(np.arange(gradient.size), without)
        if entries is None or entries >= len(left):
            return left
        return np.sort(self.rng.choice(left, entries, replace=False))

    def movable(self, tensor: Array) -> Array:
        """Return which entries of a tensor may be moved: all but those of a padding's row."""
        may = np.ones(tensor.shape, bool)
        for weight, row in self._paddings:
            if weight is tensor:
                may[row] = False
        return may

    def derivatives(self, tensor: Array, places: Array) -> Array:
        """Return dL by every entry of a tensor at `places`, by the complex step."""
        numeric = np.zeros(len(places))
        movable = self.movable(tensor)
        for number, place in enumerate(places):
            index = np.unravel_index(place, tensor.shape)
            if not movable[index]:
                continue
            value = tensor[index]
            tensor[index] = value + 1j * STEP
            numeric[number] = self.run(tensor).imag / STEP
            tensor[index] = value
        return numeric

    def run(self, moved: Array | None = None) -> complex:
        """Return L, with whatever a forward changes (masks that are drawn, buffers) as at first.

        Args:
            moved: the tensor of which an entry is not what it was.
        """
        for layer in self._layers:
            layer.begin(moved)
        for module, name, value in self._buffers:
            setattr(module, name, value.copy())
        for generator, state in self._generators:
            generator.state = state
        with inference():
            output = self._frozen(*self._inputs)
        pairs = zip(self._d_outputs, leaves(output), strict=True)
        return complex(sum((one * value).sum() for one, value in pairs))
