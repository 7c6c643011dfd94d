"""Schedules that multiply: at certain epochs, at every one, or by the inverse of their number."""

from __future__ import annotations

from collections.abc import Sequence

from scratch.optim import Group, Optimizer
from scratch.schedule.base import Schedule


class StepLR(Schedule):
    """Multiply the rate by `gamma` every `step_size` epochs.

    Args:
        optimizer: whose rate is changed.
        step_size: epochs between two changes.
        gamma: factor.

    Raises:
        ValueError: `step_size` below 1.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        if step_size < 1:
            raise ValueError(f"step_size is at least 1; got {step_size}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def _next(self, base: float, group: Group) -> float:
        due = self.last_epoch % self.step_size == 0
        return group["lr"] * self.gamma if due else group["lr"]


class MultiStepLR(Schedule):
    """Multiply the rate by `gamma` at each of the `milestones`.

    Args:
        optimizer: whose rate is changed.
        milestones: epochs; one that stands there twice counts twice.
        gamma: factor.
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = list(milestones), gamma
        super().__init__(optimizer)

    def _next(self, base: float, group: Group) -> float:
        times = self.milestones.count(self.last_epoch)
        return float(group["lr"] * self.gamma**times)

    def _at_zero(self, base: float) -> float:
        return float(base * self.gamma ** sum(epoch <= 0 for epoch in self.milestones))


class ExponentialLR(Schedule):
    """Multiply the rate by `gamma` at every epoch.

    Args:
        optimizer: whose rate is changed.
        gamma: factor.
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def _next(self, base: float, group: Group) -> float:
        return float(group["lr"] * self.gamma)


class InverseLR(Schedule):
    """Set the rate to initial (1 + gamma t)^-power at epoch t.

    Torch has no schedule of this name; there it is a LambdaLR, which like this one forgets a rate
    that was changed from outside.

    Args:
        optimizer: whose rate is changed.
        gamma: how fast it falls, not negative.
        power: exponent.

    Raises:
        ValueError: a negative `gamma`.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, power: float = 1.0) -> None:
        if gamma < 0:
            raise ValueError(f"gamma is at least 0; got {gamma}")
        self.gamma, self.power = gamma, power
        super().__init__(optimizer)

    def _next(self, base: float, group: Group) -> float:
        return float(base * (1 + self.gamma * self.last_epoch) ** -self.power)
