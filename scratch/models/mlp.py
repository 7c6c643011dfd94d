"""The multi-layer perceptron (chapters 9 to 12 of the book)."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from scratch import nn
from scratch.nn import BatchNorm1d, Dropout, Flatten, Linear, Module, Sequential
from scratch.nn.parameter import Array


class MLP(Module):
    """Linear layers with an activation between each two of them.

    Layers are named fc1, act1, fc2, ... An image is flattened first, in the order C, H, W. With
    `batch_norm` a layer bn1, bn2, ... stands before each activation; `dropout` says after which
    hidden layer, counted from 1, units are dropped, and with which probability.
    """

    def __init__(
        self,
        widths: Sequence[int] = (784, 64, 16, 10),
        activations: Sequence[str] = ("Sigmoid", "Tanh"),
        batch_norm: bool = False,
        dropout: Mapping[int, float] | None = None,
    ) -> None:
        super().__init__()
        dropped = dropout or {}
        layers: OrderedDict[str, Module] = OrderedDict()
        for index, (before, after) in enumerate(itertools.pairwise(widths), start=1):
            layers[f"fc{index}"] = Linear(before, after)
            if index < len(widths) - 1:
                if batch_norm:
                    layers[f"bn{index}"] = BatchNorm1d(after)
                layers[f"act{index}"] = getattr(nn, activations[index - 1])()
                if index in dropped:
                    layers[f"drop{index}"] = Dropout(dropped[index])
        self.flatten = Flatten()
        self.layers = Sequential(layers)

    def forward(self, input: Array) -> Array:
        """Map (N, ...) with widths[0] values per sample to (N, widths[-1])."""
        return self.layers(self.flatten(input))

    def backward(self, d_output: Array) -> Array:
        """Map (N, widths[-1]) to the shape of the input."""
        return self.flatten.backward(self.layers.backward(d_output))
