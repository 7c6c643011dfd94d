"""What the records of the mutants amount to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from parity_tests.harness.mutation import allowed
from parity_tests.harness.mutation.session import KILLED, SURVIVED, UNTRIED, Record
from parity_tests.harness.mutation.source import PLACES, Mutant

WANTED = 0.95


def sample(mutants: Sequence[Mutant], count: int | None, seed: int) -> list[Mutant]:
    """Return so many mutants, in an order that follows from seed and key.

    A larger sample holds the smaller ones, and a change of the code leaves the rest of a sample.
    """

    def place(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).hexdigest()

    return sorted(mutants, key=place)[:count]


def summary(
    mutants: Sequence[Mutant],
    records: Mapping[str, Record],
    total: int,
    seed: int | None,
    reasons: Mapping[str, tuple[str, str, str]] | None = None,
) -> dict[str, Any]:
    """Return the figures and the survivors, as plain values.

    Args:
        mutants: those that were to be tried.
        records: of those that were.
        total: how many there are in all.
        seed: of the sample, None for no sample.
        reasons: the allow-list; None reads it.
    """
    reasons = allowed.load() if reasons is None else reasons
    tried = [mutant for mutant in mutants if mutant.key in records]

    def of(status: str, place: str = "") -> list[Mutant]:
        return [
            mutant
            for mutant in tried
            if records[mutant.key].status == status and mutant.file.startswith(place)
        ]

    lived = of(SURVIVED)
    gaps = [mutant for mutant in lived if mutant.key not in reasons]
    judged = len(of(KILLED)) + len(gaps)
    return {
        "all": total,
        "sample": None if seed is None else {"size": len(mutants), "seed": seed},
        "tried": len(tried) - len(of(UNTRIED)),
        "untried": len(of(UNTRIED)),
        "killed": len(of(KILLED)),
        "equivalent": len(lived) - len(gaps),
        "survived": len(gaps),
        "score": len(of(KILLED)) / judged if judged else None,
        "places": {
            place: {
                "killed": len(of(KILLED, place)),
                "survived": sum(mutant.file.startswith(place) for mutant in gaps),
                "equivalent": sum(m.file.startswith(place) for m in lived if m.key in reasons),
            }
            for place in PLACES
        },
        "survivors": [
            {
                "key": mutant.key,
                "place": mutant.place,
                "line": mutant.line,
                "operator": mutant.operator,
                "change": mutant.change,
                "reason": reasons[mutant.key][2] if mutant.key in reasons else "",
            }
            for mutant in sorted(lived, key=lambda mutant: (mutant.file, mutant.line))
        ],
    }


def text(found: Mapping[str, Any]) -> str:
    """Return every survivor with its reason, those without one last, and the figures in words."""
    lines = []
    for reasoned in (True, False):
        of = [one for one in found["survivors"] if bool(one["reason"]) is reasoned]
        words = "change no result" if reasoned else "SURVIVE: a test is missing"
        lines += [f"{len(of)} edits {words}:"] if of else []
        for one in of:
            lines.append(f"  {one['place']}:{one['line']} {one['operator']} [{one['key']}]")
            lines.append(f"    {one['change']}")
            lines += [f"    {one['reason']}"] if reasoned else []
    for place, of_place in found["places"].items():
        if judged := of_place["killed"] + of_place["survived"]:
            lines.append(f"{place}: {of_place['killed']} of {judged} killed")
    drawn = "" if found["sample"] is None else f", a sample with seed {found['sample']['seed']}"
    score = "nothing tried" if found["score"] is None else f"{100 * found['score']:.1f} % killed"
    lines.append(
        f"generic mutants: {score}: {found['killed']} of {found['killed'] + found['survived']} "
        f"that change a result; {found['equivalent']} change none, for the reasons given; "
        f"{found['tried']} tried of {found['all']}{drawn}; "
        f"{found['untried']} work at import alone and cannot be put in"
    )
    return "\n".join(lines)
