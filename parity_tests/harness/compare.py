"""Hold one array against another, element by element, and refuse to be impressed by nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness.bounds import MIN_SHARE
from parity_tests.harness.verdict import Verdict

Array = np.ndarray[Any, np.dtype[Any]]

BLIND = "the tolerance is not finite"  # begins the note of a difference that nothing bounds


@dataclass(frozen=True)
class Comparison:
    """The worst element of a comparison and what it says.

    Attributes:
        verdict: PASS, FAIL or MISTRUSTED.
        used: largest |got - want| / tolerance; for a tolerance of zero the largest difference.
        index: where.
        got: value there.
        want: reference there.
        share: non-zero share of the reachable entries of the reference.
        note: why, where it is not a difference in value.
    """

    verdict: Verdict
    used: float = 0.0
    index: tuple[int, ...] = ()
    got: float = 0.0
    want: float = 0.0
    share: float = 1.0
    note: str = ""


def compare(
    got: Array,
    want: Array,
    tolerance: Array | float,
    *,
    dtype: Any = None,
    reach: int | None = None,
) -> Comparison:
    """Compare `got` with the reference `want`.

    Args:
        got: the judged array.
        want: the reference, same shape.
        tolerance: largest allowed |got - want|, elementwise or one number; 0 asks for equality.
        dtype: what `got` must be.
        reach: how many entries of the reference can be non-zero at all; None: every one.

    Returns:
        FAIL for a wrong shape, type, NaN or infinity pattern or value; MISTRUSTED if the reference
        is empty, all zero, constant though large, or mostly zero where it need not be, or if a
        difference meets a tolerance that is not finite.
    """
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return Comparison(Verdict.FAIL, np.inf, note=f"shape {got.shape}, expected {want.shape}")
    if dtype is not None and got.dtype != np.dtype(dtype):
        return Comparison(Verdict.FAIL, np.inf, note=f"dtype {got.dtype}, expected {dtype}")
    if want.size == 0:
        return Comparison(Verdict.MISTRUSTED, note="empty reference")
    if np.array_equal(got, want):
        return _equal(got, want, reach)
    finite = np.isfinite(want)
    if finite.all() and np.isfinite(got).all():
        difference = np.abs(got - want)
    else:
        odd = _odd_pattern(got, want)
        if odd is not None:
            return odd
        difference = np.abs(np.where(finite, got, 0) - np.where(finite, want, 0))
    limit = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), want.shape)
    differs, bounded = difference != 0, np.isfinite(limit)
    blind = differs & ~bounded
    with np.errstate(divide="ignore"):
        where = differs & bounded
        used = np.divide(difference, limit, out=np.zeros(want.shape), where=where)
    flat = int(np.argmax(used))
    index = tuple(int(i) for i in np.unravel_index(flat, want.shape))
    peak = float(used[index])
    if np.isinf(peak) and not limit[index]:
        index = tuple(int(i) for i in np.unravel_index(int(np.argmax(difference)), want.shape))
    worst = Comparison(
        Verdict.PASS,
        float(difference[index]) if np.isinf(peak) else peak,
        index,
        float(got[index]),
        float(want[index]),
        _share(want, reach),
    )
    if peak > 1:
        return _with(worst, Verdict.FAIL, "")
    if blind.any():
        note = f"{BLIND} at {int(blind.sum())} place(s)"
        return _with(worst, Verdict.MISTRUSTED, note)
    return _vacuous(worst, want, reach)


def _equal(got: Array, want: Array, reach: int | None) -> Comparison:
    """Return what is left to say of equal numbers: whether there was anything to compare."""
    first = (0,) * want.ndim
    place = (first, float(got[first]), float(want[first]))
    return _vacuous(Comparison(Verdict.PASS, 0.0, *place, _share(want, reach)), want, reach)


def _share(want: Array, reach: int | None) -> float:
    return float(np.count_nonzero(want)) / max(1, want.size if reach is None else reach)


def _odd_pattern(got: Array, want: Array) -> Comparison | None:
    for name, test in (("NaN", np.isnan), ("+inf", np.isposinf), ("-inf", np.isneginf)):
        wrong = test(got) != test(want)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            return Comparison(
                Verdict.FAIL,
                np.inf,
                index,
                float(got[index]),
                float(want[index]),
                note=f"{name} pattern differs at {int(wrong.sum())} place(s)",
            )
    return None


def _vacuous(found: Comparison, want: Array, reach: int | None) -> Comparison:
    if reach == 0:
        return found
    if not np.any(want):
        return _with(found, Verdict.MISTRUSTED, "the reference is zero everywhere")
    if want.size >= 4 and (want == want.flat[0]).all():
        return _with(found, Verdict.MISTRUSTED, "the reference is one constant")
    if found.share < MIN_SHARE:
        return _with(
            found,
            Verdict.MISTRUSTED,
            f"only {found.share:.1%} of the reachable entries are not zero",
        )
    return found


def _with(found: Comparison, verdict: Verdict, note: str) -> Comparison:
    return Comparison(
        verdict, found.used, found.index, found.got, found.want, found.share, note or found.note
    )
