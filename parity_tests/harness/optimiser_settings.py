"""Every case of L4: those of the first optimisers and schedules, and those of the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from parity_tests.harness.optimiser_cases import FIRST, Case

_SGD: Mapping[str, Any] = {"lr": 0.01}
_MOMENTUM: Mapping[str, Any] = {"lr": 0.01, "momentum": 0.9}
_TWO: tuple[Mapping[str, Any], ...] = ({}, {"lr": 0.002, "momentum": 0.5, "weight_decay": 0.3})


def _adagrad(**options: Any) -> Case:
    return Case("Adagrad", {"lr": 0.01, **options})


def _adadelta(forced: bool = False, **options: Any) -> Case:
    return Case("Adadelta", options, forced=forced)


def _rmsprop(forced: bool = False, **options: Any) -> Case:
    return Case("RMSprop", {"lr": 1e-3, **options}, forced=forced)


_FALLING: Mapping[str, Any] = {"step_size": 3, "gamma": 0.8}

_ADAPTIVE: Mapping[str, Case] = {
    "Adagrad": _adagrad(),
    "Adagrad weight decay": _adagrad(weight_decay=0.05),
    "Adagrad lr decay": _adagrad(lr_decay=0.01),
    "Adagrad initial accumulator": _adagrad(initial_accumulator_value=1e-18),
    "Adagrad eps 1e-6": _adagrad(eps=1e-6),
    "Adagrad maximize": _adagrad(maximize=True, weight_decay=0.05, lr_decay=0.01),
    "Adagrad groups": Case(
        "Adagrad", {"lr": 0.01}, ({}, {"lr": 0.1, "eps": 1e-3, "weight_decay": 0.3})
    ),
    "Adadelta": _adadelta(),
    "Adadelta weight decay": _adadelta(weight_decay=0.05),
    "Adadelta rho 0.5": _adadelta(rho=0.5),
    "Adadelta eps 1e-5": _adadelta(eps=1e-5, lr=0.5),
    "Adadelta eps 1e-12": _adadelta(eps=1e-12),
    "Adadelta maximize": _adadelta(maximize=True, weight_decay=0.05),
    "Adadelta groups": Case(
        "Adadelta", {}, ({}, {"lr": 0.3, "rho": 0.8, "eps": 1e-8, "weight_decay": 0.3})
    ),
    "RMSprop": _rmsprop(),
    "RMSprop weight decay": _rmsprop(True, weight_decay=0.05),
    "RMSprop alpha 0.9 eps 1e-6": _rmsprop(alpha=0.9, eps=1e-6),
    "RMSprop eps 1e-12": _rmsprop(eps=1e-12),
    "RMSprop momentum": _rmsprop(momentum=0.9),
    "RMSprop momentum weight decay": _rmsprop(True, momentum=0.9, weight_decay=0.05),
    "RMSprop centered": _rmsprop(centered=True),
    "RMSprop centered momentum": _rmsprop(centered=True, momentum=0.5),
    "RMSprop maximize": _rmsprop(True, maximize=True, weight_decay=0.05),
    "RMSprop groups": Case(
        "RMSprop",
        {"lr": 1e-3},
        ({}, {"lr": 5e-4, "alpha": 0.8, "eps": 1e-6, "momentum": 0.5}),
    ),
}

_BOOK: Mapping[str, Case] = {
    "BookSGD": Case("BookSGD", {"lr": 0.01}),
    "BookSGD nesterov": Case("BookSGD", {"lr": 0.01, "nesterov": True}),
    "BookSGD no momentum": Case("BookSGD", {"lr": 0.01, "momentum": 0.0}),
    "BookSGD maximize": Case("BookSGD", {"lr": 0.01, "weight_decay": 0.05, "maximize": True}),
    "BookSGD groups": Case(
        "BookSGD",
        {"lr": 0.01},
        ({}, {"lr": 0.002, "momentum": 0.5, "nesterov": True, "weight_decay": 0.3}),
    ),
    "StepLR with BookSGD": Case("BookSGD", {"lr": 0.01}, ({},), "StepLR", _FALLING),
    "StepLR with BookSGD nesterov": Case(
        "BookSGD", {"lr": 0.01, "nesterov": True}, ({},), "StepLR", _FALLING
    ),
    "BookRMSprop": Case("BookRMSprop", {"lr": 1e-3}),
    "BookRMSprop weight decay": Case("BookRMSprop", {"lr": 1e-3, "weight_decay": 0.05}),
    "BookRMSprop eps 1e-12": Case("BookRMSprop", {"lr": 1e-3, "eps": 1e-12}),
    "BookRMSprop maximize": Case(
        "BookRMSprop", {"lr": 1e-3, "maximize": True, "weight_decay": 0.05}
    ),
    "BookRMSprop groups": Case(
        "BookRMSprop", {"lr": 1e-3}, ({}, {"lr": 5e-4, "alpha": 0.8, "eps": 1e-4})
    ),
}

_CHAIN: Mapping[str, Any] = {
    "schedulers": (
        ("LinearLR", {"start_factor": 0.1, "total_iters": 4}),
        ("CosineAnnealingLR", {"T_max": 20, "eta_min": 1e-4}),
    ),
    "milestones": (5,),
}
_SCHEDULES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "MultiStepLR": ("MultiStepLR", {"milestones": (3, 10, 10, 40), "gamma": 0.5}),
    "ExponentialLR": ("ExponentialLR", {"gamma": 0.95}),
    "PolynomialLR": ("PolynomialLR", {"total_iters": 60}),
    "PolynomialLR power 2": ("PolynomialLR", {"total_iters": 55, "power": 2.0}),
    "LinearLR": ("LinearLR", {"start_factor": 0.1, "total_iters": 10}),
    "LinearLR to half": ("LinearLR", {"end_factor": 0.5, "total_iters": 60}),
    "InverseLR": ("InverseLR", {"gamma": 0.1}),
    "InverseLR power 0.75": ("InverseLR", {"gamma": 0.5, "power": 0.75}),
    "SequentialLR": ("SequentialLR", _CHAIN),
}

CASES: Mapping[str, Case] = {
    **FIRST,
    **_ADAPTIVE,
    **_BOOK,
    **{name: Case("SGD", _SGD, ({},), kind, args) for name, (kind, args) in _SCHEDULES.items()},
    **{
        f"{name} with SGD groups": Case("SGD", _MOMENTUM, _TWO, kind, args)
        for name, (kind, args) in _SCHEDULES.items()
    },
    "SGD clipped": Case("SGD", _SGD, clip=0.5),
    "SGD clipped by the largest": Case("SGD", _SGD, clip=0.5, norm=math.inf),
    "SGD clipped groups": Case("SGD", _SGD, ({}, {"lr": 0.1, "weight_decay": 0.05}), clip=0.1),
    "SGD within the norm": Case("SGD", _SGD, clip=1e3),
}
