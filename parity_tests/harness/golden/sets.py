"""A run of the reference as a set: every tensor with its name, bound and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness import nulls
from parity_tests.harness.golden import formats, limits
from parity_tests.harness.golden.manifest import (
    BACKWARD,
    GIVEN,
    STEP,
    Bound,
    Call,
    Set,
    Tensor,
)
from parity_tests.harness.golden.names import Entry, Names
from parity_tests.harness.golden.nearness import Near
from parity_tests.harness.golden.reference import Run
from parity_tests.harness.pair import Pair

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = dict[str, Array]

CLEAR = Near()
REAL = "real", "signed random numbers, weights and buffers moved off their initial values"
EXACT = (
    "exact",
    "integer weights, inputs and cotangent, no loss and no step: float32 and float64 must give "
    "these numbers bit for bit",
)


def real(
    pair: Pair,
    wide: Run,
    narrow: Run,
    *,
    dtype: str = "float64",
    seed: int = 0,
    target: Array | None = None,
    steps: int = 0,
    calls: tuple[Call, ...] = (),
    kinks: Near = CLEAR,
    gaps: Mapping[str, float] | None = None,
) -> tuple[Set, Arrays]:
    """Return the set of a run on real numbers.

    Args:
        pair: gives the network and what it was given.
        wide: run in float64.
        narrow: the same run in float32.
        dtype: of the arrays.
        seed: drew the pair.
        target: of the loss, if there is one.
        steps: optimiser steps of the runs.
        calls: loss and optimiser.
        kinks: units that float32 may see on the other side.
        gaps: of the updated values to themselves, by name; see `reference.self_gaps`.
    """
    null = limits.null_units(pair, wide)
    names = Names(pair, wide)
    others = names.tensors(narrow, target)
    allowed = limits.own(pair, wide)
    unused = names.unused()
    moving = {*null} if steps <= 1 else names.drifts(null, nulls.names(pair))
    tensors, arrays = [], {}
    found = names.tensors(wide, target)
    blurred = _blurred(found, kinks, steps)
    for name, (role, phase, module, value) in found.items():
        parameter = name.partition(".")[2]
        other = others[name][3]
        own: limits.Bounds = {}
        bounds: limits.Bounds
        if phase == GIVEN:
            bounds = _both(limits.GIVEN)
        elif phase == STEP:
            gap = (gaps or {}).get(parameter, 0.0)
            bounds = {} if parameter in moving else limits.updated(value, other, steps, gap)
        else:
            unit = null.get(parameter) if role == "gradient" else None
            own = names.own(name, allowed)
            bounds = limits.at_least(limits.whole_run(value, other, unit), own)
        if name in blurred:
            bounds = limits.without_float32(bounds)
        if dtype == "float32" and value.dtype.kind == "f":
            bounds, own = (limits.stored(one, value) for one in (bounds, own))
            value = value.astype(np.float32)
        is_null = (role == "gradient" and parameter in null) or name in unused
        tensors.append(_tensor("real", name, role, phase, module, value, bounds, own, is_null))
        arrays[name] = value
    name, note = REAL
    return Set(name, note + kinks.note, seed, tuple(tensors), (*names.calls, *calls)), arrays


def _blurred(found: Mapping[str, Entry], kinks: Near, steps: int) -> set[str]:
    """Return what depends on the side on which a unit at its kink is seen."""
    behind = False
    names: set[str] = set()
    for name, (role, phase, module, _) in found.items():
        parameter = name.partition(".")[2]
        if phase == STEP and steps > 1:
            behind = behind or kinks.later or kinks.last is not None
            names |= {name} if behind else set()
        elif phase == STEP:
            names |= {name} if f"gradient.{parameter}" in names else set()
        elif phase == BACKWARD and behind:
            names.add(name)
        elif phase == BACKWARD and role == "cotangent" and module == kinks.last:
            behind = True
    return names


def exact(pair: Pair, run: Run, *, dtype: str = "float64", seed: int = 0) -> tuple[Set, Arrays]:
    """Return the set of a run in which no sum is rounded."""
    names = Names(pair, run)
    unused = names.unused()
    tensors, arrays = [], {}
    for name, (role, phase, module, value) in names.tensors(run, None).items():
        kept = value.astype(dtype) if value.dtype.kind == "f" else value
        bounds = _both(limits.GIVEN if phase == GIVEN else limits.EXACT)
        is_null = name in unused
        tensors.append(_tensor("exact", name, role, phase, module, kept, bounds, None, is_null))
        arrays[name] = kept
    return Set(*EXACT, seed, tuple(tensors), names.calls), arrays


def _both(reason: str) -> dict[str, Bound]:
    return dict.fromkeys(("float64", "float32"), Bound(0.0, reason))


def _tensor(
    set_name: str,
    name: str,
    role: str,
    phase: str,
    module: str,
    value: Array,
    bounds: Mapping[str, Bound],
    own: Mapping[str, Bound] | None = None,
    null: bool = False,
) -> Tensor:
    finite = value[np.isfinite(value)] if value.dtype.kind == "f" else value
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return Tensor(
        name,
        role,
        phase,
        module,
        value.shape,
        value.dtype.name,
        formats.digest(value),
        low,
        high,
        int(np.count_nonzero(value)),
        bounds,
        own or {},
        null,
        formats.symbol(set_name, name),
    )
