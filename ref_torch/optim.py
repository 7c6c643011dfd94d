"""From the words of the spec to torch's losses, optimisers and schedules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from ref_torch import nn as own
from scratch.spec.errors import unknown
from scratch.spec.schema import Train

OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}
SCHEDULES: Mapping[str, type[torch.optim.lr_scheduler.LRScheduler]] = {
    "StepLR": torch.optim.lr_scheduler.StepLR,
    "CosineAnnealingLR": torch.optim.lr_scheduler.CosineAnnealingLR,
}
LOSSES: Mapping[str, type[nn.Module]] = {
    "MSELoss": nn.MSELoss,
    "HalfMSELoss": own.HalfMSELoss,
    "BCEWithLogitsLoss": nn.BCEWithLogitsLoss,
    "CrossEntropyLoss": nn.CrossEntropyLoss,
}


def build_optimizer(train: Train, params: Iterable[Any]) -> torch.optim.Optimizer:
    """Return the optimiser that the spec names.

    Args:
        train: hyper-parameters of a chapter.
        params: parameters, or parameter groups as torch takes them.

    Raises:
        UserError: the spec names an optimiser that does not exist.
    """
    if train.optimizer not in OPTIMIZERS:
        raise unknown("optimizer", train.optimizer, OPTIMIZERS)
    return OPTIMIZERS[train.optimizer](params, lr=train.lr, **train.optimizer_args)  # type: ignore[call-arg]


def build_schedule(
    train: Train, optimizer: torch.optim.Optimizer
) -> torch.optim.lr_scheduler.LRScheduler | None:
    """Return the schedule that the spec names (stepped once per epoch), None if it names none.

    Raises:
        UserError: the spec names a schedule that does not exist.
    """
    if not train.schedule:
        return None
    if train.schedule not in SCHEDULES:
        raise unknown("schedule", train.schedule, SCHEDULES)
    return SCHEDULES[train.schedule](optimizer, **train.schedule_args)


def build_loss(train: Train) -> nn.Module:
    """Return the loss that the spec names.

    Raises:
        UserError: the spec names a loss that does not exist.
    """
    if train.loss not in LOSSES:
        raise unknown("loss", train.loss, LOSSES)
    return LOSSES[train.loss]()
