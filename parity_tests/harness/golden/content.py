"""What a golden folder of a chapter holds: a real set of one training step, and an exact set.

A chapter that has no form whose arithmetic is exact has no exact set.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from parity_tests.harness import inputs
from parity_tests.harness.draws import targets
from parity_tests.harness.golden import meanings, reference, sets
from parity_tests.harness.golden.manifest import STEP, Call, Manifest, Set
from parity_tests.harness.golden.names import of_fields
from parity_tests.harness.golden.nearness import near
from parity_tests.harness.golden.reference import Run
from parity_tests.harness.inputs import EXACT_EPS
from parity_tests.harness.levels import exact as exact_level
from parity_tests.harness.pair import BATCH, Pair, of_chapter
from parity_tests.harness.runner import DRAWS, FAR, redrawn
from scratch import spec
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = dict[str, Array]


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
        UserError: no such chapter, or no steps.
    """
    if steps < 1:
        raise UserError(f"--steps {steps}: expects 1 or more")
    chapter = spec.get(id, size)
    real, real_arrays = _real(chapter, dtype, steps)
    found = [(real, real_arrays)]
    if chapter.exact is not None:
        found.append(_exact(chapter, dtype))
    both = tuple(one for one, _ in found)
    plan = dataclasses.asdict(chapter.train)
    kept = ["loss", "optimizer", "lr", "optimizer_args", "l1", "l2"]
    if plan["loss_weights"]:
        kept.append("loss_weights")
    kinds = [call.kind for one in both for call in one.calls]
    manifest = Manifest(
        id,
        size,
        dtype,
        format,
        {
            "class": chapter.model,
            "arguments": dict(chapter.arguments),
            "exact": None if chapter.exact is None else dict(chapter.exact),
            "batch": BATCH,
        },
        {**{name: plan[name] for name in kept}, "steps": steps},
        {**meanings.conventions(kinds, chapter), **_of_exact(both[1:])},
        both,
    )
    return manifest, {one.name: arrays for one, arrays in found}


def _real(chapter: spec.Chapter, dtype: str, steps: int) -> tuple[Set, Arrays]:
    for seed in (*range(0, DRAWS * FAR, FAR), 0):  # if none is clear of kinks, the first is taken
        pair, wide, narrow, target = _runs(chapter, steps, seed)
        kinks = near(pair, wide, narrow)
        if not kinks.units:
            break
    plan = chapter.train
    fields = of_fields("activation", wide.trace.visits[-1], wide.output)
    weights = {"loss_weights": dict(plan.loss_weights)} if plan.loss_weights else {}
    loss = Call("loss", plan.loss, weights, (*fields, "target"), "loss", "")
    options = {"lr": plan.lr, **plan.optimizer_args, "steps": steps}
    step = Call(STEP, plan.optimizer, options, (), "", "")
    return sets.real(
        pair,
        wide,
        narrow,
        dtype=dtype,
        seed=seed,
        target=target,
        steps=steps,
        calls=(loss, step),
        kinks=kinks,
        gaps=reference.self_gaps(pair, chapter.train, target, steps, wide),
    )


def _runs(chapter: spec.Chapter, steps: int, seed: int) -> tuple[Pair, Run, Run, Array]:
    # Everything that is given fits float32, so the same numbers serve both precisions.
    pair = of_chapter(chapter.id, chapter.size, seed, "float32")
    rng = inputs.generator(seed, "golden target", chapter.id, chapter.size)
    target = targets(chapter, rng, "float32", BATCH)
    wide, narrow = (
        reference.train(pair, chapter.train, target, steps, kind) for kind in ("float64", "float32")
    )
    return pair, wide, narrow, target


def _of_exact(exact: tuple[Set, ...]) -> dict[str, str]:
    if not any(call.kind.startswith("BatchNorm") for one in exact for call in one.calls):
        return {}
    words = f"in evaluation: running statistics, eps = {EXACT_EPS}; dropout passes everything"
    return {"network of the exact set": words}


def _exact(chapter: spec.Chapter, dtype: str) -> tuple[Set, Arrays]:
    def pair_at(seed: int) -> Pair:
        return of_chapter(chapter.id, chapter.size, seed, exact=True)

    checks = redrawn(lambda seed: exact_level.run(pair_at(seed)), 0)
    failing = [check for check in checks if check.failing]
    if failing:
        raise RuntimeError(f"{chapter.id}: level L0 fails: {failing[0].divergence()}")
    seed = checks[0].seed
    pair = pair_at(seed)
    return sets.exact(pair, reference.once(pair, "float64"), dtype=dtype, seed=seed)
