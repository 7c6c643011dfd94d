"""How close two arrays of these tests must be, and when a comparison says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

U = {"float32": 2.0**-24, "float64": 2.0**-53}
UNITS = {"float32": 128, "float64": 4096}


def assert_close(actual: Any, expected: Any) -> None:
    """Hold ``|actual - expected|`` to a number of units of the largest expected value.

    The float64 number is wide, since any mistake is larger by ten orders of magnitude; the float32
    number allows for two sums of about a hundred terms each. NaN and infinities must be in the
    same places. A reference of zeros proves nothing and fails.

    Raises:
        AssertionError: Shape, dtype, a non-finite place or a value differs, or all are zero.
    """
    actual, expected = _alike(actual, expected)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite])
    largest = np.max(np.abs(expected[finite]), initial=0.0)
    assert largest > 0, "the reference is all zero"
    name = str(expected.real.dtype)
    error = np.max(np.abs(actual[finite] - expected[finite]), initial=0.0)
    assert error <= UNITS[name] * U[name] * largest, (error, largest)


def assert_exact(actual: Any, expected: Any) -> None:
    """Demand difference 0, and NaN in the same places.

    Raises:
        AssertionError: Shape, dtype or a value differs, or all are zero.
    """
    actual, expected = _alike(actual, expected)
    np.testing.assert_array_equal(actual, expected)
    assert np.any(expected != 0), "the reference is all zero"


def _alike(actual: Any, expected: Any) -> tuple[np.ndarray, np.ndarray]:
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, (actual.shape, expected.shape)
    assert actual.dtype == expected.dtype, (actual.dtype, expected.dtype)
    return actual, expected
