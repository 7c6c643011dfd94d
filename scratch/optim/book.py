"""The book's own forms of two optimisers (15.2 and 15.3), where they differ from torch's.

Its AdaGrad, AdaDelta and Adam are torch's with other arguments: `Adagrad(eps=1e-6)`,
`Adadelta(lr=1, eps=1e-5)` and `Adam()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from scratch.optim.adaptive import RMSprop
from scratch.optim.base import Array, Group
from scratch.optim.sgd import SGD

if TYPE_CHECKING:
    from scratch.nn import Parameter


def _without(group: Group, *names: str) -> None:
    for name in names:
        if group[name]:
            raise ValueError(f"the book's form has no {name}; got {group[name]}")


class BookSGD(SGD):
    """Momentum and NAG with the rate inside the velocity.

    g = grad + weight_decay p; v = momentum v + lr g; p = p - v, with Nesterov
    p = p - (lr g + momentum v). Torch's `SGD` multiplies the whole velocity by the rate of the
    moment; the two are the same until a schedule changes the rate, after which steps made earlier
    keep their old rate here and get the new one there.

    The book's NAG (15.2) has t, v = momentum v + lr grad(t - momentum v) and t = t - v. What is
    stored here is p = t - momentum v, the point where the gradient is taken; it moves by
    p' = t - v' - momentum v' = p + momentum v - v' - momentum v' = p - lr g - momentum v'.

    Args:
        params: parameters or groups.
        lr: learning rate.
        momentum: share of the old velocity that stays.
        nesterov: look ahead along the velocity.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option, or Nesterov without momentum.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        momentum: float = 0.9,
        nesterov: bool = False,
        *,
        weight_decay: float = 0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, momentum, 0, weight_decay, nesterov, maximize=maximize)

    def _check(self, group: Group) -> None:
        super()._check(group)
        _without(group, "dampening")

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        momentum, decay = float(group["momentum"]), float(group["weight_decay"])
        pull = float(group["lr"]) * (grad + decay * data if decay != 0 else grad)
        if momentum == 0:
            data -= pull
            return
        velocity = state.setdefault("momentum_buffer", np.zeros_like(data))
        velocity *= momentum
        velocity += pull
        data -= pull + momentum * velocity if group["nesterov"] else velocity


class BookRMSprop(RMSprop):
    """RMSProp with the epsilon inside the root.

    g = grad + weight_decay p; v = alpha v + (1 - alpha) g^2; p = p - lr g / sqrt(v + eps). Torch's
    `RMSprop` divides by sqrt(v) + eps: of a gradient far below sqrt(eps) it makes a step of about
    the full rate, this one a step in proportion to the gradient.

    Args:
        params: parameters or groups.
        lr: learning rate.
        alpha: decay of the mean.
        eps: keeps the denominator off zero; inside the root.
        weight_decay: L2 penalty, added to the gradient.
        maximize: climb instead of descending.

    Raises:
        ValueError: a negative option.
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-2,
        alpha: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, alpha, eps, weight_decay, maximize=maximize)

    def _check(self, group: Group) -> None:
        super()._check(group)
        _without(group, "momentum", "centered")

    def _update(self, data: Array, grad: Array, state: dict[str, Array], group: Group) -> None:
        alpha, decay = float(group["alpha"]), float(group["weight_decay"])
        grad = grad + decay * data if decay != 0 else grad
        square = state.setdefault("square_avg", np.zeros_like(data))
        square *= alpha
        square += (1 - alpha) * grad * grad
        data -= float(group["lr"]) * grad / np.sqrt(square + float(group["eps"]))
