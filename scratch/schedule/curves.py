"""Schedules that follow a curve to an end: a line, a polynomial, half a cosine.

Cosine: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017,
equation 5 (without restarts).
"""

from __future__ import annotations

import math

from scratch.optim import Group, Optimizer
from scratch.schedule.base import Schedule


class LinearLR(Schedule):
    """Go from `start_factor` to `end_factor` times the initial rate in a line: a warm-up.

    The rate of the first epoch is already the smaller one.

    Args:
        optimizer: whose rate is changed.
        start_factor: of the first epoch, in (0, 1].
        end_factor: from epoch `total_iters` on, in [0, 1].
        total_iters: epochs from one to the other.

    Raises:
        ValueError: a factor out of its range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        if not 0.0 < start_factor <= 1.0:
            raise ValueError(f"start_factor is in (0, 1]; got {start_factor}")
        if not 0.0 <= end_factor <= 1.0:
            raise ValueError(f"end_factor is in [0, 1]; got {end_factor}")
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer)

    def _first(self, group: Group) -> float:
        return float(group["lr"] * self.start_factor)

    def _at_zero(self, base: float) -> float:
        return base * self.start_factor

    def _next(self, base: float, group: Group) -> float:
        if self.last_epoch > self.total_iters:
            return float(group["lr"])
        slope = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * slope
        return float(group["lr"] * (1.0 + slope / before))


class PolynomialLR(Schedule):
    """Let the rate fall to zero as (1 - t / total_iters)^power.

    Args:
        optimizer: whose rate is changed.
        total_iters: epochs until it is zero.
        power: exponent; 1 is a line.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer)

    def _next(self, base: float, group: Group) -> float:
        t, total = self.last_epoch, self.total_iters
        if t > total:
            return float(group["lr"])
        factor = ((1.0 - t / total) / (1.0 - (t - 1) / total)) ** self.power
        return float(group["lr"] * factor)


class CosineAnnealingLR(Schedule):
    """Follow half a cosine from the initial rate down to `eta_min` in `T_max` epochs, and back.

    With c(t) = 1 + cos(pi t / T_max): lr = (lr - eta_min) c(t) / c(t - 1) + eta_min. One epoch
    after each minimum c(t - 1) is 0, and the rate leaves the minimum by
    (initial - eta_min) (1 - cos(pi / T_max)) / 2.

    Args:
        optimizer: whose rate is changed.
        T_max: epochs from the largest to the smallest rate.
        eta_min: smallest rate.

    Raises:
        ValueError: `T_max` below 1.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        if T_max < 1:
            raise ValueError(f"T_max is at least 1; got {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def _next(self, base: float, group: Group) -> float:
        t, period, low = self.last_epoch, self.T_max, self.eta_min
        if (t - 1 - period) % (2 * period) == 0:
            return group["lr"] + (base - low) * (1 - math.cos(math.pi / period)) / 2
        ratio = (1 + math.cos(math.pi * t / period)) / (1 + math.cos(math.pi * (t - 1) / period))
        return ratio * (group["lr"] - low) + low

    def _at_zero(self, base: float) -> float:
        low = self.eta_min
        return low + (base - low) * (1 + math.cos(math.pi * 0 / self.T_max)) / 2
