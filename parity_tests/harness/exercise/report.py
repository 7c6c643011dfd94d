"""Grades as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from parity_tests.harness.exercise.grade import MISSING, RIGHT, TODO, WRONG, Finding, Grade
from parity_tests.harness.exercise.session import Together

SCHEMA = 1


def table(grades: Sequence[Grade]) -> str:
    """Return a line per function: what each level says."""
    from tabulate import tabulate

    rows = [(one.name, *_cells(one)) for one in grades]
    headers = ("function", "exact", "bounded", "network")
    return str(tabulate(rows, headers, disable_numparse=True))


def _cells(one: Grade) -> tuple[str, ...]:
    if one.state in (TODO, MISSING):
        return (one.state, "", "")
    return (one.exact, one.bounded, one.network)


def verdict(grades: Sequence[Grade]) -> str:
    """Return the count, the first thing that is wrong and how, then the others in a line each."""
    right = sum(one.state == RIGHT for one in grades)
    kind = "function" if len(grades) == 1 else "functions"
    lines = [f"{right} of {len(grades)} {kind} right"]
    todo = [one.name for one in grades if one.state == TODO]
    lines += [f"to do: {', '.join(todo)}"] if todo else []
    missing = [one.name for one in grades if one.state == MISSING]
    lines += [f"no longer in the file: {', '.join(missing)}"] if missing else []
    wrong = [one for one in grades if one.state == WRONG]
    for number, one in enumerate(wrong):
        assert one.finding is not None
        lines += told("first wrong: " if number == 0 else "then ", one.name, one.finding)
    lines += [f"remark: {one.name}: {text}" for one in grades for text in one.remarks]
    return "\n".join(lines)


def told(lead: str, name: str, finding: Finding) -> list[str]:
    """Return a finding, and its causes below it."""
    causes = [f"  {_sentence(cause)}" for cause in finding.causes]
    return [f"{lead}{name}: {finding.text}", *causes]


def _sentence(cause: str) -> str:
    """Causes are conditions, but for those that count or observe."""
    observed = cause[:1].isdigit() or cause.startswith(("it holds", "it is right to", "!"))
    return cause.removeprefix("!") if observed else f"it fits if {cause}"


def together(one: Together) -> str:
    """Return what an independent judge says of everything at once."""
    if one.finding is None:
        return f"{one.judge}: agrees on all {one.tensors} tensors of the network"
    return "\n".join(told(f"{one.judge}: ", "the whole network", one.finding))


def document(chapter: str, grades: Sequence[Grade], judges: Sequence[Together]) -> str:
    """Return everything as versioned JSON."""
    plain = {
        "schema": SCHEMA,
        "chapter": chapter,
        "right": sum(one.state == RIGHT for one in grades),
        "functions": [one.plain() for one in grades],
        "together": [
            {"judge": j.judge, "tensors": j.tensors, "finding": j.finding and j.finding.text}
            for j in judges
        ],
    }
    return json.dumps(plain, indent=1) + "\n"
