"""L1 and L2 penalties on the weights, as a term of the loss."""

from __future__ import annotations

import torch
from torch import nn


def penalty(model: nn.Module, l1: float, l2: float, samples: int) -> torch.Tensor:
    """Return l1 sum|w| / m + l2 sum w^2 / (2 m) for a batch of m samples, to be differentiated.

    Weights are the parameters with two or more axes: biases and the scales of a normalisation,
    which have one, stay free.

    Args:
        model: the network.
        l1: factor of the absolute values.
        l2: factor of the squares.
        samples: m.
    """
    weights = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    absolute = sum(weight.abs().sum() for weight in weights)
    squares = sum((weight * weight).sum() for weight in weights)
    return torch.as_tensor((l1 * absolute + l2 / 2 * squares) / samples)
