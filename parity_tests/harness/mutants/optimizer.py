"""Faults of optimizers and schedules."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter
from scratch import optim, schedule

Array = np.ndarray[Any, np.dtype[Any]]
Slots = dict[str, Array]
Group = dict[str, Any]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

SGD, ADAM = "optim.SGD._update", "optim.Adam._update"
STEP, COSINE = "schedule.StepLR._next", "schedule.CosineAnnealingLR._next"


def _velocity(data: Array, state: Slots, group: Group, gradient: Array) -> Array:
    old = state.get("momentum_buffer", np.zeros_like(data))
    state["momentum_buffer"] = group["momentum"] * old + gradient
    return state["momentum_buffer"]


@plant("momentum with the rate inside", SGD, ["StepLR with SGD momentum"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    data -= _velocity(data, state, group, group["lr"] * grad)


@plant("Nesterov look-ahead form", SGD, ["CosineAnnealingLR with SGD momentum nesterov"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    velocity = _velocity(data, state, group, group["lr"] * grad)
    data -= group["momentum"] * velocity + group["lr"] * grad


@plant("Nesterov with the old velocity", SGD, ["SGD momentum nesterov"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    old = state.get("momentum_buffer", np.zeros_like(data))
    _velocity(data, state, group, grad)
    data -= group["lr"] * (grad + group["momentum"] * old)


@plant("weight decay on the velocity", SGD, ["SGD momentum weight decay"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    velocity = _velocity(data, state, group, grad)
    data -= group["lr"] * (velocity + group["weight_decay"] * data)


@plant("dampening at the first step", SGD, ["SGD momentum dampening"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    data -= group["lr"] * _velocity(data, state, group, (1 - group["dampening"]) * grad)


@plant("weight decay of the other sign when maximizing", SGD, ["SGD maximize"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    decay = -group["weight_decay"] if group["maximize"] else group["weight_decay"]
    original(self, data, grad, state, {**group, "weight_decay": decay})


@plant("options of the first group for every group", SGD, ["SGD groups"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, self.param_groups[0])


@plant("velocity kept in float32", SGD, ["SGD momentum"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, group)
    state["momentum_buffer"] = state["momentum_buffer"].astype(np.float32).astype(data.dtype)


@plant("Adam epsilon before the bias correction", ADAM, ["Adam"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    eps = group["eps"] / (1 - group["betas"][1] ** self.steps) ** 0.5
    original(self, data, grad, state, {**group, "eps": eps})


@plant("Adam without bias correction", ADAM, ["Adam"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    steps, self.steps = self.steps, 10**6
    original(self, data, grad, state, group)
    self.steps = steps


@plant("Adam's bias correction one step late", ADAM, ["Adam"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    self.steps += 1
    original(self, data, grad, state, group)
    self.steps -= 1


@plant("Adam epsilon inside the root", ADAM, ["Adam"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    shadow = data.copy()
    original(self, shadow, grad, state, group)
    beta1, beta2 = group["betas"]
    second = state["exp_avg_sq"] / (1 - beta2**self.steps)
    first = state["exp_avg"] / (1 - beta1**self.steps)
    data -= group["lr"] * first / np.sqrt(second + group["eps"])


@plant("betas swapped", ADAM, ["Adam betas (0.3, 0.9)"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, {**group, "betas": group["betas"][::-1]})


@plant("amsgrad forgets the largest moment", ADAM, ["Adam amsgrad"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    state.pop("max_exp_avg_sq", None)
    original(self, data, grad, state, group)


@plant("AdamW as L2", ADAM, ["AdamW"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    if self._decoupled:
        grad, group = grad + group["weight_decay"] * data, {**group, "weight_decay": 0.0}
    original(self, data, grad, state, group)


@plant("decay of AdamW after the step", ADAM, ["AdamW"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, {**group, "weight_decay": 0.0})
    data *= 1 - group["lr"] * group["weight_decay"]


@plant("decay of Adam decoupled", ADAM, ["Adam weight decay"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    if not self._decoupled:
        data *= 1 - group["lr"] * group["weight_decay"]
        group = {**group, "weight_decay": 0.0}
    original(self, data, grad, state, group)


@plant("gradient left by zero_grad", "optim.Optimizer.zero_grad", ["mlp_xor"], "step")
def _(original: Any, self: optim.Optimizer) -> None:
    return None


@plant("moments forgotten when resumed", "optim.Optimizer.load_state_dict", ["mlp_xor"], "step")
def _(original: Any, self: optim.Optimizer, state: Any) -> None:
    original(self, state)
    for slots in self._state:
        for value in slots.values():
            value[...] = 0


@plant(
    "step counter forgotten when resumed", "optim.Optimizer.load_state_dict", ["mlp_xor"], "step"
)
def _(original: Any, self: optim.Optimizer, state: Any) -> None:
    original(self, state)
    self.steps = min(self.steps, 1)


@plant("schedule off by one: StepLR", STEP, ["StepLR"], "step group 0 lr")
@plant("schedule off by one: cosine", COSINE, ["CosineAnnealingLR"], "step group 0 lr")
def _(original: Any, self: Any, base: float, group: Group) -> float:
    self.last_epoch -= 1
    rate = original(self, base, group)
    self.last_epoch += 1
    return float(rate)


@plant(
    "smallest rate of the cosine forgotten", COSINE, ["CosineAnnealingLR with SGD momentum"], "step"
)
def _(original: Any, self: schedule.CosineAnnealingLR, base: float, group: Group) -> float:
    low, self.eta_min = self.eta_min, 0.0
    rate = original(self, base, group)
    self.eta_min = low
    return float(rate)


@plant(
    "rate of the first group for every group",
    "schedule.Schedule.step",
    ["StepLR with SGD groups"],
    "step group 1 lr",
)
def _(original: Any, self: schedule.Schedule) -> None:
    original(self)
    for group in self.optimizer.param_groups:
        group["lr"] = self.optimizer.param_groups[0]["lr"]
