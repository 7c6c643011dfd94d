"""Stochastic gradient descent, plain or with momentum: torch.optim's documentation of SGD."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from scratch.optim.base import Array, Group, Optimizer

if TYPE_CHECKING:
    from scratch.nn import Parameter


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov momentum and weight decay.

    g = grad + weight_decay p; v = momentum v + (1 - dampening) g, and v = g at the first step;
    p = p - lr v, with Nesterov p = p - lr (g + momentum v).

    Textbooks keep the rate inside, v = momentum v - lr g and p = p + v: the same steps for as long
    as the rate does not change (`BookSGD`). Their Nesterov form takes the gradient at
    p + momentum v; in terms of that point it is the form above.

    Args:
        params: parameters or groups.
        lr: learning rate.
        momentum: share of the old velocity that stays.
        dampening: share of the gradient that does not enter the velocity (from step 2).
        weight_decay: L2 penalty, added to the gradient.
        nesterov: look ahead along the velocity.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option, or Nesterov without momentum or with dampening.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = dict(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        super().__init__(params, {**options, "nesterov": nesterov, "maximize": maximize})

    def _check(self, group: Group) -> None:
        super()._check(group)
        if not group["momentum"] >= 0.0:
            raise ValueError(f"Invalid momentum value: {group['momentum']}")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        momentum = float(group["momentum"])
        if group["weight_decay"] != 0:
            grad = grad + float(group["weight_decay"]) * data
        if momentum != 0:
            velocity = state.get("momentum_buffer")
            if velocity is not None:
                velocity *= momentum
                rest = 1 - float(group["dampening"])
                velocity += grad if rest == 1 else rest * grad
            else:
                velocity = state["momentum_buffer"] = np.array(grad)
            grad = grad + momentum * velocity if group["nesterov"] else velocity
        data -= float(group["lr"]) * grad
