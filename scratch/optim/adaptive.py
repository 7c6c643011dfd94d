"""Rates that adapt to each parameter's gradients: Adagrad, Adadelta and RMSprop.

Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
optimization", 2011; Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1;
Hinton, "Neural networks for machine learning", lecture 6e, and for the centred form Graves,
"Generating sequences with recurrent neural networks", 2013, equations 38 to 41.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scratch.optim.base import Array, Group, Optimizer, between

if TYPE_CHECKING:
    from scratch.nn import Parameter


def _not_negative(group: Group, *names: str) -> None:
    for name in names:
        if not group[name] >= 0.0:
            said = "epsilon" if name == "eps" else name
            raise ValueError(f"Invalid {said} value: {group[name]}")


def _decayed(grad: Array, data: Array, group: Group) -> Array:
    decay = float(group["weight_decay"])
    return grad + decay * data if decay != 0 else grad


class Adagrad(Optimizer):
    """Divide by the root of the sum of all squared gradients so far.

    g = grad + weight_decay p; s = s + g^2; p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps).
    The book's AdaGrad is this with eps 1e-6.

    Args:
        params: parameters or groups.
        lr: learning rate.
        lr_decay: how fast the rate itself falls.
        weight_decay: L2 penalty, added to the gradient.
        initial_accumulator_value: where the sum starts.
        eps: keeps the denominator off zero; outside the root.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option.
    """

    _from_the_start: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        options = dict(lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)
        options["initial_accumulator_value"] = initial_accumulator_value
        super().__init__(params, {**options, "maximize": maximize})
        states = iter(self._state)
        for group in self.param_groups:
            for parameter in group["params"]:
                start = float(group["initial_accumulator_value"])
                next(states)["sum"] = np.full_like(parameter.data, start)

    def _check(self, group: Group) -> None:
        super()._check(group)
        _not_negative(group, "lr_decay", "initial_accumulator_value", "eps")

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("sum",)

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        grad = _decayed(grad, data, group)
        rate = float(group["lr"]) / (1 + (self.steps - 1) * float(group["lr_decay"]))
        state["sum"] += grad * grad
        data -= rate * grad / (np.sqrt(state["sum"]) + float(group["eps"]))


class Adadelta(Optimizer):
    """Divide by a running mean of squared gradients, multiply by one of squared steps.

    g = grad + weight_decay p; v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) g;
    u = rho u + (1 - rho) d^2; p = p - lr d. Both epsilons stand inside the root: u starts at zero,
    and without an epsilon nothing would ever move. The book's AdaDelta is this with lr 1 (it has
    no rate) and eps 1e-5.

    Args:
        params: parameters or groups.
        lr: factor of the step.
        rho: decay of both means, in [0, 1].
        eps: keeps both roots off zero.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descending.

    Raises:
        ValueError: an option out of its range.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        options = dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
        super().__init__(params, {**options, "maximize": maximize})

    def _check(self, group: Group) -> None:
        super()._check(group)
        _not_negative(group, "eps")
        if not 0.0 <= group["rho"] <= 1.0:
            raise ValueError(f"Invalid rho value: {group['rho']}")

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        rho, eps = float(group["rho"]), float(group["eps"])
        grad = _decayed(grad, data, group)
        for slot in self._slots(group):
            state.setdefault(slot, np.zeros_like(data))
        state["square_avg"] *= rho
        state["square_avg"] += (1 - rho) * grad * grad
        delta = np.sqrt(state["acc_delta"] + eps) / np.sqrt(state["square_avg"] + eps) * grad
        state["acc_delta"] *= rho
        state["acc_delta"] += (1 - rho) * delta * delta
        data -= float(group["lr"]) * delta


class RMSprop(Optimizer):
    """Divide by the root of a running mean of squared gradients.

    g = grad + weight_decay p; v = alpha v + (1 - alpha) g^2; s = sqrt(v) + eps, and when centred
    s = sqrt(v - a^2) + eps with a = alpha a + (1 - alpha) g; p = p - lr g / s, with momentum
    b = momentum b + g / s and p = p - lr b. The book's RMSProp has the
    epsilon inside the root: `BookRMSprop`.

    Args:
        params: parameters or groups.
        lr: learning rate.
        alpha: decay of the mean.
        eps: keeps the denominator off zero; outside the root.
        weight_decay: L2 penalty, added to the gradient.
        momentum: share of the old velocity that stays.
        centered: divide by the deviation instead of by the root mean square.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = dict(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        super().__init__(params, {**options, "centered": centered, "maximize": maximize})

    def _check(self, group: Group) -> None:
        super()._check(group)
        _not_negative(group, "eps", "momentum", "alpha")

    def _slots(self, group: Group) -> tuple[str, ...]:
        momentum = ("momentum_buffer",) if group["momentum"] > 0 else ()
        return ("square_avg", *momentum, *(("grad_avg",) if group["centered"] else ()))

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        alpha, momentum = float(group["alpha"]), float(group["momentum"])
        grad = _decayed(grad, data, group)
        for slot in self._slots(group):
            state.setdefault(slot, np.zeros_like(data))
        state["square_avg"] *= alpha
        state["square_avg"] += (1 - alpha) * grad * grad
        mean_square = state["square_avg"]
        if group["centered"]:
            state["grad_avg"][...] = between(state["grad_avg"], grad, 1 - alpha)
            mean_square = mean_square - state["grad_avg"] * state["grad_avg"]
        step = grad / (np.sqrt(mean_square) + float(group["eps"]))
        if momentum > 0:
            state["momentum_buffer"] *= momentum
            state["momentum_buffer"] += step
            step = state["momentum_buffer"]
        data -= float(group["lr"]) * step
