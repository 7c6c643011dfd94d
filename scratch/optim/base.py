"""What every optimiser shares: parameter groups, moments, and the state to resume from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from scratch.nn import Parameter

Array = np.ndarray[Any, np.dtype[Any]]
Group = dict[str, Any]

BLOCK_BYTES = 1 << 24
"""Of a parameter, as much as is updated at a time."""


class Optimizer:
    """What every optimiser shares: parameter groups, their options and the stored moments.

    Args:
        params: parameters, or groups `{"params": [...], "lr": ...}` whose options override the
            optimiser's own.
        defaults: the optimiser's own options.

    Raises:
        ValueError: no parameters, a parameter given twice, an unknown or invalid option.
        TypeError: something that is not a parameter.
    """

    _from_the_start: ClassVar[bool] = False  # whether moments exist before the first step

    def __init__(self, params: Iterable[Parameter] | Iterable[Group], defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.steps = 0
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self._add(group)
        self._state: list[dict[str, Array]] = [{} for _ in self._parameters()]

    def _add(self, given: Group) -> None:
        group = {**self.defaults, **given, "params": list(given["params"])}
        unknown = sorted(set(group) - set(self.defaults) - {"params"})
        if unknown:
            raise ValueError(f"unknown parameter group options: {', '.join(unknown)}")
        self._check(group)
        known = {id(parameter) for parameter in self._parameters()}
        for parameter in group["params"]:
            if not hasattr(parameter, "grad"):
                raise TypeError(f"optimizer can only optimize Parameters, got {parameter!r}")
            if id(parameter) in known:
                raise ValueError("some parameters appear more than once in the parameter groups")
            known.add(id(parameter))
        self.param_groups.append(group)

    def _check(self, group: Group) -> None:
        if not group["lr"] >= 0.0:
            raise ValueError(f"Invalid learning rate: {group['lr']}")
        if not group["weight_decay"] >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {group['weight_decay']}")

    def _parameters(self) -> list[Parameter]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Set every gradient to zeros."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.zero_grad()

    # As in torch, an overflow gives inf and 0/0 gives NaN; the training loop watches for them.
    @np.errstate(all="ignore")
    def step(self) -> None:
        """Update every parameter once, in place, from its gradient."""
        self.steps += 1
        states = iter(self._state)
        for group in self.param_groups:
            for parameter in group["params"]:
                data, grad, state = parameter.data, parameter.grad, next(states)
                if data.nbytes > BLOCK_BYTES:
                    self._in_blocks(data, grad, state, group)
                else:
                    self._update(data, -grad if group["maximize"] else grad, state, group)

    def _in_blocks(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        """Update a large parameter some rows at a time: no term of the step is as large as it.

        Every rule works entry by entry, so the numbers are the same.
        """
        rows = len(data)
        high = max(1, BLOCK_BYTES * rows // data.nbytes)
        moments: dict[str, Array] = {}
        for top in range(0, rows, high):
            block = slice(top, top + high)
            part = {slot: value[block] for slot, value in state.items()}
            down = -grad[block] if group["maximize"] else grad[block]
            self._update(data[block], down, part, group)
            for slot, value in part.items():
                if slot not in moments:
                    moments[slot] = state[slot] if slot in state else np.empty_like(data)
                moments[slot][block] = value
        state.update(moments)

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        raise NotImplementedError

    def _slots(self, group: Group) -> tuple[str, ...]:
        raise NotImplementedError

    def state_dict(self) -> dict[str, Array]:
        """Return copies of everything that the next step depends on.

        Returns:
            "step" (int64); "groups.G.lr" and with a schedule "groups.G.initial_lr" (float64); of
            parameter P, counted through all groups, "P.momentum_buffer", "P.exp_avg" and so on.
        """
        state: dict[str, Array] = {"step": np.array(self.steps, dtype=np.int64)}
        for number, group in enumerate(self.param_groups):
            for rate in ("lr", "initial_lr"):
                if rate in group:
                    state[f"groups.{number}.{rate}"] = np.array(group[rate], dtype=np.float64)
        for number, slots in enumerate(self._state):
            for slot, value in slots.items():
                state[f"{number}.{slot}"] = value.copy()
        return state

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Continue from a state that `state_dict` returned; nothing changes if it does not fit.

        Raises:
            ValueError: missing or unexpected keys, or a moment of another shape; all are listed.
        """
        steps = int(state.get("step", 0))
        shapes: dict[str, tuple[int, ...]] = {"step": ()}
        number = 0
        for index, group in enumerate(self.param_groups):
            shapes[f"groups.{index}.lr"] = ()
            if f"groups.{index}.initial_lr" in state:
                shapes[f"groups.{index}.initial_lr"] = ()
            for parameter in group["params"]:
                for slot in self._slots(group) if steps or self._from_the_start else ():
                    shapes[f"{number}.{slot}"] = parameter.data.shape
                number += 1
        problems = [f"missing {key}" for key in shapes if key not in state]
        problems += [f"unexpected {key}" for key in state if key not in shapes]
        problems += [
            f"{key} is {state[key].shape} instead of {shape}"
            for key, shape in shapes.items()
            if key in state and state[key].shape != shape
        ]
        if problems:
            raise ValueError(f"this optimiser state does not fit: {'; '.join(problems)}")
        self.steps = steps
        self._state = [{} for _ in self._state]
        for key in shapes:
            owner, _, name = key.rpartition(".")
            if owner.startswith("groups."):
                self.param_groups[int(owner.removeprefix("groups."))][name] = float(state[key])
            elif owner:
                moment = np.empty_like(self._parameters()[int(owner)].data)  # in memory like it
                moment[...] = state[key]
                self._state[int(owner)][name] = moment


def between(start: Array, end: Array, weight: float) -> Array:
    """Return start + weight (end - start), rounded so that weight 1 gives exactly the end."""
    if weight < 0.5:
        return start + weight * (end - start)
    return end - (end - start) * (1 - weight)
