"""What two arrays have to be for a comparison to pass, and when it proves nothing."""

from __future__ import annotations

import numpy as np
import pytest

from parity_tests.harness import bounds
from parity_tests.harness.compare import Array, compare
from parity_tests.harness.usage import gapped, permuted
from parity_tests.harness.verdict import Check, Verdict, worst

WANT = np.array([[1.0, -2.0, 3.0], [4.0, 0.0, 6.0]])
PASS, FAIL, MISTRUSTED = Verdict.PASS, Verdict.FAIL, Verdict.MISTRUSTED


def test_equal_arrays_pass_with_tolerance_zero() -> None:
    found = compare(WANT.copy(), WANT, 0.0, dtype="float64")
    assert (found.verdict, found.used, found.share) == (PASS, 0.0, 5 / 6)


@pytest.mark.parametrize(
    ("got", "note"),
    [
        (WANT[:, :2], "shape (2, 2), expected (2, 3)"),
        (WANT.reshape(6), "shape (6,), expected (2, 3)"),
        (WANT[:1], "shape (1, 3), expected (2, 3)"),  # would broadcast
        (np.float64(1.0), "shape (), expected (2, 3)"),
        (WANT.astype(np.float32), "dtype float32, expected float64"),
        (WANT.astype(np.complex128), "dtype complex128, expected float64"),
        (np.where(WANT == 0, np.nan, WANT), "NaN pattern differs at 1 place(s)"),
        (np.where(WANT > 3, np.inf, WANT), "+inf pattern differs at 2 place(s)"),
        (np.where(WANT < 0, -np.inf, WANT), "-inf pattern differs at 1 place(s)"),
    ],
)
def test_another_shape_type_or_pattern_fails_at_any_tolerance(got: Array, note: str) -> None:
    found = compare(got, WANT, 1e300, dtype="float64")
    assert (found.verdict, found.note) == (FAIL, note)


def test_nan_and_infinity_are_compared_and_the_rest_still_is() -> None:
    want = np.array([np.nan, np.inf, -np.inf, 1.0, 2.0])
    assert compare(want.copy(), want, 0.0).verdict is PASS
    found = compare(np.array([np.nan, np.inf, -np.inf, 1.0, 2.5]), want, 0.25)
    assert (found.verdict, found.index, found.used) == (FAIL, (4,), 2.0)
    assert compare(np.array([np.nan, -np.inf, np.inf, 1.0, 2.0]), want, 0.0).verdict is FAIL


def test_the_element_furthest_beyond_its_own_tolerance_is_named() -> None:
    got = WANT + np.array([[0.0, 1.0, 0.0], [3.0, 0.0, 0.0]])
    found = compare(got, WANT, np.array([[1.0, 0.125, 1.0], [1.0, 1.0, 1.0]]))
    assert (found.verdict, found.index, found.got, found.want) == (FAIL, (0, 1), -1.0, -2.0)
    assert found.used == 8
    exact = compare(got, WANT, 0.0)
    assert (exact.index, exact.used) == ((1, 0), 3.0)


@pytest.mark.parametrize(
    ("want", "reach", "note"),
    [
        (np.empty((0, 3)), None, "empty reference"),
        (np.zeros((2, 3)), None, "the reference is zero everywhere"),
        (np.zeros((2, 3)), 6, "the reference is zero everywhere"),
        (np.full((2, 3), 0.7), None, "the reference is one constant"),
        (np.eye(1, 11).ravel(), None, "only 9.1% of the reachable entries are not zero"),
    ],
)
def test_a_reference_without_power_is_mistrusted(want: Array, reach: int | None, note: str) -> None:
    found = compare(want.copy(), want, 1.0, reach=reach)
    assert (found.verdict, found.note) == (MISTRUSTED, note)


def test_what_cannot_be_reached_needs_no_power() -> None:
    want = np.eye(1, 11).ravel()
    assert compare(want.copy(), want, 0.0, reach=5).verdict is PASS
    assert compare(np.zeros(3), np.zeros(3), 0.0, reach=0).verdict is PASS


def test_a_wrong_value_is_worse_than_a_reference_without_power() -> None:
    assert compare(np.ones(3), np.zeros(3), 0.5).verdict is FAIL


@pytest.mark.parametrize("tolerance", [np.nan, np.inf])
def test_a_difference_within_no_finite_tolerance_is_mistrusted(tolerance: float) -> None:
    found = compare(WANT + 1, WANT, tolerance)
    assert (found.verdict, found.note) == (MISTRUSTED, "the tolerance is not finite at 6 place(s)")
    assert compare(WANT.copy(), WANT, tolerance).verdict is PASS
    limits = np.full(WANT.shape, tolerance)
    limits[0, 0] = 0.5
    assert compare(WANT + 1, WANT, limits).verdict is FAIL


def _check(verdict: Verdict) -> Check:
    return Check("L2", "net", "a", "forward", "output", "scratch float64", verdict)


def test_the_worst_verdict_counts_and_none_at_all_is_mistrusted() -> None:
    order = [PASS, Verdict.KINK, Verdict.PRECISION_PATH, MISTRUSTED, FAIL]
    for index, verdict in enumerate(order):
        assert worst(map(_check, order[: index + 1])) is verdict
        assert _check(verdict).failing == (verdict in (MISTRUSTED, FAIL))
    assert worst([]) is MISTRUSTED


def test_a_tolerance_of_zero_units_stays_zero_and_others_reach_down_to_underflow() -> None:
    units = np.array([0.0, 1e-300, 4.0])
    found = bounds.tolerance(units, "float32")
    assert found[0] == 0
    assert found[1] == 2.0**-126
    assert found[2] == 4 * 2.0**-24 + 2.0**-126
    assert np.isnan(bounds.tolerance(np.array([np.nan]), "float32")).all()


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (2, 3), (4,), ()])
def test_layouts_change_strides_and_no_number(shape: tuple[int, ...]) -> None:
    value = np.random.default_rng(0).standard_normal(shape)
    for lay in (permuted, gapped):
        assert np.array_equal(lay(value), value)
        assert lay(value).shape == shape
    if len(shape) > 1:
        assert not permuted(value).flags.c_contiguous
        assert not gapped(value).flags.c_contiguous
