"""What every schedule shares, and the chain of several.

The recursion, not the closed form, is torch's meaning: the next rate follows from the current one,
and a rate changed from outside is carried on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from scratch.optim import Group, Optimizer


class Schedule:
    """Counts epochs and writes each group's rate.

    Args:
        optimizer: its groups' "lr" is changed; "initial_lr" is stored beside it.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.begin()

    def begin(self) -> None:
        """Stand at epoch 0, with the rate of epoch 0 on top of what the groups have."""
        self.last_epoch = 0
        for group in self.optimizer.param_groups:
            group["lr"] = self._first(group)

    def step(self) -> None:
        """Move on by one epoch."""
        self.last_epoch += 1
        for base, group in zip(self.base_lrs, self.optimizer.param_groups, strict=True):
            group["lr"] = self._next(base, group)

    def _next(self, base: float, group: Group) -> float:
        raise NotImplementedError

    def restart(self) -> None:
        """Stand at epoch 0, with the rate of epoch 0 by the closed form."""
        self.last_epoch = 0
        for base, group in zip(self.base_lrs, self.optimizer.param_groups, strict=True):
            group["lr"] = self._at_zero(base)

    def _first(self, group: Group) -> float:
        return float(group["lr"])

    def _at_zero(self, base: float) -> float:
        return base

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


class SequentialLR(Schedule):
    """Follow one schedule after the other, each from its own epoch 0: warm-up and decay.

    Args:
        optimizer: whose rate is changed.
        schedulers: on the same optimizer, in order.
        milestones: the epoch at which each but the first takes over.

    Raises:
        ValueError: no schedule, one of another optimizer, or another number of milestones than one
            less than schedules.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[Schedule], milestones: Sequence[int]
    ) -> None:
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        if not self.schedulers:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        if len(self.milestones) != len(self.schedulers) - 1:
            raise ValueError(
                f"{len(self.schedulers)} schedules need {len(self.schedulers) - 1} milestones; "
                f"got {len(self.milestones)}"
            )
        if any(one.optimizer is not optimizer for one in self.schedulers):
            raise ValueError("SequentialLR expects all schedulers to belong to the same optimizer")
        super().__init__(optimizer)

    def begin(self) -> None:
        """Stand at epoch 0 of the first schedule."""
        self.last_epoch = 0
        for base, group in zip(self.base_lrs, self.optimizer.param_groups, strict=True):
            group["lr"] = base
        self.schedulers[bisect_right(self.milestones, 0)].begin()

    def step(self) -> None:
        """Move on by one epoch."""
        self.last_epoch += 1
        number = bisect_right(self.milestones, self.last_epoch)
        if number and self.milestones[number - 1] == self.last_epoch:
            self.schedulers[number].restart()
        else:
            self.schedulers[number].step()

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch, and the states of the schedules."""
        return {**super().state_dict(), "schedulers": [s.state_dict() for s in self.schedulers]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state_dict` returned.

        Raises:
            ValueError: the state belongs to another chain or another number of groups.
        """
        if len(state["schedulers"]) != len(self.schedulers):
            raise ValueError(
                f"this schedule state holds {len(state['schedulers'])} schedules; "
                f"the chain has {len(self.schedulers)}"
            )
        super().load_state_dict(state)
        for one, its in zip(self.schedulers, state["schedulers"], strict=True):
            one.load_state_dict(its)
