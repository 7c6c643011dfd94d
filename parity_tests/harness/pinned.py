"""Dropout masks that both twins share: no two libraries draw the same random numbers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]


class Dropout(torch.nn.Dropout):
    """torch's dropout with one mask for every sample of every batch."""

    mask: torch.Tensor

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Drop the pinned units in training."""
        return input * self.mask / (1 - self.p) if self.training else input


def pin_masks(ours: nn.Module, theirs: torch.nn.Module, x: Array, rng: np.random.Generator) -> None:
    """Give every dropout layer of both twins one mask, the same for every sample.

    So the order of the samples stays without meaning, and a batch may be cut in two. At least one
    unit is dropped and one is kept.

    Args:
        ours: scratch network.
        theirs: torch network, in float64; its dropout layers change their class.
        x: an input, which tells the shapes.
        rng: source of the masks.
    """
    layers = {p: m for p, m in ours.named_modules() if isinstance(m, nn.Dropout)}
    if not layers:
        return
    shapes = _shapes(copy.deepcopy(theirs), x, tuple(layers))
    others = dict(theirs.named_modules())
    for path, layer in layers.items():
        size = int(np.prod(shapes[path]))
        dropped = min(max(1, round(layer.p * size)), size - 1)
        mask = (rng.permutation(size) >= dropped).reshape(1, *shapes[path])
        layer.mask = mask
        other = others[path]
        other.__class__ = Dropout
        other.register_buffer("mask", torch.from_numpy(mask), persistent=False)


def _shapes(model: torch.nn.Module, x: Array, paths: tuple[str, ...]) -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    for path, module in model.named_modules():
        if path in paths:
            module.eval()  # draws nothing, while the network runs all that training runs
            module.register_forward_hook(
                lambda module, inputs, output, path=path: shapes.update({path: output.shape[1:]})
            )
    with torch.no_grad():
        model(torch.from_numpy(x))
    return shapes
