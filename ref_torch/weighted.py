"""The loss of a network with several outputs: the sum of each field's own, times its weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class WeightedLoss(nn.Module):
    """sum over the fields of weight * loss(field, target).

    In evaluation such a network returns its main output alone, whose loss counts as it is.

    Args:
        loss: of one output and the target.
        weights: by the name of the field.

    Raises:
        ValueError: an output has a field without a weight, or a weight no field.
    """

    def __init__(self, loss: nn.Module, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.loss = loss
        self.weights = dict(weights)

    def forward(self, output: Any, target: torch.Tensor) -> torch.Tensor:
        """Return the loss of a tensor (N, ...), or of a NamedTuple of them, and one target."""
        if isinstance(output, torch.Tensor):
            return self.loss(output, target)
        kind, fields = type(output), getattr(output, "_fields", ())
        if set(fields) != set(self.weights):
            wanted = tuple(self.weights)
            raise ValueError(f"a {kind.__name__} with the fields {fields}: expects {wanted}")
        values = output._asdict().items()
        losses = [self.weights[name] * self.loss(value, target) for name, value in values]
        return torch.stack(losses).sum()
