"""Optimisers that mean exactly what torch's mean: SGD, Adam and AdamW.

They read `Parameter.grad` and write into `Parameter.data` in place. Formulas: torch.optim's
documentation; Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1;
Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from scratch.nn import Parameter

Array = np.ndarray[Any, np.dtype[Any]]
Group = dict[str, Any]


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
        for parameter in self._parameters():
            parameter.zero_grad()

    def step(self) -> None:
        """Update every parameter once, in place, from its gradient."""
        self.steps += 1
        states = iter(self._state)
        # As in torch, an overflow gives inf and 0/0 gives NaN; the training loop watches for them.
        with np.errstate(all="ignore"):
            for group in self.param_groups:
                for parameter in group["params"]:
                    grad = -parameter.grad if group["maximize"] else parameter.grad
                    self._update(parameter.data, grad, next(states), group)

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
                for slot in self._slots(group) if steps else ():
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
                dtype = self._parameters()[int(owner)].data.dtype
                self._state[int(owner)][name] = state[key].astype(dtype)


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov momentum and weight decay.

    g = grad + weight_decay p; v = momentum v + (1 - dampening) g, and v = g at the first step;
    p = p - lr v, with Nesterov p = p - lr (g + momentum v).

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
            if "momentum_buffer" in state:
                state["momentum_buffer"] *= momentum
                state["momentum_buffer"] += (1 - float(group["dampening"])) * grad
            else:
                state["momentum_buffer"] = np.array(grad)
            velocity = state["momentum_buffer"]
            grad = grad + momentum * velocity if group["nesterov"] else velocity
        data -= float(group["lr"]) * grad


def _between(start: Array, end: Array, weight: float) -> Array:
    """Return start + weight (end - start), rounded so that weight 1 gives exactly the end."""
    if weight < 0.5:
        return start + weight * (end - start)
    return end - (end - start) * (1 - weight)


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
        state["exp_avg"][...] = _between(state["exp_avg"], grad, 1 - beta1)
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
