"""Faults of the book's functions of one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

AFFINE, AFFINE_BACK = "ops.functions.affine", "ops.functions.affine_backward"
SQUARE, SQUARE_BACK = "ops.functions.square", "ops.functions.square_backward"
LOG, LOG_BACK = "ops.functions.log", "ops.functions.log_backward"
SQRT, SQRT_BACK = "ops.functions.sqrt", "ops.functions.sqrt_backward"
SIN, SIN_BACK = "ops.functions.sin", "ops.functions.sin_backward"


@plant("shift added before the factor", AFFINE, ["Affine"], "forward output")
def _(original: Any, x: Array, scale: float, shift: float) -> Any:
    return original(x + x.dtype.type(shift), scale, 0.0)[0], original(x, scale, shift)[1]


@plant("factor forgotten in dx", AFFINE_BACK, ["Affine"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return dy.copy()


@plant("square keeps its exponent in dx", SQUARE_BACK, ["Square"], "backward dx", remembers=SQUARE)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * 2 * call.x * call.x


@plant("square's slope x for 2x", SQUARE_BACK, ["Square"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return original(dy, cache) / 2


@plant("logarithm to base 10", LOG, ["Log"], "forward output")
def _(original: Any, x: Array) -> Any:
    y, cache = original(x)
    return (y / np.log(10)).astype(x.dtype), cache


@plant("logarithm's slope 1 / y", LOG_BACK, ["Log"], "backward dx", remembers=LOG)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy / call.y


@plant("root's slope lacks the half", SQRT_BACK, ["Sqrt"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return original(dy, cache) * 2


@plant("root's slope 1 / (2 x)", SQRT_BACK, ["Sqrt"], "backward dx", remembers=SQRT)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy / (2 * call.x)


@plant("sine of degrees", SIN, ["Sin"], "forward output")
def _(original: Any, x: Array) -> Any:
    return original((x * (np.pi / 180)).astype(x.dtype))[0], original(x)[1]


@plant("sine's slope is the negative cosine", SIN_BACK, ["Sin"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return -original(dy, cache)


@plant("sine's slope is the sine", SIN_BACK, ["Sin"], "backward dx", remembers=SIN)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * call.y
