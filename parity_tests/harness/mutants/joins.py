"""Faults of the layers with several inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

ADD, ADD_BACK = "ops.joins.add", "ops.joins.add_backward"
MULTIPLY, MULTIPLY_BACK = "ops.joins.multiply", "ops.joins.multiply_backward"
CONCAT, CONCAT_BACK = "ops.joins.concat", "ops.joins.concat_backward"


@plant("residual gradient forgotten", ADD_BACK, ["Add"], "backward dx1")
def _(original: Any, dy: Array, cache: Any) -> Any:
    da, db = original(dy, cache)
    return da, np.zeros_like(db)


@plant("gradient of a sum shared out by halves", ADD_BACK, ["Add"], "backward dx0")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return tuple(part / 2 for part in original(dy, cache))


@plant("second summand subtracted", ADD, ["Add"], "forward output")
def _(original: Any, a: Array, b: Array) -> Any:
    return original(a, -b)


@plant("sum handed out in the memory of its first summand", ADD, ["Add"], "forward output")
def _(original: Any, a: Array, b: Array) -> Any:
    _, cache = original(a, b)
    a += b
    return a, cache


@plant("gradient of one factor uses the wrong factor", MULTIPLY_BACK, ["Multiply"], "backward dx0")
def _(original: Any, dy: Array, cache: Any) -> Any:
    da, db = original(dy, cache)
    return db, da


@plant("gradient of the second factor forgotten", MULTIPLY_BACK, ["Multiply"], "backward dx1")
def _(original: Any, dy: Array, cache: Any) -> Any:
    da, db = original(dy, cache)
    return da, np.zeros_like(db)


@plant("product of the absolute factors", MULTIPLY, ["Multiply"], "forward output")
def _(original: Any, a: Array, b: Array) -> Any:
    y, cache = original(a, b)
    return np.abs(y.real).astype(y.dtype), cache


@plant("concat split wrong", CONCAT_BACK, ["Concat"], "backward dx0")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return original(np.roll(dy, 1, axis=cache.axis), cache)


@plant("concat split into parts of equal size", CONCAT_BACK, ["Concat"], "backward dx1")
def _(original: Any, dy: Array, cache: Any) -> Any:
    parts = list(original(dy, cache))
    if len(parts) > 1:  # the second part starts where an equal cut would let it
        start = dy.shape[cache.axis] // len(parts)
        start = min(start, dy.shape[cache.axis] - cache.sizes[1])
        parts[1] = np.take(dy, range(start, start + cache.sizes[1]), cache.axis)
    return tuple(parts)


@plant("parts joined in the reverse order", CONCAT, ["Concat"], "forward output")
def _(original: Any, parts: tuple[Array, ...], axis: int) -> Any:
    return original(*parts[::-1], axis=axis)[0], original(*parts, axis=axis)[1]


@plant("parts joined along the first axis that fits", CONCAT, ["Concat"], "forward output")
def _(original: Any, parts: tuple[Array, ...], axis: int) -> Any:
    y, cache = original(*parts, axis=axis)
    return np.concatenate([part.ravel() for part in parts]).reshape(y.shape), cache
