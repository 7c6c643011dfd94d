"""The bound of every golden tensor, from the harness's own rows, and the reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness import bounds, nulls
from parity_tests.harness.golden.manifest import Bound
from parity_tests.harness.golden.reference import Run, modules
from parity_tests.harness.pair import Pair
from parity_tests.harness.rows import has_row, units
from parity_tests.harness.run import run_torch

Array = np.ndarray[Any, np.dtype[Any]]
Bounds = dict[str, Bound]

EXACT = "integers: every partial sum is exact in float32, in any order of summation"
COUNT = "a count"
GIVEN = "given: what you read is what you write"
WHOLE = "whole run in float64: 4096 u64 max|reference|"
END_TO_END = "whole run in float32: 8 times torch float32's own error plus 32 u32 max|reference|"
NULL = "the true value is zero: held to the rounding of the sum that it is made of"
ONE_STEP = "one step in float64: 1e-13 max|reference|"
MANY_STEPS = "several steps in float64: 1e-12 max|reference|"
SELF = (
    "steps in float64: 100 times torch's own gap to itself when the rows of the batch change "
    "places, since the optimiser divides by gradients that are hardly more than rounding"
)
STORED = "; the file's rounding to float32 is added"


def whole_run(want: Array, narrow: Array, null: Array | None = None) -> Bounds:
    """Return the bounds of a tensor in a whole run, by the precision of who computes it.

    Args:
        want: float64 truth.
        narrow: the same from torch in float32.
        null: units of its rounding where the true value is zero.
    """
    if null is not None:
        return {
            "float64": Bound(float(bounds.tolerance(null, "float64", 2).max()), NULL),
            "float32": Bound(float(bounds.tolerance(null, "float32").max()), NULL),
        }
    return {"float64": Bound(bounds.whole(want), WHOLE), "float32": float32(want, narrow)}


def updated(want: Array, narrow: Array, steps: int, gap: float) -> Bounds:
    """Return the bounds of a parameter or a running statistic after `steps` steps.

    Args:
        want: float64 truth.
        narrow: the same from torch in float32.
        steps: K.
        gap: how far torch leaves itself in float64 when the rows of the batch change places.
    """
    if want.dtype.kind != "f":
        return dict.fromkeys(("float64", "float32"), Bound(0.0, COUNT))
    size = float(np.abs(want).max(initial=0.0))
    if steps == 1:
        gate = Bound(bounds.FORCED_STEP * size, ONE_STEP)
    else:
        gate = Bound(bounds.TRAJECTORY * size, MANY_STEPS)
    own = Bound(bounds.SELF_GAP * gap, SELF)
    wide = max(gate, own, key=lambda bound: bound.absolute)
    return {"float64": wide, "float32": float32(want, narrow)}


def float32(want: Array, narrow: Array) -> Bound:
    """Return the bound of a whole run in float32."""
    finite = np.isfinite(want) & np.isfinite(narrow)
    error = float(np.abs(narrow[finite].astype(np.float64) - want[finite]).max(initial=0.0))
    return Bound(bounds.end_to_end(error, want[finite]), END_TO_END)


def at_least(found: Bounds, own: Bounds) -> Bounds:
    """Return the larger bounds: a whole run errs no less than its last layer alone."""
    return {
        dtype: max(one, own.get(dtype, one), key=lambda bound: bound.absolute)
        for dtype, one in found.items()
    }


def without_float32(found: Bounds) -> Bounds:
    """Return the bounds of a tensor to which float32 cannot be held."""
    return {dtype: one for dtype, one in found.items() if dtype != "float32"}


def stored(found: Bounds, want: Array) -> Bounds:
    """Return the bounds against a file in float32: its own rounding comes on top."""
    if "float32" not in found:
        return {}
    one = found["float32"]
    rounding = float(np.abs(want.astype(np.float32).astype(np.float64) - want).max(initial=0.0))
    reason = one.reason + (STORED if rounding else "")
    return {"float32": Bound(one.absolute + rounding, reason)}


def own(pair: Pair, run: Run) -> dict[tuple[str, int], dict[str, Bounds]]:
    """Return what each layer's own row allows, given the reference's inputs and cotangent.

    Returns:
        By path and call, then by "output", "dx" or the local name of a parameter: the largest
        elementwise tolerance.
    """
    found = {}
    parts = modules(pair)
    for visit in run.trace.visits:
        module = parts[visit.path]
        if not has_row(module) or visit.d_output is None:
            continue
        truth = run_torch(module, visit.inputs, visit.d_output)
        row = units(module, visit.inputs, visit.d_output, truth)
        assert row is not None
        reason = f"the row of {type(module).__name__}, given the reference's inputs"
        found[visit.path, visit.call] = {
            name: {
                dtype: Bound(_largest(bounds.tolerance(value, dtype, sides)), reason)
                for dtype, sides in (("float64", 2), ("float32", 1))
            }
            for name, value in row.items()
        }
    return found


def _largest(tolerance: Array) -> float:
    """Return the largest tolerance of what is finite."""
    return float(tolerance[np.isfinite(tolerance)].max(initial=0.0))


def null_units(pair: Pair, run: Run) -> Mapping[str, Array]:
    """Return the units of the parameters whose true gradient is zero, by name."""
    return nulls.units(pair, run.trace)
