"""The book's own forms of two optimisers (15.2 and 15.3), which torch does not have.

They are torch optimisers in their groups and their state, so schedules, checkpoints and Lightning
treat them like torch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class BookSGD(torch.optim.SGD):
    """Momentum and NAG with the rate inside the velocity.

    v = momentum v + lr g; p = p - v, with Nesterov p = p - lr g - momentum v. Torch's own SGD keeps
    the rate outside: the same until a schedule changes it.

    Args:
        params: parameters or groups.
        lr: learning rate.
        momentum: share of the old velocity that stays.
        nesterov: the parameters are where the gradient is taken, ahead along the velocity.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option, or Nesterov without momentum.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.9,
        nesterov: bool = False,
        *,
        weight_decay: float = 0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, momentum, 0, weight_decay, nesterov, maximize=maximize, foreach=False
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step; a closure is called first and its loss returned."""
        loss = _loss(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                pull = _gradient(parameter, group).mul(group["lr"])
                if not group["momentum"]:
                    parameter.sub_(pull)
                    continue
                slots = self.state[parameter]
                if "momentum_buffer" not in slots:
                    slots["momentum_buffer"] = torch.zeros_like(parameter)
                velocity = slots["momentum_buffer"].mul_(group["momentum"]).add_(pull)
                if group["nesterov"]:
                    pull.add_(velocity, alpha=group["momentum"])
                    parameter.sub_(pull)
                else:
                    parameter.sub_(velocity)
        return loss


class BookRMSprop(torch.optim.RMSprop):
    """RMSProp with the epsilon inside the root.

    v = alpha v + (1 - alpha) g^2; p = p - lr g / sqrt(v + eps). Torch's own divides by
    sqrt(v) + eps, which makes larger steps of gradients below sqrt(eps).

    Args:
        params: parameters or groups.
        lr: learning rate.
        alpha: decay of the mean.
        eps: keeps the denominator off zero.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, alpha, eps, weight_decay, maximize=maximize, foreach=False)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step; a closure is called first and its loss returned."""
        loss = _loss(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                slots = self.state[parameter]
                if not slots:
                    slots["step"] = torch.zeros(())
                    slots["square_avg"] = torch.zeros_like(parameter)
                slots["step"] += 1
                gradient = _gradient(parameter, group)
                mean = slots["square_avg"]
                mean.mul_(group["alpha"]).addcmul_(gradient, gradient, value=1 - group["alpha"])
                root = mean.add(group["eps"]).sqrt_()
                parameter.addcdiv_(gradient, root, value=-group["lr"])
        return loss


def _loss(closure: Callable[[], Any] | None) -> Any:
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def _gradient(parameter: Tensor, group: dict[str, Any]) -> Tensor:
    assert parameter.grad is not None
    gradient = parameter.grad.neg() if group["maximize"] else parameter.grad
    return gradient.add(parameter, alpha=group["weight_decay"])
