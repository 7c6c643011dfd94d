"""The multi-layer perceptron (chapters 9 to 12 of the book)."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import Flatten, Linear, Module, Sequential


class MLP(Module):
    """Linear layers with an activation between each two of them.

    Layers are named fc1, act1, fc2, ... An image is flattened first, in the order C, H, W.
    """

    def __init__(
        self,
        widths: Sequence[int] = (784, 64, 16, 10),
        activations: Sequence[str] = ("Sigmoid", "Tanh"),
    ) -> None:
        super().__init__()
        layers: OrderedDict[str, Module] = OrderedDict()
        for index, (before, after) in enumerate(itertools.pairwise(widths), start=1):
            layers[f"fc{index}"] = Linear(before, after)
            if index < len(widths) - 1:
                layers[f"act{index}"] = getattr(nn, activations[index - 1])()
        self.flatten = Flatten()
        self.layers = Sequential(layers)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, ...) with widths[0] values per sample to (N, widths[-1])."""
        return self.layers(self.flatten(input))
