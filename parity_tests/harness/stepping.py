"""The optimisers of both twins behind one face: values, gradients, state and back to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from ref_torch.optim import OPTIMIZERS
from scratch import optim
from scratch.optim import clip

Array = np.ndarray[Any, np.dtype[Any]]
Moments = list[dict[str, Array]]


def torch_optimizer(
    name: str, params: Iterable[Any], options: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """Return the reference's optimiser, stepping one tensor at a time.

    Args:
        name: class name.
        params: parameters or groups.
        options: its keywords.
    """
    make: Any = OPTIMIZERS[name]
    one_by_one = {"foreach": False} if make.__module__.startswith("torch.") else {}
    optimizer: torch.optim.Optimizer = make(params, **one_by_one, **options)
    return optimizer


@dataclass(frozen=True)
class State:
    """Everything of an optimiser that its next step depends on, apart from gradients and values.

    Attributes:
        moments: per parameter, counted through all groups, by torch's names.
        count: steps made.
        rates: learning rate of each group.
    """

    moments: Moments
    count: int
    rates: list[float]


class Stepper(Protocol):
    """An optimiser of either twin."""

    def values(self) -> list[Array]:
        """Return copies of the parameters, counted through all groups."""

    def set_values(self, values: Sequence[Array]) -> None:
        """Copy `values` into the parameters."""

    def give(self, gradients: Sequence[Array]) -> None:
        """Replace the gradients."""

    def clip(self, max_norm: float, norm_type: float) -> None:
        """Clip the gradients that are there by their norm."""

    def step(self) -> None:
        """Make one step with the gradients that are there."""

    def state(self) -> State:
        """Return a copy of the state."""

    def restore(self, state: State) -> None:
        """Continue from `state`, cast to the parameters' dtype."""


class ScratchStepper:
    """An optimiser of `scratch.optim`."""

    def __init__(self, optimizer: optim.Optimizer) -> None:
        self.optimizer = optimizer
        groups = optimizer.param_groups
        self.parameters = [parameter for group in groups for parameter in group["params"]]

    def values(self) -> list[Array]:
        """Return copies of the parameters."""
        return [parameter.data.copy() for parameter in self.parameters]

    def set_values(self, values: Sequence[Array]) -> None:
        """Copy `values` into the parameters."""
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.data[...] = value

    def give(self, gradients: Sequence[Array]) -> None:
        """Replace the gradients."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient.astype(parameter.data.dtype)

    def clip(self, max_norm: float, norm_type: float) -> None:
        """Clip the gradients."""
        clip.clip_grad_norm_(self.parameters, max_norm, norm_type)

    def step(self) -> None:
        """Make one step."""
        self.optimizer.step()

    def state(self) -> State:
        """Return a copy of the state."""
        moments: Moments = [{} for _ in self.parameters]
        saved = self.optimizer.state_dict()
        for key, value in saved.items():
            owner, _, slot = key.partition(".")
            if owner.isdigit():
                moments[int(owner)][slot] = value
        rates = [group["lr"] for group in self.optimizer.param_groups]
        return State(moments, int(saved["step"]), rates)

    def restore(self, state: State) -> None:
        """Continue from `state`."""
        saved = {
            f"{number}.{slot}": value
            for number, slots in enumerate(state.moments)
            for slot, value in slots.items()
        }
        saved["step"] = np.array(state.count)
        for number, rate in enumerate(state.rates):
            saved[f"groups.{number}.lr"] = np.array(rate)
        self.optimizer.load_state_dict(saved)


class TorchStepper:
    """An optimiser of `torch.optim`."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        groups = optimizer.param_groups
        self.parameters = [parameter for group in groups for parameter in group["params"]]
        self.count = 0

    def values(self) -> list[Array]:
        """Return copies of the parameters."""
        return [parameter.detach().numpy().copy() for parameter in self.parameters]

    def set_values(self, values: Sequence[Array]) -> None:
        """Copy `values` into the parameters."""
        with torch.no_grad():
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.copy_(torch.from_numpy(value))

    def give(self, gradients: Sequence[Array]) -> None:
        """Replace the gradients."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = torch.from_numpy(np.array(gradient)).to(parameter.dtype)

    def clip(self, max_norm: float, norm_type: float) -> None:
        """Clip the gradients."""
        torch.nn.utils.clip_grad_norm_(self.parameters, max_norm, norm_type, foreach=False)

    def step(self) -> None:
        """Make one step."""
        self.optimizer.step()
        self.count += 1

    def state(self) -> State:
        """Return a copy of the state; torch's SGD counts no steps, so they are counted here."""
        moments: Moments = []
        for parameter in self.parameters:
            slots = dict(self.optimizer.state[parameter])
            count = int(slots.pop("step", self.count))
            assert count == self.count
            moments.append({k: v.numpy().copy() for k, v in slots.items() if v is not None})
        return State(moments, self.count, [group["lr"] for group in self.optimizer.param_groups])

    def restore(self, state: State) -> None:
        """Continue from `state`."""
        self.count = state.count
        self.optimizer.state.clear()
        counts = not isinstance(self.optimizer, torch.optim.SGD)
        for parameter, moments in zip(self.parameters, state.moments, strict=True):
            slots = {k: torch.from_numpy(v.astype(np.float64)) for k, v in moments.items()}
            kept = {k: v.to(parameter.dtype) for k, v in slots.items()}
            if counts and (state.count or kept):
                kept["step"] = torch.tensor(float(state.count))
            self.optimizer.state[parameter].update(kept)
        for group, rate in zip(self.optimizer.param_groups, state.rates, strict=True):
            group["lr"] = rate
