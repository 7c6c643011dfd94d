"""The schedule that torch has no name for."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LambdaLR


class InverseLR(LambdaLR):
    """Set the rate to initial (1 + gamma t)^-power at epoch t.

    Args:
        optimizer: whose rate is changed.
        gamma: how fast it falls, not negative.
        power: exponent.

    Raises:
        ValueError: a negative `gamma`.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, gamma: float, power: float = 1.0) -> None:
        if gamma < 0:
            raise ValueError(f"gamma is at least 0; got {gamma}")
        super().__init__(optimizer, lambda epoch: (1 + gamma * epoch) ** -power)
