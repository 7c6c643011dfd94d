"""The catalogue as a table: who killed each fault, who was blamed, who would have let it live."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from parity_tests.harness import mutants
from parity_tests.harness.kept import Kept
from parity_tests.harness.mutants import usual
from parity_tests.harness.mutants.fault import Fault
from parity_tests.harness.mutants.policies import POLICIES

Progress = Callable[[Sequence[Any], str], Iterable[Any]]


def run(
    faults: Sequence[Fault],
    progress: Progress = lambda values, _: values,
    kept: Kept | None = None,
) -> dict[str, Any]:
    """Plant every fault and return the table as plain values.

    Args:
        faults: of `mutants.FAULTS`.
        progress: wraps an iteration over a list, given what it is of.
        kept: rows of an interrupted run, to which new ones are added.
    """
    kept = Kept() if kept is None else kept
    rows = [
        kept.row(fault.name, functools.partial(_row, fault)) for fault in progress(faults, "faults")
    ]
    policies = [
        {
            "name": policy.name,
            "source": policy.source,
            "rtol": policy.rtol,
            "atol": policy.atol,
            "gradient_atol": policy.gradient_atol,
            "cotangent": "ones" if policy.ones else "random",
        }
        for policy in POLICIES
    ]
    return {"policies": policies, "rows": rows}


def _row(fault: Fault) -> dict[str, Any]:
    found = mutants.outcome(fault, every_level=False)
    return {
        "fault": fault.name,
        "place": " and ".join(f"scratch.{path}" for path, _ in fault.plants),
        "subjects": list(fault.subjects),
        "killed_by": found.killers[0] if found.killed else None,
        "blamed": found.killed and found.blames_the_right_place,
        "blamed_place": found.blamed,
        "policies": usual.killed_by(fault),
    }


def survivors(found: Mapping[str, Any]) -> dict[str, int]:
    """Return how many faults each policy would have let live."""
    return {
        policy["name"]: sum(not row["policies"][policy["name"]] for row in found["rows"])
        for policy in found["policies"]
    }


def levels(found: Mapping[str, Any]) -> dict[str, int]:
    """Return how many faults each level killed first."""
    killers = [row["killed_by"] for row in found["rows"] if row["killed_by"]]
    return {level: killers.count(level) for level in mutants.LEVELS if level in killers}


def right(found: Mapping[str, Any]) -> int:
    """Return how many faults were killed with the right place blamed."""
    return sum(row["killed_by"] is not None and row["blamed"] for row in found["rows"])


def text(found: Mapping[str, Any]) -> str:
    """Return one line per fault and the sums."""
    from tabulate import tabulate

    names = [policy["name"] for policy in found["policies"]]
    rows = [
        (
            row["fault"],
            row["place"],
            row["killed_by"] or "LIVES",
            "yes" if row["blamed"] else f"NO: {row['blamed_place'] or 'nothing'}",
            ", ".join(name for name in names if not row["policies"][name]),
        )
        for row in found["rows"]
    ]
    headers = ("fault", "planted in", "killed by", "blamed", "would live under")
    count = len(rows)
    killed = sum(row["killed_by"] is not None for row in found["rows"])
    lines = [
        tabulate(rows, headers),
        "would have let live: " + ", ".join(f"{name} {n}" for name, n in survivors(found).items()),
        f"catalogue: {killed} of {count} killed, {right(found)} with the right place blamed; "
        + ", ".join(f"{level} {n}" for level, n in levels(found).items()),
    ]
    return "\n".join(lines)
