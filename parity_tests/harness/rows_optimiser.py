"""What one optimiser step adds up, in absolute values: the magnitudes of its rounding errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness import bounds

Array = np.ndarray[Any, np.dtype[Any]]
Slots = Mapping[str, Array]


def units(
    options: Mapping[str, Any],
    decoupled: bool,
    p: Array,
    gradient: Array,
    before: Slots,
    after: Slots,
    t: int,
) -> tuple[Array, dict[str, Array]]:
    """Return the units of new minus old, and of every moment.

    Args:
        options: of the parameter's group.
        decoupled: whether weight decay acts on the parameter.
        p: the parameter before the step.
        gradient: given to it.
        before: moments before the step.
        after: moments after the step, in float64.
        t: number of the step, from 1.
    """
    g = np.abs(gradient)
    if not decoupled:
        g = g + options["weight_decay"] * np.abs(p)
    if "betas" in options:
        step, moments = _adaptive(options, g, before, after, t)
    else:
        step, moments = _momentum(options, g, before)
    return bounds.optimiser_step(p, step, decoupled), moments


def _momentum(
    options: Mapping[str, Any], g: Array, before: Slots
) -> tuple[Array, dict[str, Array]]:
    momentum = options["momentum"]
    if momentum == 0:
        return options["lr"] * g, {}
    velocity = g
    if before:
        velocity = momentum * np.abs(before["momentum_buffer"]) + (1 - options["dampening"]) * g
    step = g + momentum * velocity if options["nesterov"] else velocity
    return options["lr"] * step, {"momentum_buffer": bounds.moment(velocity)}


def _adaptive(
    options: Mapping[str, Any], g: Array, before: Slots, after: Slots, t: int
) -> tuple[Array, dict[str, Array]]:
    first, second = options["betas"]
    zero = np.zeros_like(g)
    m = first * np.abs(before.get("exp_avg", zero)) + (1 - first) * g
    v = second * before.get("exp_avg_sq", zero) + (1 - second) * g * g
    moments = {"exp_avg": bounds.moment(m), "exp_avg_sq": bounds.moment(v, 2)}
    slot = "exp_avg_sq"
    if options["amsgrad"]:
        slot = "max_exp_avg_sq"
        v = np.maximum(v, before.get(slot, zero))
        moments[slot] = bounds.moment(v, 2)
    true = after[slot]
    # Where gradient and decay cancel, v is less certain than its own size by this factor.
    doubt = np.divide(v, true, out=np.ones_like(v), where=true > 0)
    root = np.sqrt(true) / np.sqrt(1 - second**t) + options["eps"]
    return options["lr"] / (1 - first**t) * m / root * doubt, moments
