"""Faults of local response normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter
from scratch.ops import lrn

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

LRN, LRN_BACK = "ops.lrn.local_response_norm", "ops.lrn.local_response_norm_backward"
ON = ["LocalResponseNorm"]


@plant("LRN alpha for alpha/n", LRN, ON, "forward output")
def _(original: Any, x: Array, size: int, alpha: float, beta: float, k: float) -> Any:
    return original(x, size, alpha * size, beta, k)


@plant("LRN window off by one", LRN, ON, "forward output")
def _(original: Any, x: Array, size: int, alpha: float, beta: float, k: float) -> Any:
    _, cache = original(x, size, alpha, beta, k)
    sums = k + alpha / size * lrn.window_sum(x * x, (size - 1) // 2 + 1, size // 2 - 1)
    y = x * sums**-beta
    return y, cache._replace(sums=sums, y=y)


@plant("LRN window of an even size mirrored", LRN, ON, "forward output")
def _(original: Any, x: Array, size: int, alpha: float, beta: float, k: float) -> Any:
    _, cache = original(x, size, alpha, beta, k)
    sums = k + alpha / size * lrn.window_sum(x * x, (size - 1) // 2, size // 2)
    y = x * sums**-beta
    return y, cache._replace(sums=sums, y=y)


@plant("LRN sums of values instead of squares", LRN, ON, "forward output")
def _(original: Any, x: Array, size: int, alpha: float, beta: float, k: float) -> Any:
    _, cache = original(x, size, alpha, beta, k)
    sums = k + alpha / size * lrn.window_sum(np.abs(x), size // 2, (size - 1) // 2)
    y = x * sums**-beta
    return y, cache._replace(sums=sums, y=y)


@plant("LRN mean over the channels there are", LRN, ON, "forward output")
def _(original: Any, x: Array, size: int, alpha: float, beta: float, k: float) -> Any:
    _, cache = original(x, size, alpha, beta, k)
    channels = lrn.window_sum(np.ones_like(x), size // 2, (size - 1) // 2)
    sums = k + alpha * lrn.window_sum(x * x, size // 2, (size - 1) // 2) / channels
    y = x * sums**-beta
    return y, cache._replace(sums=sums, y=y)


@plant("LRN cross term dropped", LRN_BACK, ON, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Array:
    return dy * cache.sums**-cache.beta


@plant("LRN cross term of the own channel only", LRN_BACK, ON, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Array:
    factor = 2 * cache.alpha * cache.beta / cache.size
    return dy * cache.sums**-cache.beta - factor * cache.x * dy * cache.y / cache.sums


@plant("LRN window of the backward not mirrored", LRN_BACK, ON, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Array:
    x, sums, y, size, alpha, beta = cache
    through = lrn.window_sum(dy * y / sums, size // 2, (size - 1) // 2)
    return dy * sums**-beta - 2 * alpha * beta / size * x * through


@plant("LRN factor 2 of the square forgotten", LRN_BACK, ON, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Array:
    direct = dy * cache.sums**-cache.beta
    return (direct + original(dy, cache)) / 2


@plant("LRN exponent of the sums kept at -beta in the cross term", LRN_BACK, ON, "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Array:
    x, sums, y, size, alpha, beta = cache
    through = lrn.window_sum(dy * y, (size - 1) // 2, size // 2)
    return dy * sums**-beta - 2 * alpha * beta / size * x * through
