"""From the words of the spec to torch's losses, optimisers and schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from ref_torch import nn as own
from ref_torch.book_optim import BookRMSprop, BookSGD
from ref_torch.schedule import InverseLR
from ref_torch.weighted import WeightedLoss
from scratch.spec.errors import unknown
from scratch.spec.schema import Train

OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
    "Adagrad": torch.optim.Adagrad,
    "Adadelta": torch.optim.Adadelta,
    "RMSprop": torch.optim.RMSprop,
    "BookSGD": BookSGD,
    "BookRMSprop": BookRMSprop,
}
SCHEDULES: Mapping[str, Callable[..., LRScheduler]] = {
    "StepLR": lr_scheduler.StepLR,
    "MultiStepLR": lr_scheduler.MultiStepLR,
    "ExponentialLR": lr_scheduler.ExponentialLR,
    "PolynomialLR": lr_scheduler.PolynomialLR,
    "CosineAnnealingLR": lr_scheduler.CosineAnnealingLR,
    "LinearLR": lr_scheduler.LinearLR,
    "InverseLR": InverseLR,
    "SequentialLR": lr_scheduler.SequentialLR,
}
LOSSES: Mapping[str, type[nn.Module]] = {
    "MSELoss": nn.MSELoss,
    "HalfMSELoss": own.HalfMSELoss,
    "BCEWithLogitsLoss": nn.BCEWithLogitsLoss,
    "CrossEntropyLoss": nn.CrossEntropyLoss,
    "TanhCrossEntropyLoss": own.TanhCrossEntropyLoss,
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


def build_schedule(train: Train, optimizer: torch.optim.Optimizer) -> LRScheduler | None:
    """Return the schedule that the spec names (stepped once per epoch), None if it names none.

    Raises:
        UserError: the spec names a schedule that does not exist.
    """
    if not train.schedule:
        return None
    return make_schedule(train.schedule, train.schedule_args, optimizer)


def make_schedule(
    name: str, arguments: Mapping[str, Any], optimizer: torch.optim.Optimizer
) -> LRScheduler:
    """Return a schedule by name.

    Args:
        name: key of `SCHEDULES`.
        arguments: its keywords; the `schedulers` of a SequentialLR as (name, arguments) pairs.
        optimizer: whose rate it changes.

    Raises:
        UserError: no such schedule.
    """
    if name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    given = dict(arguments)
    if "schedulers" in given:
        given["schedulers"] = [
            make_schedule(kind, options, optimizer) for kind, options in given["schedulers"]
        ]
    return SCHEDULES[name](optimizer, **given)


def build_loss(train: Train) -> nn.Module:
    """Return the loss that the spec names, of every output that it weighs.

    Raises:
        UserError: the spec names a loss that does not exist.
    """
    if train.loss not in LOSSES:
        raise unknown("loss", train.loss, LOSSES)
    loss = LOSSES[train.loss]()
    return WeightedLoss(loss, train.loss_weights) if train.loss_weights else loss
