"""Run the levels on a chapter, a layer or an optimizer, over several seeds."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from parity_tests.harness.case_pair import of_case
from parity_tests.harness.cases import Case, of_layer
from parity_tests.harness.levels import exact, judge, oracle
from parity_tests.harness.pair import Pair, of_chapter
from parity_tests.harness.traits import is_deep
from parity_tests.harness.verdict import Check, Verdict, worst
from scratch import spec
from scratch.build import construct
from scratch.spec import UserError

SEEDS = 5
SEEDS_DEEP = 2  # of a deep network, whose many layers are as many chances
DRAWS = 24  # a batch with a kink in float32, or with too little power, is drawn anew
EVERY_ENTRY = 2000  # inputs of at most this size are differentiated entry by entry
FAR = 1000  # seeds of redrawn batches lie this far apart

LEVELS = {
    "float64": ("L0", "L1", "L2", "L4", "L5"),
    "float32": ("L0", "L3", "L5", "L6"),
}
CONV_LEVELS = {"winograd": ("L2", "L3"), "winograd-f2": ("L0", "L2", "L3")}
"""Tiles of four round, so integers prove nothing. A tap that sees padding alone has a gradient of
zero, of which tiles leave 1e-14, so L1's share of the largest entry is for layers. Trajectories and
exports know no modes."""


def redrawn(
    run: Callable[[int], list[Check]],
    seed: int,
    again: Sequence[Verdict] = (Verdict.KINK, Verdict.MISTRUSTED),
    draws: int = DRAWS,
) -> list[Check]:
    """Run with `seed`; draw anew while the verdict is one of `again`, `draws` times at most.

    What is blurred in every draw is not proven. In float32 that may be so of a large network, whose
    wiring float64 judges: it stays a KINK, which `report.kink_lines` says. Of float64 itself nobody
    is left to judge it.
    """
    checks: list[Check] = []
    for draw in range(draws):
        at = seed + draw * FAR
        checks = [replace(check, seed=at) for check in run(at)]
        if worst(checks) not in again:
            return checks
    return [_in_every_draw(check) for check in checks]


def _in_every_draw(check: Check) -> Check:
    if check.verdict is not Verdict.KINK:
        return check
    verdict = Verdict.MISTRUSTED if check.level == "L2" else Verdict.KINK
    return replace(check, verdict=verdict, note=f"in every draw: {check.note}")


def over_seeds(run: Callable[[int], list[Check]], seed: int, count: int = SEEDS) -> list[Check]:
    """Run `count` seeds, each redrawn where it has to be."""
    return [check for at in range(seed, seed + count) for check in redrawn(run, at)]


def protected(level: str, subject: str, seed: int, run: Callable[[], list[Check]]) -> list[Check]:
    """Run a level; what a network raises is a failure, not a crash.

    Args:
        level: name of the level.
        subject: chapter, layer case or optimizer.
        seed: is noted in every check that has none of its own.
        run: the level.
    """
    try:
        checks = run()
    except UserError:
        raise
    except Exception as cause:
        where = traceback.extract_tb(cause.__traceback__)[-1]
        note = (
            f"raised {type(cause).__name__}: {cause} ({Path(where.filename).name}:{where.lineno})"
        )
        failed = Check(level, subject, "", "forward", "output", "scratch", Verdict.FAIL, note=note)
        checks = [failed]
    return [replace(check, seed=check.seed or seed) for check in checks]


def entries(case: Case) -> int | None:
    """Return how many entries of a tensor the complex step moves; None for all of a small input."""
    return None if math.prod(case.shape) <= EVERY_ENTRY else oracle.ENTRIES


def check_case(case: Case, dtype: str, seed: int, levels: Iterable[str]) -> list[Check]:
    """Run a layer case through the levels that apply to it."""

    def seeds(level: str, run: Callable[[int], list[Check]], count: int = SEEDS) -> list[Check]:
        return protected(level, case.name, seed, lambda: over_seeds(run, seed, count))

    checks: list[Check] = []
    if "L0" in levels and case.exact:
        checks += seeds("L0", lambda at: exact.run(of_case(case, at, exact=True)))
    if "L1" in levels and dtype == "float64" and case.smooth:
        checks += seeds("L1", lambda at: oracle.run(of_case(case, at), entries(case)), 1)
    if _judged(levels, dtype):
        level = "L2" if dtype == "float64" else "L3"
        checks += seeds(level, lambda at: judge.run(of_case(case, at, dtype), dtype))
    return checks


def check_layer(name: str, dtype: str, seed: int, levels: Iterable[str]) -> list[Check]:
    """Run every case of one layer class."""
    return [check for case in of_layer(name) for check in check_case(case, dtype, seed, levels)]


def _usual_seeds(id: str, size: str) -> int:
    chapter = spec.get(id, size)
    try:
        network = construct(chapter)
    except Exception:  # the levels will say so
        return SEEDS
    return SEEDS_DEEP if is_deep(network.state_dict()) else SEEDS


def check_chapter(
    id: str,
    size: str,
    dtype: str,
    seed: int,
    levels: Iterable[str] | None = None,
    seeds: int | None = None,
    conv: str = "direct",
    steps: int | None = None,
) -> list[Check]:
    """Run a chapter through the levels.

    Args:
        id: chapter.
        size: "tiny" or "full".
        dtype: "float64" or "float32"; decides which levels apply.
        seed: first seed.
        levels: a choice of them, None for all that apply; L0 applies to chapters that have an exact
            form.
        seeds: how many weights and inputs L0, L2 and L3 try; None for SEEDS, or SEEDS_DEEP.
        conv: how scratch convolves where it has the choice; but for "direct" only the levels of
            CONV_LEVELS have a meaning.
        steps: of L5; None for `trajectory.usual_steps`.
    """
    count = _usual_seeds(id, size) if seeds is None else seeds
    chosen = LEVELS[dtype] if levels is None else tuple(levels)

    def pair(at: int) -> Pair:
        return of_chapter(id, size, at, dtype, conv=conv)

    def integers(at: int) -> list[Check]:
        made = of_chapter(id, size, at, exact=True, conv=conv)
        return exact.one_armed(made) or exact.run(made)

    def derivatives(at: int) -> list[Check]:
        made = pair(at)
        return oracle.run(made, oracle.entries(made))

    def over(level: str, run: Callable[[int], list[Check]], count: int = count) -> list[Check]:
        return protected(level, id, seed, lambda: over_seeds(run, seed, count))

    checks: list[Check] = []
    if "L0" in chosen and spec.get(id).exact is not None:
        checks += over("L0", integers)
    if "L1" in chosen and dtype == "float64":
        checks += over("L1", derivatives, 1)
    if _judged(chosen, dtype):
        level = "L2" if dtype == "float64" else "L3"
        checks += over(level, lambda at: judge.run(pair(at), dtype))
    if "L5" in chosen:
        from parity_tests.harness.levels import trajectory

        def train() -> list[Check]:
            length = trajectory.usual_steps(id, size) if steps is None else steps
            return trajectory.run(id, size, seed, length, dtype=dtype)

        checks += protected("L5", id, seed, train)
    if "L6" in chosen:
        from parity_tests.harness.levels import export

        checks += protected("L6", id, seed, lambda: export.run(id, size, seed))
    return checks


def check_optimizer(name: str, dtype: str, seed: int) -> list[Check]:
    """Run one optimizer or schedule case (L4)."""
    from parity_tests.harness.levels import optimiser

    return protected("L4", name, seed, lambda: optimiser.run(name, seed, dtype))


def _judged(levels: Iterable[str], dtype: str) -> bool:
    return ("L2" if dtype == "float64" else "L3") in levels
