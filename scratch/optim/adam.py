"""Adaptive moments: Adam and AdamW.

Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1; Loshchilov and
Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from scratch.optim.base import Array, Group, Optimizer, between

if TYPE_CHECKING:
    from scratch.nn import Parameter


class Adam(Optimizer):
    """Adaptive moments.

    g = grad + weight_decay p; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
    p = p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps). The epsilon is added after the
    bias correction; with `amsgrad` v is replaced by the largest v so far.

    Args:
        params: parameters or groups.
        lr: learning rate.
        betas: decay of the first and of the second moment, in [0, 1).
        eps: keeps the denominator off zero.
        weight_decay: L2 penalty, added to the gradient.
        amsgrad: use the largest second moment so far.
        maximize: climb instead of descending.

    Raises:
        ValueError: an option out of its range.
    """

    _decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)
        super().__init__(params, {**options, "maximize": maximize})

    def _check(self, group: Group) -> None:
        super()._check(group)
        if not group["eps"] >= 0.0:
            raise ValueError(f"Invalid epsilon value: {group['eps']}")
        for index, beta in enumerate(group["betas"]):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")

    def _slots(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq") + (("max_exp_avg_sq",) if group["amsgrad"] else ())

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        lr, decay = float(group["lr"]), float(group["weight_decay"])
        beta1, beta2 = (float(beta) for beta in group["betas"])
        for slot in self._slots(group):
            state.setdefault(slot, np.zeros_like(data))
        if decay != 0 and self._decoupled:
            data *= 1 - lr * decay
        elif decay != 0:
            grad = grad + decay * data
        state["exp_avg"][...] = between(state["exp_avg"], grad, 1 - beta1)
        state["exp_avg_sq"] *= beta2
        state["exp_avg_sq"] += (1 - beta2) * grad * grad
        second = state["exp_avg_sq"]
        if group["amsgrad"]:
            np.maximum(state["max_exp_avg_sq"], second, out=state["max_exp_avg_sq"])
            second = state["max_exp_avg_sq"]
        step_size = lr / (1 - beta1**self.steps)
        denominator = np.sqrt(second) / (1 - beta2**self.steps) ** 0.5 + float(group["eps"])
        data -= step_size * state["exp_avg"] / denominator


class AdamW(Adam):
    """Adam with decoupled weight decay: p = p (1 - lr weight_decay) before Adam's step.

    Arguments and errors are those of `Adam`, apart from the default of `weight_decay`.
    """

    _decoupled: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
