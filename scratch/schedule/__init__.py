"""Learning-rate schedules as torch means them; `step()` follows the epoch's last optimiser step."""

from scratch.schedule.base import Schedule, SequentialLR
from scratch.schedule.curves import CosineAnnealingLR, LinearLR, PolynomialLR
from scratch.schedule.steps import ExponentialLR, InverseLR, MultiStepLR, StepLR

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "InverseLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "Schedule",
    "SequentialLR",
    "StepLR",
]
