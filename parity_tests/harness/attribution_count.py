"""How many small faults are attributed to the module that has them, over all chapters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from parity_tests.harness import attribution
from parity_tests.harness.kept import Kept
from parity_tests.harness.traits import is_deep
from scratch import spec
from scratch.build import construct

Progress = Callable[[Sequence[Any], str], Iterable[Any]]


def run(
    ids: Sequence[str] = (),
    deep: int | None = None,
    progress: Progress = lambda values, _: values,
    kept: Kept | None = None,
) -> dict[str, Any]:
    """Plant small faults in every tiny network and return the counts as plain values.

    Args:
        ids: chapters, none for all.
        deep: how many faults of a deep network are planted, spread over all of it; None for all.
        progress: wraps an iteration over a list, given what it is of.
        kept: rows of an interrupted run, to which new ones are added.
    """
    kept = Kept() if kept is None else kept
    rows = []
    for id in progress(ids or spec.ids(), "chapters"):
        chapter = spec.get(id, "tiny")
        is_one = is_deep(construct(chapter).state_dict())
        most = deep if is_one else None
        for form in attribution.FORMS if chapter.exact and not is_one else attribution.FORMS[:1]:
            make = functools.partial(_row, id, form, most)
            rows.append(kept.row(f"{id}, {form}, {most or 'all'}", make))
    return {"rows": rows}


def _row(id: str, form: str, most: int | None) -> dict[str, Any]:
    attempts = attribution.run(id, form=form, most=most)
    tried = [attempt for attempt in attempts if not attempt.skipped]

    def count(direction: str) -> list[int]:
        of = [attempt for attempt in tried if attempt.expected.startswith(direction)]
        return [sum(attempt.right for attempt in of), len(of)]

    reasons = [attempt.skipped for attempt in attempts if attempt.skipped]
    return {
        "chapter": id,
        "form": form,
        "sampled": most is not None,
        "forward": count("forward"),
        "backward": count("backward"),
        "not_tried": {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)},
        "wrong": [
            {"fault": attempt.fault, "expected": attempt.expected, "blamed": attempt.blamed}
            for attempt in tried
            if not attempt.right
        ],
    }


def totals(found: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many were attributed rightly, and of how many."""
    pairs = [row[direction] for row in found["rows"] for direction in ("forward", "backward")]
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def text(found: Mapping[str, Any]) -> str:
    """Return one line per chapter and form, the wrong ones, and the sum."""
    from tabulate import tabulate

    rows = [
        (
            row["chapter"],
            row["form"] + (" (some)" if row["sampled"] else ""),
            *(f"{right} of {tried}" for right, tried in (row["forward"], row["backward"])),
            "; ".join(f"{count}: {reason}" for reason, count in row["not_tried"].items()),
        )
        for row in found["rows"]
    ]
    lines = [tabulate(rows, ("chapter", "form", "forward", "backward", "not tried"))]
    for row in found["rows"]:
        for wrong in row["wrong"]:
            blamed = wrong["blamed"] or "nothing"
            lines.append(f"WRONG {row['chapter']}, {row['form']}: {wrong['fault']}: {blamed}")
    right, tried = totals(found)
    lines.append(f"attribution: {right} of {tried} small faults blamed on the right module")
    return "\n".join(lines)
