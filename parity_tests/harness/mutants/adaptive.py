"""Faults of the adaptive optimisers, of clipping and of the schedules that came with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter
from scratch import schedule

Array = np.ndarray[Any, np.dtype[Any]]
Slots = dict[str, Array]
Group = dict[str, Any]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

ADAGRAD, ADADELTA = "optim.Adagrad._update", "optim.Adadelta._update"
BOOK_SGD, BOOK_RMSPROP = "optim.BookSGD._update", "optim.BookRMSprop._update"
RMSPROP, CLIP = "optim.RMSprop._update", "optim.clip.clip_grad_norm_"


@plant("RMSprop epsilon inside", RMSPROP, ["RMSprop"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    old = state.get("square_avg", np.zeros_like(data)).copy()
    original(self, data.copy(), grad, state, group)
    square = group["alpha"] * old + (1 - group["alpha"]) * grad * grad
    data -= group["lr"] * grad / np.sqrt(square + group["eps"])


@plant("RMSprop not centred", RMSPROP, ["RMSprop centered"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data.copy(), grad, state, group)
    original(self, data, grad, {"square_avg": state["square_avg"]}, {**group, "centered": False})


@plant("RMSprop momentum with the rate inside", RMSPROP, ["RMSprop momentum"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, group)
    state["momentum_buffer"] *= group["lr"]


@plant("RMSprop alpha for the new share", RMSPROP, ["RMSprop"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, {**group, "alpha": 1 - group["alpha"]})


@plant("Adagrad epsilon inside the root", ADAGRAD, ["Adagrad"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data.copy(), grad, state, group)
    data -= group["lr"] * grad / np.sqrt(state["sum"] + group["eps"])


@plant("Adagrad eps 1e-8", ADAGRAD, ["Adagrad"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, {**group, "eps": 1e-8})


@plant("Adagrad's rate decays one step early", ADAGRAD, ["Adagrad lr decay"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    self.steps += 1
    original(self, data, grad, state, group)
    self.steps -= 1


@plant("Adagrad starts at zero", ADAGRAD, ["Adagrad initial accumulator"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    if self.steps == 1:
        state["sum"][...] = 0
    original(self, data, grad, state, group)


@plant("Adadelta epsilon outside the roots", ADADELTA, ["Adadelta"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    old = state.get("acc_delta", np.zeros_like(data)).copy()
    original(self, data.copy(), grad, state, group)
    eps = group["eps"]
    data -= group["lr"] * (np.sqrt(old) + eps) / (np.sqrt(state["square_avg"]) + eps) * grad


@plant("Adadelta remembers the gradient for the step", ADADELTA, ["Adadelta"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    old = state.get("acc_delta", np.zeros_like(data)).copy()
    original(self, data, grad, state, group)
    state["acc_delta"] = group["rho"] * old + (1 - group["rho"]) * grad * grad


@plant("the book's RMSprop with the epsilon outside", BOOK_RMSPROP, ["BookRMSprop"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data.copy(), grad, state, group)
    data -= group["lr"] * grad / (np.sqrt(state["square_avg"]) + group["eps"])


@plant("the book's RMSprop divides by the old mean", BOOK_RMSPROP, ["BookRMSprop"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    old = state.get("square_avg", np.zeros_like(data)).copy()
    original(self, data.copy(), grad, state, group)
    data -= group["lr"] * grad / np.sqrt(old + group["eps"])


@plant("the book's velocity with the rate outside", BOOK_SGD, ["StepLR with BookSGD"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    rate = group["lr"]
    shadow = np.zeros_like(data)
    original(self, shadow, grad, state, {**group, "lr": 1.0})
    data += rate * shadow


@plant("the book's NAG with the old velocity", BOOK_SGD, ["BookSGD nesterov"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, grad, state, {**group, "nesterov": False})


@plant("the book's momentum as a running mean", BOOK_SGD, ["BookSGD"], "step")
def _(original: Any, self: Any, data: Array, grad: Array, state: Slots, group: Group) -> None:
    original(self, data, (1 - group["momentum"]) * grad, state, group)


@plant("clipping without 1e-6", CLIP, ["SGD clipped"], "step")
def _(original: Any, parameters: Any, max_norm: float, **options: Any) -> Any:
    kept = [(parameter, parameter.grad) for parameter in parameters]
    total = original([parameter for parameter, _ in kept], max_norm, **options)
    for parameter, gradient in kept:
        parameter.grad = gradient * min(1.0, max_norm / total)
    return total


@plant("clipping of each gradient alone", CLIP, ["SGD clipped"], "step")
def _(original: Any, parameters: Any, **options: Any) -> Any:
    return [original([parameter], **options) for parameter in parameters]


@plant("clipping stretches short gradients", CLIP, ["SGD within the norm"], "step")
def _(original: Any, parameters: Any, max_norm: float, **options: Any) -> Any:
    kept = list(parameters)
    total = original(kept, max_norm, **options)
    for parameter in kept:
        parameter.grad = parameter.grad * max(1.0, max_norm / total)
    return total


def _late(original: Any, self: Any, base: float, group: Group) -> float:
    self.last_epoch -= 1
    rate = original(self, base, group)
    self.last_epoch += 1
    return float(rate)


for _kind in ("MultiStepLR", "PolynomialLR", "LinearLR", "InverseLR"):
    plant(
        f"schedule off by one: {_kind}",
        f"schedule.{_kind}._next",
        [_kind],
        "step group 0 lr",
    )(_late)


@plant(
    "schedule off by one: exponential",
    "schedule.ExponentialLR._next",
    ["ExponentialLR"],
    "step group 0 lr",
)
def _(original: Any, self: schedule.ExponentialLR, base: float, group: Group) -> float:
    return float(group["lr"]) if self.last_epoch == 1 else float(original(self, base, group))


@plant(
    "warm-up begins with the full rate",
    "schedule.LinearLR._first",
    ["LinearLR", "SequentialLR"],
    "step group 0 lr",
)
def _(original: Any, self: schedule.LinearLR, group: Group) -> float:
    return float(group["lr"])


@plant(
    "the second schedule goes on from the warm-up's rate",
    "schedule.CosineAnnealingLR._at_zero",
    ["SequentialLR"],
    "step group 0 lr",
)
def _(original: Any, self: schedule.CosineAnnealingLR, base: float) -> float:
    return float(self.optimizer.param_groups[0]["lr"]) / 2


@plant("schedules change over one epoch late", "schedule.SequentialLR.step", ["SequentialLR"],
       "step group 0 lr")  # fmt: skip
def _(original: Any, self: schedule.SequentialLR) -> None:
    milestones, self.milestones = self.milestones, [m + 1 for m in self.milestones]
    original(self)
    self.milestones = milestones
