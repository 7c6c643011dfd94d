"""Learning-rate schedules in torch's chainable form: the next rate follows from the current one.

The recursion, not the closed form, is torch's meaning: a rate changed from outside is carried on.
Call `step()` once per epoch, after the optimiser's steps. Cosine: Loshchilov and Hutter, "SGDR:
stochastic gradient descent with warm restarts", 2017, equation 5 (without restarts).
"""

from __future__ import annotations

import math
from typing import Any

from scratch.optim import Group, Optimizer


class Schedule:
    """Counts epochs and writes each group's rate.

    Args:
        optimizer: its groups' "lr" is changed; "initial_lr" is stored beside it.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.last_epoch = 0
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]

    def step(self) -> None:
        """Move on by one epoch."""
        self.last_epoch += 1
        for base, group in zip(self.base_lrs, self.optimizer.param_groups, strict=True):
            group["lr"] = self._next(base, group)

    def _next(self, base: float, group: Group) -> float:
        raise NotImplementedError

    def get_last_lr(self) -> list[float]:
        """Return the current rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch and the initial rates; the current rates are the optimiser's state."""
        return {"last_epoch": self.last_epoch, "base_lrs": list(self.base_lrs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` returned.

        Raises:
            ValueError: the state belongs to another number of groups.
        """
        if len(state["base_lrs"]) != len(self.base_lrs):
            raise ValueError(
                f"this schedule state holds {len(state['base_lrs'])} groups; "
                f"the optimizer has {len(self.base_lrs)}"
            )
        self.last_epoch = int(state["last_epoch"])
        self.base_lrs = [float(rate) for rate in state["base_lrs"]]


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
