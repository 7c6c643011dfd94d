"""Faults of the softer rectifiers, the gates, the book's curves, the powers and the tanh loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

LEAKY, LEAKY_BACK = "ops.rectifiers.leaky_relu", "ops.rectifiers.leaky_relu_backward"
ELU, ELU_BACK = "ops.rectifiers.elu", "ops.rectifiers.elu_backward"
SOFTPLUS, SOFTPLUS_BACK = "ops.rectifiers.softplus", "ops.rectifiers.softplus_backward"
GELU, GELU_BACK = "ops.gates.gelu", "ops.gates.gelu_backward"
SILU, SILU_BACK = "ops.gates.silu", "ops.gates.silu_backward"
BENT, BENT_BACK = "ops.curves.bent_identity", "ops.curves.bent_identity_backward"
POWERS, POWERS_BACK = "ops.curves.powers", "ops.curves.powers_backward"
LOSS, LOSS_BACK = "ops.tanh_loss.tanh_cross_entropy", "ops.tanh_loss.tanh_cross_entropy_backward"


@plant("LeakyReLU slope at 0", LEAKY_BACK, ["LeakyReLU"], "backward dx", remembers=LEAKY)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return np.where(call.x == 0, dy, original(dy, cache))


@plant("LeakyReLU as max(x, s x)", LEAKY, ["LeakyReLU"], "forward output")
def _(original: Any, x: Array, negative_slope: float) -> Any:
    return -original(-x, 1 / negative_slope)[0] * negative_slope, original(x, negative_slope)[1]


@plant("LeakyReLU slope forgotten in dx", LEAKY_BACK, ["LeakyReLU"], "backward dx", remembers=LEAKY)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * (call.x > 0)


@plant("ELU as exp(x) - 1", ELU, ["ELU"], "forward output")
def _(original: Any, x: Array, alpha: float) -> Any:
    y, cache = original(x, alpha)
    near = (x < 0) & (x > -0.5)
    return np.where(near, (alpha * (np.exp(x, where=near) - 1) + 8) - 8, y).astype(x.dtype), cache


@plant("ELU alpha inside the exponential", ELU, ["ELU"], "forward output")
def _(original: Any, x: Array, alpha: float) -> Any:
    return original(np.where(x > 0, x, alpha * x), 1.0)[0], original(x, alpha)[1]


@plant("ELU slope 1 at 0 for any alpha", ELU_BACK, ["ELU"], "backward dx", remembers=ELU)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return np.where(call.x == 0, dy, original(dy, cache))


@plant("ELU slope y instead of y + alpha", ELU_BACK, ["ELU"], "backward dx", remembers=ELU)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * np.where(call.x > 0, dy.dtype.type(1), call.y)


@plant("softplus as log(1 + exp(x))", SOFTPLUS, ["Softplus"], "forward output")
def _(original: Any, x: Array, beta: float, threshold: float) -> Any:
    _, cache = original(x, beta, threshold)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.log1p(np.exp(x * beta)) / beta, cache


@plant("softplus not divided by beta", SOFTPLUS, ["Softplus"], "forward output")
def _(original: Any, x: Array, beta: float, threshold: float) -> Any:
    y, cache = original(x, beta, threshold)
    return y * x.dtype.type(beta), cache


@plant("softplus threshold on x instead of beta x", SOFTPLUS, ["Softplus"], "forward output")
def _(original: Any, x: Array, beta: float, threshold: float) -> Any:
    return original(x, beta, threshold * beta)


@plant("softplus beta in the slope", SOFTPLUS_BACK, ["Softplus"], "backward dx", remembers=SOFTPLUS)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return original(dy, cache) * dy.dtype.type(call.beta)


@plant("GELU by tanh where erf is meant", GELU, ["GELU"], "forward output")
def _(original: Any, x: Array, approximate: str) -> Any:
    return original(x, "tanh")[0], original(x, approximate)[1]


@plant("GELU as x sigmoid(1.702 x)", GELU, ["GELU"], "forward output")
def _(original: Any, x: Array, approximate: str) -> Any:
    return x / (1 + np.exp(np.minimum(-1.702 * x, 80))), original(x, approximate)[1]


@plant("GELU erf of x instead of x / sqrt 2", GELU, ["GELU"], "forward output")
def _(original: Any, x: Array, approximate: str) -> Any:
    root = x.dtype.type(math.sqrt(2))
    return original(x * root, approximate)[0] / root, original(x, approximate)[1]


@plant("GELU slope without the density", GELU_BACK, ["GELU"], "backward dx", remembers=GELU)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * np.where(call.x == 0, 0.5, call.y / np.where(call.x == 0, 1, call.x))


@plant("SiLU slope without the inner term", SILU_BACK, ["SiLU"], "backward dx", remembers=SILU)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * np.where(call.x == 0, 0.5, call.y / np.where(call.x == 0, 1, call.x))


@plant("SiLU as x exp(x) / (1 + exp(x))", SILU, ["SiLU"], "forward output")
def _(original: Any, x: Array) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        return x * (np.exp(x) / (1 + np.exp(x))), original(x)[1]


@plant("step 1 at 0", "ops.curves.step", ["Step"], "forward output")
def _(original: Any, x: Array) -> Any:
    return (x >= 0).astype(x.dtype), original(x)[1]


@plant("step lets the gradient through", "ops.curves.step_backward", ["Step"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return dy.copy()


@plant("bent identity without the half", BENT, ["BentIdentity"], "forward output")
def _(original: Any, x: Array) -> Any:
    y, cache = original(x)
    return 2 * y - x, cache


@plant("bent identity slope without the line", BENT_BACK, ["BentIdentity"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return original(dy, cache) - dy


@plant("powers from x^0", POWERS, ["Powers"], "forward output")
def _(original: Any, x: Array, degree: int) -> Any:
    y, cache = original(x, degree)
    return y / x.dtype.type(1) if degree == 1 else np.c_[np.ones_like(x), y[:, :-1]], cache


@plant("exponent forgotten in the slope", POWERS_BACK, ["Powers"], "backward dx", remembers=POWERS)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    exponents = np.arange(1, dy.shape[1] + 1).astype(dy.dtype)
    return original(dy / exponents, cache)


@plant("slope of x^n alone", POWERS_BACK, ["Powers"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    last = np.zeros_like(dy)
    last[:, -1] = dy[:, -1]
    return original(last, cache)


@plant("tanh loss without its factor 2", LOSS, ["TanhCrossEntropyLoss"], "forward output")
def _(original: Any, x: Array, target: Array) -> Any:
    value, cache = original(x, target)
    return value / x.dtype.type(2), cache


@plant("tanh loss gradient a - y", LOSS_BACK, ["TanhCrossEntropyLoss"], "backward dx")
def _(original: Any, d_loss: Any, cache: Any) -> Any:
    dx = original(d_loss, cache)
    return dx / dx.dtype.type(2)


@plant("tanh loss of rounded probabilities", LOSS, ["TanhCrossEntropyLoss"], "forward output")
def _(original: Any, x: Array, target: Array) -> Any:
    a = np.tanh(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = (1 + target) * np.log((1 + a) / 2) + (1 - target) * np.log((1 - a) / 2)
    return -losses.sum() / x.dtype.type(len(x)), original(x, target)[1]


@plant("tanh loss mean over all values", LOSS, ["TanhCrossEntropyLoss"], "forward output")
def _(original: Any, x: Array, target: Array) -> Any:
    value, cache = original(x, target)
    return value / x.dtype.type(x.size // len(x)), cache
