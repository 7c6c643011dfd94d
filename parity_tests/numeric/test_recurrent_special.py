"""Infinities, NaN and a rectifier's kink in a sequence: what torch makes of them, ours does too."""

from __future__ import annotations

import math

import numpy as np
import pytest

from parity_tests.numeric.ops_case import Case, cotangent
from parity_tests.numeric.ops_cases import LOOKUP, RECURRENT
from parity_tests.numeric.ops_draws import Array
from parity_tests.numeric.test_ops_torch import scratch_run, torch_run
from parity_tests.numeric.tolerance import assert_close, assert_exact

INF, NAN = math.inf, math.nan


def compare(case: Case, arrays: tuple[Array | None, ...], dy: Array) -> None:
    """Compare output and gradients: the same infinities and NaN, and what is left is close."""
    with np.errstate(invalid="ignore"):  # NumPy mentions infinity times zero, torch does not
        ours = scratch_run(case, arrays, dy)
    for actual, expected in zip(ours, torch_run(case, arrays, dy), strict=True):
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(actual[~finite], expected[~finite])
        if expected[finite].any():
            assert_close(actual[finite], expected[finite])
        else:
            assert not actual[finite].any()


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize("case", [*RECURRENT, *LOOKUP], ids=lambda case: case.id)
def test_one_infinity_or_nan_spreads_as_in_torch(case: Case, value: float) -> None:
    fresh = case.arrays(1, "float64")
    dy = cotangent(case.forward(*fresh)[0], 2)
    for place in range(len(fresh) + 1):
        arrays = [None if a is None else a.copy() for a in fresh]
        d = dy.copy()
        target = arrays[place] if place < len(arrays) else d
        if target is None or target.dtype.kind != "f":
            continue
        if case.op == "gru" and target is d and math.isinf(value):
            continue  # torch has NaN where a factor times infinity is infinity
        target.flat[target.size // 2] = value
        compare(case, tuple(arrays), d)


def test_a_rectified_state_of_zero_lets_no_gradient_through() -> None:
    """Whole numbers that cancel: at the second step the sum is 0, at the others it is 2 and 1."""
    case = next(c for c in RECURRENT if c.options.get("nonlinearity") == "relu")
    x = np.array([2.0, -6.0, 1.0]).reshape(3, 1, 1)
    one = np.ones((1, 1))
    arrays = x, 0 * one, one, 3 * one, None, None
    dy = np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1)
    assert case.forward(*arrays)[0].ravel().tolist() == [2, 0, 1]
    (y, dx, *rest), theirs = scratch_run(case, arrays, dy), torch_run(case, arrays, dy)
    assert dx.ravel().tolist() == [1, 0, 100]
    for actual, expected in zip((y, dx, *rest), theirs, strict=True):
        if expected.any():
            assert_exact(actual, expected)
        else:
            assert not actual.any()
