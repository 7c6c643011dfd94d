"""What a golden folder of a chapter holds: a real set of one training step, and an exact set."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness import inputs, nulls
from parity_tests.harness.golden import formats, limits, meanings, reference
from parity_tests.harness.golden.manifest import (
    GIVEN,
    STEP,
    Bound,
    Call,
    Manifest,
    Set,
    Tensor,
)
from parity_tests.harness.golden.names import Names
from parity_tests.harness.golden.reference import Run
from parity_tests.harness.levels import exact as exact_level
from parity_tests.harness.pair import BATCH, Pair, of_chapter
from parity_tests.harness.runner import DRAWS, FAR, redrawn
from parity_tests.harness.training import targets
from scratch import spec
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = dict[str, Array]

REAL = "one training step on signed random numbers, weights and buffers moved off initial values"
EXACT = (
    "integer weights, inputs and cotangent, no loss and no step: float32 and float64 must give "
    "these numbers bit for bit"
)


def make(
    id: str, size: str = "tiny", dtype: str = "float64", steps: int = 1, format: str = "safetensors"
) -> tuple[Manifest, dict[str, Arrays]]:
    """Make the golden vectors of a chapter.

    Args:
        id: chapter.
        size: "tiny" or "full".
        dtype: of the real-valued files; the truth is computed in float64 and then rounded.
        steps: optimiser steps.
        format: form of the files.

    Returns:
        The manifest, and the arrays of each set by name.

    Raises:
        UserError: no such chapter, no steps, or no batch that keeps clear of every kink.
    """
    if steps < 1:
        raise UserError(f"--steps {steps}: expects 1 or more")
    chapter = spec.get(id, size)
    real, real_arrays = _real(chapter, dtype, steps)
    exact, exact_arrays = _exact(chapter, dtype)
    sets = (real, exact)
    plan = dataclasses.asdict(chapter.train)
    kept = ("loss", "optimizer", "lr", "optimizer_args", "l1", "l2")
    kinds = [call.kind for one in sets for call in one.calls]
    manifest = Manifest(
        id,
        size,
        dtype,
        format,
        {
            "class": chapter.model,
            "arguments": dict(chapter.arguments),
            "exact": dict(chapter.exact),
            "batch": BATCH,
        },
        {**{name: plan[name] for name in kept}, "steps": steps},
        meanings.conventions(kinds, chapter.data.shape, chapter.train),
        sets,
    )
    return manifest, {real.name: real_arrays, exact.name: exact_arrays}


def _real(chapter: spec.Chapter, dtype: str, steps: int) -> tuple[Set, Arrays]:
    for draw in range(DRAWS):
        seed = draw * FAR
        # Everything that is given fits float32, so the same numbers serve both precisions.
        pair = of_chapter(chapter.id, chapter.size, seed, "float32")
        rng = inputs.generator(seed, "golden target", chapter.id, chapter.size)
        target = targets(chapter.data, rng, "float32", BATCH)
        wide, narrow = (
            reference.train(pair, chapter.train, target, steps, kind)
            for kind in ("float64", "float32")
        )
        if not limits.at_a_kink(pair, wide, narrow):
            break
    else:
        raise UserError(f"{chapter.id}: {DRAWS} batches drawn, and each has a unit at its kink")
    null = limits.null_units(pair, wide)
    names = Names(pair, wide)
    found = names.tensors(wide, target)
    others = names.tensors(narrow, target)
    allowed = limits.own(pair, wide)
    tensors, arrays = [], {}
    for name, (role, phase, module, value) in found.items():
        parameter = name.partition(".")[2]
        narrowed = others[name][3]
        own: Mapping[str, Bound] = {}
        if phase == GIVEN:
            bounds = dict.fromkeys(("float64", "float32"), Bound(0.0, limits.GIVEN))
        elif phase == STEP:
            bounds = limits.updated(value, narrowed, steps)
            drift = names.drifts(null, nulls.names(pair)) if steps > 1 else set(null)
            bounds = {} if parameter in drift else bounds
        else:
            unit = null.get(parameter) if role == "gradient" else None
            own = names.own(name, allowed)
            bounds = limits.at_least(limits.whole_run(value, narrowed, unit), own)
        if dtype == "float32" and value.dtype.kind == "f":
            bounds = limits.stored(bounds, value) if bounds else {}
            own = limits.stored(dict(own), value) if own else {}
            value = value.astype(np.float32)
        is_null = role == "gradient" and parameter in null
        tensors.append(_tensor("real", name, role, phase, module, value, bounds, own, is_null))
        arrays[name] = value
    plan = chapter.train
    loss = Call("loss", plan.loss, {}, ("output", "target"), "loss", "")
    options = {"lr": plan.lr, **plan.optimizer_args, "steps": steps}
    step = Call(STEP, plan.optimizer, options, (), "", "")
    return Set("real", REAL, seed, tuple(tensors), (*names.calls, loss, step)), arrays


def _exact(chapter: spec.Chapter, dtype: str) -> tuple[Set, Arrays]:
    def pair_at(seed: int) -> Pair:
        return of_chapter(chapter.id, chapter.size, seed, exact=True)

    checks = redrawn(lambda seed: exact_level.run(pair_at(seed)), 0)
    failing = [check for check in checks if check.failing]
    if failing:
        raise RuntimeError(f"{chapter.id}: level L0 fails: {failing[0].divergence()}")
    seed = checks[0].seed
    pair = pair_at(seed)
    run: Run = reference.once(pair, "float64")
    names = Names(pair, run)
    zero = dict.fromkeys(("float64", "float32"), Bound(0.0, limits.EXACT))
    tensors, arrays = [], {}
    for name, (role, phase, module, value) in names.tensors(run, None).items():
        # The cotangent is given here; it stands where the loss's gradient would.
        kept = value.astype(dtype) if value.dtype.kind == "f" else value
        tensors.append(_tensor("exact", name, role, phase, module, kept, zero))
        arrays[name] = kept
    return Set("exact", EXACT, seed, tuple(tensors), names.calls), arrays


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
    return Tensor(
        name,
        role,
        phase,
        module,
        value.shape,
        value.dtype.name,
        formats.digest(value),
        float(value.min()),
        float(value.max()),
        int(np.count_nonzero(value)),
        bounds,
        own or {},
        null,
        formats.symbol(set_name, name),
    )
