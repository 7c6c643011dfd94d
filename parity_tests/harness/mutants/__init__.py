"""The catalogue of planted faults: each must be killed, and the right place must be blamed.

A suite that has never failed has shown nothing. Each fault is planted in scratch, one at a time,
and the levels are run on what it touches; the table says which of them noticed.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from parity_tests.harness import cases, runner
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.levels import exact, judge, optimiser, oracle, trajectory
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.mutants import (
    adaptive,
    conv,
    curves,
    engine,
    functions,
    joins,
    linear,
    loss,
    lrn,
    norm,
    optimizer,
    pointwise,
    pool,
    recurrent,
    tiles,
    winograd,
    wiring,
)
from parity_tests.harness.mutants.fault import Fault
from parity_tests.harness.pair import Pair, of_chapter
from parity_tests.harness.verdict import Check, Verdict
from scratch import spec

FAULTS: tuple[Fault, ...] = (
    *linear.FAULTS,
    *conv.FAULTS,
    *tiles.FAULTS,
    *winograd.FAULTS,
    *pool.FAULTS,
    *pointwise.FAULTS,
    *loss.FAULTS,
    *curves.FAULTS,
    *norm.FAULTS,
    *lrn.FAULTS,
    *joins.FAULTS,
    *functions.FAULTS,
    *recurrent.FAULTS,
    *engine.FAULTS,
    *wiring.FAULTS,
    *optimizer.FAULTS,
    *adaptive.FAULTS,
)
LEVELS = ("L0", "L2", "L3", "L1", "L4", "L5")
STEPS = 20  # of a trajectory


def named(name: str, subject: str = "") -> Fault:
    """Return the one fault of a name.

    Args:
        name: as in the catalogue.
        subject: what it is planted in, where several faults have the name.

    Raises:
        ValueError: none is called so, or several are.
    """
    found = [f for f in FAULTS if f.name == name and (not subject or subject in f.subjects)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} faults are called {name!r} in {subject or 'the catalogue'}")
    return found[0]


@dataclass
class Outcome:
    """What the levels made of a fault.

    Attributes:
        fault: which.
        killers: the levels that failed, in the order in which they ran.
        applicable: the levels that had something to run.
        found: first divergences of the first subject that failed at the first killing level.
    """

    fault: Fault
    killers: list[str] = field(default_factory=list)
    applicable: list[str] = field(default_factory=list)
    found: list[Check] = field(default_factory=list)

    @property
    def killed(self) -> bool:
        """Whether any level noticed."""
        return bool(self.killers)

    @property
    def blamed(self) -> str:
        """Where the first divergence was seen, as in `Fault.blame`."""
        if not self.found:
            return ""
        first = self.found[0]
        where = first.where if first.subject in spec.ids() else first.module
        return " ".join(part for part in (first.direction, where, first.tensor) if part)

    @property
    def blames_the_right_place(self) -> bool:
        """Whether that is the place where the fault was planted."""
        return f"{self.blamed} ".startswith(f"{self.fault.blame} ")


def run(
    faults: Iterable[Fault] = FAULTS, levels: Sequence[str] = LEVELS, every_level: bool = True
) -> list[Outcome]:
    """Plant the faults one at a time and run the levels on them.

    Args:
        faults: which.
        levels: in the order in which they run.
        every_level: go on after the first level that kills, so as to fill the table.
    """
    return [outcome(fault, levels, every_level) for fault in faults]


def outcome(fault: Fault, levels: Sequence[str] = LEVELS, every_level: bool = True) -> Outcome:
    """Plant one fault and run the levels; arguments as in `run`."""
    result = Outcome(fault)
    with fault.planted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a warning is not a verdict
        for level in levels:
            failing = _first_failing(fault, level, result)
            if failing is None:
                continue
            result.killers.append(level)
            result.found = result.found or first_divergences(failing)
            if not every_level:
                break
    return result


def blamed_layers(fault: Fault, id: str) -> list[str]:
    """Return which layer class is blamed in a chapter with the fault, at L0 and at L2.

    Nothing for a level that does not notice: a chapter does not use every option of a layer.
    """
    found = []
    for level in ("L0", "L2"):
        with fault.planted(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pair = of_chapter(id, "tiny", exact=level == "L0")
            checks = exact.run(pair) if level == "L0" else judge.run(pair, "float64")
        if any(check.verdict is Verdict.FAIL for check in checks):
            path = first_divergences(checks)[0].module
            found.append(type(dict(pair.scratch.named_modules())[path]).__name__)
    return found


def _first_failing(fault: Fault, level: str, result: Outcome) -> list[Check] | None:
    """Return the checks of the first subject that fails at a level, None if all pass."""
    for make in runs(fault.subjects, level):
        if level not in result.applicable:
            result.applicable.append(level)
        checks = runner.protected(level, fault.name, 0, functools.partial(runner.redrawn, make, 0))
        if any(check.verdict is Verdict.FAIL for check in checks):
            return checks
    return None


def runs(subjects: Sequence[str], level: str) -> Iterator[Callable[[int], list[Check]]]:
    """Yield what runs a level on each case of each subject, given a seed."""
    for subject in subjects:
        if subject in spec.ids():
            yield from _of_chapter(subject, level)
        elif subject in optimiser.CASES:
            yield from _of_optimizer(subject, level)
        else:
            for case in cases.of_layer(subject):
                yield from _of_case(case, level)


def _of_chapter(id: str, level: str) -> Iterator[Callable[[int], list[Check]]]:
    if level == "L0":
        if spec.get(id).exact is not None:
            yield lambda seed: exact.run(of_chapter(id, "tiny", seed, exact=True))
    elif level == "L1":
        yield lambda seed: _derivatives(of_chapter(id, "tiny", seed))
    elif level in ("L2", "L3"):
        dtype = "float64" if level == "L2" else "float32"
        yield lambda seed: judge.run(of_chapter(id, "tiny", seed, dtype), dtype)
    elif level == "L5":
        yield lambda seed: trajectory.run(id, seed=seed, steps=STEPS)


def _derivatives(pair: Pair) -> list[Check]:
    return oracle.run(pair, oracle.entries(pair))


def _of_case(case: cases.Case, level: str) -> Iterator[Callable[[int], list[Check]]]:
    if level == "L0" and case.exact:
        yield lambda seed: exact.run(of_case(case, seed, exact=True))
    elif level == "L1" and case.smooth:
        yield lambda seed: oracle.run(of_case(case, seed), runner.entries(case))
    elif level in ("L2", "L3"):
        dtype = "float64" if level == "L2" else "float32"
        yield lambda seed: judge.run(of_case(case, seed, dtype), dtype)


def _of_optimizer(name: str, level: str) -> Iterator[Callable[[int], list[Check]]]:
    if level == "L4":
        yield lambda seed: optimiser.run(name, seed)


def table(outcomes: Sequence[Outcome], levels: Sequence[str] = LEVELS) -> str:
    """Return one line per fault: which levels killed it, and what was blamed."""
    from tabulate import tabulate

    rows = []
    for one in outcomes:
        marks = [
            "killed" if level in one.killers else "passed" if level in one.applicable else ""
            for level in levels
        ]
        rows.append((one.fault.name, ", ".join(one.fault.subjects), *marks, one.blamed))
    return tabulate(rows, ("fault", "in", *levels, "blamed"))
