"""What one optimiser step adds up, in absolute values: the magnitudes of its rounding errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness import bounds

Array = np.ndarray[Any, np.dtype[Any]]
Slots = Mapping[str, Array]


def units(
    optimizer: str,
    options: Mapping[str, Any],
    p: Array,
    gradient: Array,
    before: Slots,
    after: Slots,
    t: int,
) -> tuple[Array, dict[str, Array]]:
    """Return the units of new minus old, and of every moment.

    Args:
        optimizer: class name.
        options: of the parameter's group.
        p: the parameter before the step.
        gradient: given to it.
        before: moments before the step.
        after: moments after the step, in float64.
        t: number of the step, from 1.
    """
    g = np.abs(gradient)
    decoupled = optimizer == "AdamW"
    if not decoupled:
        g = g + options["weight_decay"] * np.abs(p)
    if "betas" in options:
        step, moments = _adaptive(options, g, before, after, t)
    elif "lr_decay" in options:
        step, moments = _adagrad(options, g, before, after, t)
    elif "rho" in options:
        step, moments = _adadelta(options, g, before, after)
    elif "alpha" in options:
        step, moments = _rmsprop(options, g, before, after, optimizer == "BookRMSprop")
    elif optimizer == "BookSGD":
        step, moments = _rate_inside(options, g, before)
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


def _rate_inside(
    options: Mapping[str, Any], g: Array, before: Slots
) -> tuple[Array, dict[str, Array]]:
    momentum, pull = options["momentum"], options["lr"] * g
    if momentum == 0:
        return pull, {}
    velocity = momentum * np.abs(before.get("momentum_buffer", np.zeros_like(g))) + pull
    step = pull + momentum * velocity if options["nesterov"] else velocity
    return step, {"momentum_buffer": bounds.moment(velocity)}


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


def _doubt(magnitude: Array, true: Array) -> Array:
    """Return by how much a sum is less certain than its own size."""
    return np.divide(magnitude, true, out=np.ones_like(magnitude), where=true > 0)


def _adagrad(
    options: Mapping[str, Any], g: Array, before: Slots, after: Slots, t: int
) -> tuple[Array, dict[str, Array]]:
    total = before["sum"] + g * g
    rate = options["lr"] / (1 + (t - 1) * options["lr_decay"])
    root = np.sqrt(after["sum"]) + options["eps"]
    step = rate * g / root * _doubt(total, after["sum"])
    return step, {"sum": bounds.moment(total, 2)}


def _adadelta(
    options: Mapping[str, Any], g: Array, before: Slots, after: Slots
) -> tuple[Array, dict[str, Array]]:
    rho, eps = options["rho"], options["eps"]
    zero = np.zeros_like(g)
    v = rho * before.get("square_avg", zero) + (1 - rho) * g * g
    old = before.get("acc_delta", zero)
    certain = after["square_avg"] + eps
    delta = np.sqrt(old + eps) / np.sqrt(certain) * g * _doubt(v + eps, certain)
    u = rho * old + (1 - rho) * delta * delta
    # The step carries the roots of two moments and four roundings: its square, twice as many.
    return options["lr"] * delta, {
        "square_avg": bounds.moment(v, 2),
        "acc_delta": bounds.moment(u, 4),
    }


def _rmsprop(
    options: Mapping[str, Any], g: Array, before: Slots, after: Slots, inside: bool
) -> tuple[Array, dict[str, Array]]:
    alpha, momentum = options["alpha"], options["momentum"]
    zero = np.zeros_like(g)
    v = alpha * before.get("square_avg", zero) + (1 - alpha) * g * g
    moments = {"square_avg": bounds.moment(v, 2)}
    true = after["square_avg"]
    if options["centered"]:
        mean = alpha * np.abs(before.get("grad_avg", zero)) + (1 - alpha) * g
        moments["grad_avg"] = bounds.moment(mean)
        true = true - after["grad_avg"] ** 2
        v = v + mean * mean
    eps = options["eps"]
    if inside:
        return options["lr"] * g / np.sqrt(true + eps) * _doubt(v + eps, true + eps), moments
    step = g / (np.sqrt(true) + eps) * _doubt(v, true)
    if momentum > 0:
        step = momentum * np.abs(before.get("momentum_buffer", zero)) + step
        moments["momentum_buffer"] = bounds.moment(step, 2)  # half from the root of v
    return options["lr"] * step, moments
