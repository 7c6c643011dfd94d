"""Draw cases, hold scratch to them, and write what fails, once it is as small as it gets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parity_tests.harness import drawn, failures
from parity_tests.harness.drawn import Drawn
from parity_tests.harness.verdict import Check, Verdict

Array = np.ndarray[Any, np.dtype[Any]]

CI, LONG = 50, 500
COMMAND = "python -m parity_tests.properties"


@dataclass
class Count:
    """How much was drawn.

    Attributes:
        drawn: cases.
        judged: those of which at least one tensor was compared and had something in it.
    """

    drawn: int = 0
    judged: int = 0


class PropertyError(AssertionError):
    """A drawn case fails; the message says where, and how to see it again."""


def profile(examples: int) -> settings:
    """Return the settings: the same draws every time for CI, new ones in a long run."""
    return settings(
        max_examples=examples,
        derandomize=examples <= CI,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),  # a slow machine is no failure
    )


def hold(cases: st.SearchStrategy[Drawn], examples: int, root: Path) -> Count:
    """Check so many draws.

    Args:
        cases: what is drawn.
        examples: how many.
        root: where the golden folder of a failure goes.

    Returns:
        How many there were and how many said something.

    Raises:
        PropertyError: one fails; it has been shrunk and written.
    """
    count = Count()
    last: list[tuple[Drawn, Check]] = []

    @profile(examples)
    @given(cases)
    def every(case: Drawn) -> None:
        checks = drawn.check(case)
        count.drawn += 1
        count.judged += any(check.verdict is Verdict.PASS for check in checks)
        wrong = drawn.first(checks)
        if wrong is not None:
            last[:] = [(case, wrong)]  # the smallest is run last
            raise PropertyError(wrong.divergence())

    try:
        every()
    except PropertyError as error:
        raise PropertyError(report(*last[0], root)) from error
    return count


def report(case: Drawn, wrong: Check, root: Path) -> str:
    """Write the golden folder of a failure and return the lines that name it."""
    pair = drawn.pair_of(case)
    dtype = "float32" if wrong.engine.endswith("float32") else "float64"

    def run() -> dict[str, Array]:
        return failures.named(drawn.found_by(pair, dtype, drawn.LAYOUTS[case.layout]))

    first = wrong.divergence()
    note = {"divergence": first, "draw": case.text()}
    lines = [
        first,
        f"drawn: {case.case.layer} {dict(case.case.arguments)} on {case.case.shape},"
        f" values {case.case.values or 'ordinary'}, memory {case.layout}, seed {case.seed}",
    ]
    try:
        folder = failures.write(root, case.case.layer, pair, run, note)
    except Exception as error:  # a full disk, or whatever else, must not hide what failed
        why = f"golden: not written ({type(error).__name__}: {error})"
        return "\n".join([*lines, f"draw: {case.text()}", why])
    file = folder / failures.NOTE
    return "\n".join([*lines, f"reproduce: {COMMAND} {file}", failures.line(folder)])
