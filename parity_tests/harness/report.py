"""What the checks amount to, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from parity_tests.harness.environment import now
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.verdict import SETTLED, Check, Verdict, worst

LEVELS = {
    "L0": "exact arithmetic",
    "L1": "backward against the complex step",
    "L2": "float64 against torch float64",
    "L3": "float32 against float64 truth",
    "L4": "optimizer steps",
    "L5": "training trajectory",
    "L6": "exported file",
}


def table(checks: Sequence[Check]) -> str:
    """Return `rows` as text."""
    from tabulate import tabulate

    headers, body = rows(checks)
    return tabulate(body, headers, disable_numparse=True)


def rows(checks: Sequence[Check]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return one row per subject, level and engine: how much was compared and how close it is.

    Returns:
        The headers and the rows.
    """
    body: list[tuple[str, ...]] = []
    for (subject, level, engine), group in _groups(checks).items():
        top = max(group, key=lambda check: (check.failing, check.used))
        where = ".".join(part for part in (top.module, top.tensor) if part)
        body.append(
            (
                subject,
                level,
                _named(level, group),
                engine,
                str(len(group)),
                _closeness(level, top),
                where if top.used or top.failing else "",
                str(worst(group)),
            )
        )
    headers = ("subject", "", "level", "engine", "tensors", "worst", "at", "verdict")
    return headers, body


def summary(subjects: dict[str, list[Check]]) -> str:
    """Return one line per subject and a last line with the counts."""
    from tabulate import tabulate

    rows = []
    for subject, checks in subjects.items():
        levels = " ".join(dict.fromkeys(check.level for check in checks))
        top = max((c.used for c in checks if c.level not in ("L0",)), default=0.0)
        rows.append((subject, levels, len(checks), f"{top:.2f}", str(worst(checks))))
    headers = ("subject", "levels", "tensors", "largest share of a bound", "verdict")
    counts = [str(worst(checks)) for checks in subjects.values()]
    tally = ", ".join(f"{counts.count(v)} {v}" for v in Verdict if v in counts)
    return tabulate(rows, headers, disable_numparse=True) + f"\n{len(subjects)} subjects: {tally}"


def failure_lines(subject: str, checks: Sequence[Check], arguments: str) -> list[str]:
    """Return the lines that name where the twins part and how to see it again.

    Args:
        subject: chapter, layer or optimizer.
        checks: all checks of it.
        arguments: of `python -m parity_tests`, without seed and levels.
    """
    found = first_divergences(checks)
    if not found:
        return []
    first, *more = found
    lines = [first.divergence()]
    lines += [f"then: {check.divergence().partition(': ')[2]}" for check in more]
    return [*lines, f"reproduce: {reproducer(first, arguments)}"]


def reproducer(check: Check, arguments: str) -> str:
    """Return the command that shows a check again; arguments as in `failure_lines`."""
    return f"python -m parity_tests {arguments} --seed {check.seed} --levels {check.level}"


def settled_lines(checks: Sequence[Check]) -> list[str]:
    """Return a line for every tensor that more than its usual bound had to decide."""
    found = [c for c in checks if c.verdict is Verdict.PASS and c.note.startswith(SETTLED)]
    return [f"{c.direction} {c.where} {c.tensor}: {c.note}" for c in found]


def kink_lines(checks: Sequence[Check], arguments: str) -> list[str]:
    """Return a line for what no draw could tell; none where something fails, which says more.

    A kink is no failure: it blurs what a block makes of its input, not what a layer does, and each
    unit beyond it lay there within rounding. It is no proof either. Arguments as in
    `failure_lines`.
    """
    kinks = [check for check in checks if check.verdict is Verdict.KINK]
    if not kinks or any(check.failing for check in checks):
        return []
    first = next((check for check in kinks if check.tensor != "mask"), kinks[0])
    shown = f"{first.direction} {first.where} {first.tensor} ({first.note})"
    wider = arguments.replace("float32", "float64")
    command = f"python -m parity_tests {wider} --seed {first.seed} --levels L2"
    return [
        f"not proven here: {len(kinks)} of {len(checks)} comparisons lie beyond a kink, first "
        f"{shown}; float64 can tell: {command}"
    ]


def environment() -> dict[str, Any]:
    """Return versions, processor and threads as plain values; imports none of the packages."""
    return asdict(now())


def _groups(checks: Iterable[Check]) -> dict[tuple[str, str, str], list[Check]]:
    groups: dict[tuple[str, str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.subject, check.level, check.engine), []).append(check)
    return groups


def _named(level: str, checks: Sequence[Check]) -> str:
    """Return what a level does, and of a training how long it was."""
    lengths = [check.curve.steps[-1] for check in checks if check.curve]
    return LEVELS.get(level, "") + (f", {max(lengths):,} steps" if lengths else "")


def _closeness(level: str, check: Check) -> str:
    if level == "L0":
        return f"difference {check.used:g}"
    return f"{check.used:.2g} of the bound"
