"""How much power the proof has, as one versioned file: catalogue, attribution, generic mutants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scratch.run.files import atomic_write
from scratch.spec import UserError

SCHEMA = 1
PARTS = ("catalogue", "attribution", "generic")


def load(path: Path) -> dict[str, Any]:
    """Return what a file holds; a part that was not run is None.

    Raises:
        UserError: the file is not one of these.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise UserError(f"{path}: schema {found['schema']}, this version reads {SCHEMA}")
        return {"schema": SCHEMA, **{part: found[part] for part in PARTS}}
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: not a file of scripts/mutants.py --json ({error!r})") from error


def save(path: Path, parts: Mapping[str, Any]) -> None:
    """Write the parts that were run; those that an earlier file holds stay."""
    held = load(path) if path.exists() else dict.fromkeys(PARTS)
    found = {"schema": SCHEMA, **{part: parts.get(part) or held[part] for part in PARTS}}
    atomic_write(path, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())


def failures(parts: Mapping[str, Any], wanted: float) -> list[str]:
    """Return in words what falls short: a fault alive or misplaced, too low a score.

    Args:
        parts: some of `PARTS`, as they were run.
        wanted: share of the generic mutants that must be killed.
    """
    found = []
    for row in (parts.get("catalogue") or {}).get("rows", ()):
        if row["killed_by"] is None:
            found.append(f"the fault {row['fault']!r} lives")
        elif not row["blamed"]:
            found.append(f"the fault {row['fault']!r} is blamed on {row['blamed_place']}")
    for row in (parts.get("attribution") or {}).get("rows", ()):
        found += [f"{row['chapter']}: {wrong['fault']} is misplaced" for wrong in row["wrong"]]
    score = (parts.get("generic") or {}).get("score")
    if score is not None and score < wanted:
        found.append(f"{100 * score:.1f} % of the generic mutants are killed, not {100 * wanted} %")
    return found


def markdown(parts: Mapping[str, Any]) -> str:
    """Return the figures as a table and two sentences for the README.

    Raises:
        UserError: a part holds a selection, which would be read as the whole.
    """
    from parity_tests.harness import attribution_count
    from parity_tests.harness.mutants import scoreboard

    for part in PARTS:
        if parts[part] and parts[part].get("only"):
            chosen = ", ".join(parts[part]["only"])
            raise UserError(f"the {part} of scripts/mutants.py holds {chosen} alone: make mutants")
    lines = []
    if parts["catalogue"]:
        found = parts["catalogue"]
        count = len(found["rows"])
        first = ", ".join(f"{level} {n}" for level, n in scoreboard.levels(found).items())
        lines += [
            f"Of {count} realistic faults planted one at a time {scoreboard.right(found)} are "
            f"killed with the right place blamed (first by {first}). Given the same outputs, the "
            "usual tolerances of other projects would have let live:",
            "",
        ]
        survivors = scoreboard.survivors(found)
        lines += [
            "| " + " | ".join(("these bounds", *survivors)) + " |",
            "|" + "---|" * (len(survivors) + 1),
            "| "
            + " | ".join(map(str, (count - scoreboard.right(found), *survivors.values())))
            + " |",
            "",
        ]
    if parts["attribution"]:
        right, tried = attribution_count.totals(parts["attribution"])
        lines.append(
            f"Small faults (a factor of 1.001, a wire in the wrong place) in the chapters' tiny "
            f"networks{_sampled(parts['attribution'])}: {right:,} of {tried:,} blamed on the right "
            "module."
        )
    if parts["generic"] and parts["generic"]["score"] is not None:
        found = parts["generic"]
        judged = found["killed"] + found["survived"]
        drawn = "" if found["sample"] is None else f", drawn from {found['all']:,}"
        lines.append(
            f"Generic mutants of `scratch/ops`, `nn`, `optim` and `schedule`: "
            f"{100 * found['score']:.1f} % of {judged:,} killed{drawn}."
        )
    return "\n".join(lines)


def _sampled(found: Mapping[str, Any]) -> str:
    """Return in words of how many networks only some faults were planted, "" if of none."""
    some = {row["chapter"] for row in found["rows"] if row["sampled"]}
    return f" (of {len(some)} deep ones a few each)" if some else ""
