"""L2 and L3: every module against float64, with the bound of its own arithmetic.

L2 holds scratch float64 against torch float64. L3 holds scratch float32 and torch float32, each,
against torch float64, so that it can say which of the two is wrong. Modules without a row of their
own (blocks, whole networks) are judged too: a block that is wrong while all its children are right
has wrong wiring.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.harness import arbiter, bounds, nulls, outputs, reordered, usage
from parity_tests.harness.compare import compare
from parity_tests.harness.kinks import Crossing, crossing, idle, one_armed
from parity_tests.harness.levels.known import Earlier, Known
from parity_tests.harness.local import as_check, judge, reach, silent, tolerances
from parity_tests.harness.localise import EVALUATION, WHOLE_RUN
from parity_tests.harness.pair import Pair
from parity_tests.harness.precision import precision_path
from parity_tests.harness.run import BrokenError, Result, cast, run_scratch, run_torch
from parity_tests.harness.trace import Trace
from parity_tests.harness.verdict import Check, Verdict
from parity_tests.harness.visits import (
    Place,
    broken,
    candidate_trace,
    places,
    reference_trace,
)

Array = np.ndarray[Any, np.dtype[Any]]


def run(pair: Pair, dtype: str, earlier: Earlier | None = None) -> list[Check]:
    """Judge every module of the pair.

    Args:
        pair: real-valued weights and inputs, representable in `dtype`.
        dtype: "float64" for L2, "float32" for L3.
        earlier: keeps what is found, or stands for what a change of one module does not touch.
    """
    level = "L2" if dtype == "float64" else "L3"
    reference = reference_trace(pair)
    candidate = candidate_trace(pair, dtype)
    checks = one_armed(pair, reference, level) + idle(pair, reference, level)
    checks += _unreached(pair, reference, level)
    whole = _cumulative(level, pair, reference, candidate, dtype)
    found = crossing(pair, reference, candidate, dtype)
    if found.count:
        explained = _explained(found, dtype, pair.conv)
        whole.append(_audit(level, pair, found, dtype, explained))
        whole = _excused(whole, found) if explained else whole
    del candidate  # of a large network gigabytes, as are the visits that are done
    null = nulls.units(pair, reference)
    known = Known({}, {})
    for place in places(pair, reference, dtype):
        below = nulls.below(place.path, null)
        anew = functools.partial(_place, level, pair, place, dtype, below, known)
        key = place.path, place.visit.call, dtype
        checks += earlier.place(*key, anew, known) if earlier else anew()
        place.visit.forget()
    if isinstance(pair.d_output, tuple) and not isinstance(pair.d_output, outputs.PARTS):
        checks += _in_evaluation(level, pair.evaluated(), dtype, known)
    return checks + whole


def _place(
    level: str, pair: Pair, place: Place, dtype: str, null: nulls.Units, known: Known
) -> list[Check]:
    """Judge one call of one module: what it gives, and whether it gives it however it is used."""
    inputs, d_output = place.visit.inputs, place.visit.d_output
    assert d_output is not None
    narrow, d_narrow = cast(inputs, dtype), outputs.cast(d_output, dtype)
    checks, found, limits = _values(level, pair, place, dtype, narrow, d_narrow, null, known)
    if found is None:
        return checks
    used = (level, pair.subject, place.path, place.scratch, narrow, d_narrow)
    if place.leaf:
        checks += usage.relaid(*used, found, limits)
    del limits
    checks += usage.twice(*used, found)
    checks += usage.own_mask(*used)
    return checks


def _values(
    level: str,
    pair: Pair,
    place: Place,
    dtype: str,
    narrow: tuple[Array, ...],
    d_narrow: Any,
    null: nulls.Units,
    known: Known,
) -> tuple[list[Check], Result | None, dict[str, Any]]:
    """Judge the tensors of one call.

    Args:
        level: "L2" or "L3".
        pair: both twins.
        place: the module and the reference's tensors.
        dtype: of the judged side.
        narrow: what the module is given, in `dtype`.
        d_narrow: cotangent, likewise.
        null: units of the null directions below the module.
        known: of the layers before; a layer adds its own.

    Returns:
        The checks, what scratch gave (None where it raised), and the tolerance of each tensor.
    """
    wide, d_wide = cast(narrow, np.float64), outputs.cast(d_narrow, np.float64)
    truth = run_torch(place.torch, wide, d_wide)
    other: Result | None = None
    if dtype == "float32":
        other = run_torch(place.peer, narrow, d_narrow)
    sides = 2 if dtype == "float64" else 1
    if other is not None and not place.leaf:
        limits: dict[str, Any] = {
            name: bounds.end_to_end(_error(other.tensors()[name], want), want)
            for name, want in truth.tensors().items()
        }
    else:
        limits = tolerances(place.torch, wide, d_wide, truth, dtype, sides)
    can = reach(place.torch, wide, d_wide) if place.leaf else nulls.below(place.path, known.reach)
    can |= dict.fromkeys(null, 0)
    if place.leaf:
        for name in truth.gradients:
            known.limits[f"{place.path}.{name}"] = limits[name]
            if name in can:
                known.reach[f"{place.path}.{name}"] = can[name]
    else:  # a leaf is given its cotangent, so its own row holds
        for name, value in nulls.below(place.path, known.limits).items():
            limits[name] = limits[name] + value
        limits |= {name: bounds.tolerance(value, dtype, sides) for name, value in null.items()}
    try:
        found = run_scratch(place.scratch, narrow, d_narrow)
    except BrokenError as error:
        return broken(level, pair, place.path, dtype, error, truth, limits), None, {}
    common = (level, pair.subject, place.path)
    checks = judge(*common, f"scratch {dtype}", found, truth, limits, can, dtype)
    if dtype == "float64" and place.leaf:
        checks = arbiter.settle(checks, place.torch, wide, d_wide, found, truth, limits)
    elif dtype == "float64":
        checks = reordered.settle(checks, place.torch, wide, d_wide, found, truth, limits)
    if other is not None and place.leaf:
        theirs = judge(*common, "torch float32", other, truth, limits, can, dtype)
        checks += arbiter.settle_torch(checks, theirs, place.torch, d_narrow)
        checks = precision_path(checks, place, narrow, d_narrow, found, other, limits)
    return _beyond_kinks(checks, pair, place, wide, d_wide, dtype), found, limits


def _in_evaluation(level: str, pair: Pair, dtype: str, known: Known) -> list[Check]:
    """Judge the whole of a network that returns less in evaluation than in training.

    What evaluation leaves out has a gradient of zero.
    """
    reference = reference_trace(pair)
    ran = {visit.path for visit in reference.visits}
    idle = (name for name, _ in pair.torch.named_parameters() if name.rpartition(".")[0] not in ran)
    *_, root = places(pair, reference, dtype)
    found = Known({}, {**known.reach, **dict.fromkeys(idle, 0)})
    checks = _place(level, pair, root, dtype, {}, found)
    return [replace(check, engine=f"{check.engine} {EVALUATION}") for check in checks]


def _error(got: Array, want: Array) -> float:
    return float(np.abs(got - want).max(initial=0.0))


def _cumulative(
    level: str, pair: Pair, reference: Trace, candidate: Trace, dtype: str
) -> list[Check]:
    """Compare the two whole runs at every tap: what a module passed on, whoever made it."""
    ours = candidate.by_key()
    engine = f"scratch {dtype} {WHOLE_RUN}"
    if set(ours) != set(reference.by_key()):
        missing = sorted(set(reference.by_key()) ^ set(ours))
        path = missing[0][0]
        return [
            Check(
                level,
                pair.subject,
                path,
                "forward",
                "calls",
                engine,
                Verdict.FAIL,
                np.inf,
                note="the twins do not call the same modules",
            )
        ]
    if dtype == "float32":
        return []  # judged end to end at the root, where torch float32 gives the scale
    checks, taps = [], []
    theirs = dict(pair.torch.named_modules())
    for visit in reference.visits:
        can = {"output": 0} if silent(theirs[visit.path]) else {}
        got = ours[visit.path, visit.call]
        for kind in ("output", "d_output"):
            given, wanted = (outputs.named(kind, getattr(one, kind)) for one in (got, visit))
            for tensor, b in wanted.items():
                a = given.get(tensor)
                if a is None or b is None:
                    continue
                if kind == "d_output":  # the dx of layers behind, which had to have power there
                    least = 0 if isinstance(visit.output, outputs.PARTS) else 1  # nobody uses all
                    can[tensor] = max(least, int(np.count_nonzero(b)))
                limit = bounds.whole(b, dtype)
                found = compare(a, b, limit, dtype=dtype, reach=can.get(tensor))
                checks.append(as_check(found, level, pair.subject, visit.path, tensor, engine))
                taps.append(reordered.Tap((visit.path, visit.call), kind, tensor, a, b))
    return reordered.settle_taps(checks, taps, pair)


def _unreached(pair: Pair, reference: Trace, level: str) -> list[Check]:
    return [
        Check(
            level,
            pair.subject,
            visit.path,
            "backward",
            "d_output",
            "torch float64",
            Verdict.MISTRUSTED,
            note="no gradient reaches this module",
        )
        for visit in reference.visits
        if visit.d_output is None
    ]


def _explained(found: Crossing, dtype: str, conv: str = "direct") -> bool:
    """Whether rounding explains that units lie on different sides of their kinks.

    In float64 only of a maximum of equal numbers; but in a whole run tiles break other ties too: a
    lone pixel in a map of zeros is seen by a whole tile, and where its shares cancel 1e-17 is left.
    """
    return found.explained if dtype == "float32" or conv != "direct" else found.tied


def _excused(checks: list[Check], found: Crossing) -> list[Check]:
    """Return the checks with KINK for values that differ; other faults no kink explains."""
    note = f"{found.count} unit(s) beyond a kink"
    return [
        replace(check, verdict=Verdict.KINK, note=check.note or note)
        if check.verdict is Verdict.FAIL and np.isfinite(check.used)
        else check
        for check in checks
    ]


def _beyond_kinks(
    checks: list[Check],
    pair: Pair,
    place: Place,
    inputs: tuple[Array, ...],
    d_output: Any,
    dtype: str,
) -> list[Check]:
    """A unit beyond its kink explains what a block makes of its input, a leaf's not."""
    if place.leaf or not any(check.verdict is Verdict.FAIL for check in checks):
        return checks
    block = Pair(pair.subject, place.scratch, place.torch, inputs, d_output)
    found = crossing(block, reference_trace(block), candidate_trace(block, dtype), dtype)
    return _excused(checks, found) if _explained(found, dtype) else checks


def _audit(level: str, pair: Pair, found: Crossing, dtype: str, explained: bool) -> Check:
    note = f"{found.count} unit(s) lie on different sides of a kink"
    if dtype == "float32" and not explained:
        note += f", {found.far:.3g} times further from it than rounding explains"
    return Check(
        level,
        pair.subject,
        found.path,
        "forward",
        "mask",
        f"scratch {dtype} {WHOLE_RUN}",
        Verdict.KINK if explained else Verdict.FAIL,
        note=note,
    )
