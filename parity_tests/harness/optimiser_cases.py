"""The optimisers and schedules, each in the settings in which they go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "SGD": dict(momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False),
    "Adam": dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False),
    "AdamW": dict(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, amsgrad=False),
    "Adagrad": dict(lr_decay=0.0, eps=1e-10, weight_decay=0.0, initial_accumulator_value=0.0),
    "Adadelta": dict(rho=0.9, eps=1e-6, weight_decay=0.0),
    "BookSGD": dict(momentum=0.9, dampening=0.0, weight_decay=0.0, nesterov=False),
    "BookRMSprop": dict(alpha=0.9, eps=1e-6, weight_decay=0.0, momentum=0.0, centered=False),
    "RMSprop": dict(alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False),
}

SCALES = (1.0, 1e-3, 1e-6, 1e-8, 1e-10, 0.0)  # of the gradients, one row of a parameter each
STARTS: Mapping[str, int] = {"moved": 7, "from zero": 5}  # parameters of a group: entries per row


@dataclass(frozen=True)
class Lane:
    """One gradient scale of one parameter.

    Attributes:
        name: in reports.
        parameter: its number through all groups.
        row: which of its rows.
        fed: whether the moments can differ from zero.
        moves: whether the parameter can change.
        from_zero: whether it starts at zero.
    """

    name: str
    parameter: int
    row: int
    fed: bool
    moves: bool
    from_zero: bool


@dataclass(frozen=True)
class Case:
    """One optimiser in one setting, with or without a schedule.

    Attributes:
        optimizer: class name, the same in both twins.
        options: constructor keywords.
        groups: options of each parameter group that differ from the constructor's.
        schedule: class name of a schedule, "" for none.
        schedule_args: its constructor keywords.
        forced: step 1000 is made from the reference's state at step 999. Adam divides a decay in
            the gradient by its own size, so a parameter that has decayed to nothing swings about
            zero and amplifies rounding: torch's own run would not repeat on another machine.
        clip: largest norm of all gradients, 0 for no clipping.
        norm: its order.
    """

    optimizer: str
    options: Mapping[str, Any]
    groups: tuple[Mapping[str, Any], ...] = ({},)
    schedule: str = ""
    schedule_args: Mapping[str, Any] = field(default_factory=dict)
    forced: bool = False
    clip: float = 0.0
    norm: float = 2.0

    @property
    def decoupled(self) -> bool:
        """Whether weight decay acts on the parameter instead of on the gradient."""
        return self.optimizer == "AdamW"

    def all_options(self) -> list[dict[str, Any]]:
        """Return every option of every group, defaults included."""
        return [{**_DEFAULTS[self.optimizer], **self.options, **group} for group in self.groups]

    def lanes(self) -> list[Lane]:
        """Return every gradient scale of every parameter, in the order of the parameters."""
        found = []
        for group, options in enumerate(self.all_options()):
            prefix = f"group {group}, " if len(self.groups) > 1 else ""
            for offset, start in enumerate(STARTS):
                decays = options["weight_decay"] != 0 and start == "moved"
                for row, scale in enumerate(SCALES):
                    found.append(
                        Lane(
                            f"{prefix}gradient {scale:g}, {start}",
                            group * len(STARTS) + offset,
                            row,
                            bool(scale) or (decays and not self.decoupled),
                            bool(scale) or decays,
                            start == "from zero",
                        )
                    )
        return found


def _sgd(**options: Any) -> Case:
    return Case("SGD", {"lr": 0.01, **options})


def _adaptive(name: str) -> dict[str, Case]:
    fed_back = name == "Adam"

    def case(forced: bool = False, **options: Any) -> Case:
        return Case(name, {"lr": 1e-3, **options}, forced=forced)

    two: tuple[Mapping[str, Any], ...] = (
        {},
        {"lr": 5e-4, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.3},
    )
    return {
        name: case(),
        f"{name} weight decay": case(fed_back, weight_decay=0.05),
        f"{name} amsgrad": case(amsgrad=True),
        f"{name} amsgrad weight decay": case(amsgrad=True, weight_decay=0.05),
        f"{name} betas (0.3, 0.9)": case(betas=(0.3, 0.9)),
        f"{name} betas (0, 0.5) weight decay": case(betas=(0.0, 0.5), weight_decay=0.05),
        f"{name} eps 1e-3": case(eps=1e-3),
        f"{name} eps 1e-12": case(eps=1e-12),
        f"{name} maximize": case(fed_back, maximize=True, weight_decay=0.05),
        f"{name} groups": Case(name, {"lr": 1e-3}, two, forced=fed_back),
    }


_MOMENTUM: Mapping[str, Any] = {"lr": 0.01, "momentum": 0.9}
_NESTEROV: Mapping[str, Any] = {**_MOMENTUM, "nesterov": True}
_STEP: Mapping[str, Any] = {"step_size": 3, "gamma": 0.8}
_COSINE: Mapping[str, Any] = {"T_max": 30, "eta_min": 1e-4}
_TWO: tuple[Mapping[str, Any], ...] = (
    {},
    {"lr": 0.002, "momentum": 0.5, "nesterov": True, "weight_decay": 0.3},
)

FIRST: Mapping[str, Case] = {
    "SGD": _sgd(),
    "SGD weight decay": _sgd(weight_decay=0.05),
    "SGD momentum": _sgd(momentum=0.9),
    "SGD momentum weight decay": _sgd(momentum=0.9, weight_decay=0.05),
    "SGD momentum dampening": _sgd(momentum=0.9, dampening=0.3),
    "SGD momentum dampening weight decay": _sgd(momentum=0.9, dampening=0.3, weight_decay=0.05),
    "SGD momentum nesterov": _sgd(momentum=0.9, nesterov=True),
    "SGD momentum nesterov weight decay": _sgd(momentum=0.9, nesterov=True, weight_decay=0.05),
    "SGD maximize": _sgd(momentum=0.5, weight_decay=0.05, maximize=True),
    "SGD groups": Case("SGD", _MOMENTUM, _TWO),
    **_adaptive("Adam"),
    **_adaptive("AdamW"),
    "AdamW no weight decay": Case("AdamW", {"lr": 1e-3, "weight_decay": 0.0}),
    "StepLR": Case("SGD", {"lr": 0.01}, ({},), "StepLR", _STEP),
    "StepLR with SGD momentum": Case("SGD", _MOMENTUM, ({},), "StepLR", _STEP),
    "StepLR with SGD groups": Case("SGD", _MOMENTUM, _TWO, "StepLR", _STEP),
    "CosineAnnealingLR": Case("SGD", {"lr": 0.01}, ({},), "CosineAnnealingLR", {"T_max": 50}),
    "CosineAnnealingLR with SGD momentum": Case(
        "SGD", _MOMENTUM, ({},), "CosineAnnealingLR", _COSINE
    ),
    "CosineAnnealingLR with SGD momentum nesterov": Case(
        "SGD", _NESTEROV, ({},), "CosineAnnealingLR", _COSINE
    ),
    "CosineAnnealingLR with AdamW": Case(
        "AdamW", {"lr": 0.01, "weight_decay": 0.05}, ({},), "CosineAnnealingLR", {"T_max": 8}
    ),
}
