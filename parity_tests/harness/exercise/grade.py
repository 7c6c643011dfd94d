"""The grade of one function or class, and how the first thing that is wrong with it is told."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

RIGHT, WRONG, TODO, MISSING = "right", "wrong", "to do", "missing"
NOT_EXACT = "-"  # what it computes cannot be computed without rounding
LEVELS = ("exact", "bounded", "network")


@dataclass(frozen=True)
class Finding:
    """What is wrong.

    Attributes:
        text: where and how, in one line.
        causes: what would explain it; each was tried and fits.
    """

    text: str
    causes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grade:
    """The verdict on one thing that was to be filled in.

    Attributes:
        name: of it.
        state: RIGHT, WRONG, TODO or MISSING.
        exact: RIGHT or WRONG on integers, NOT_EXACT, or "" if it was not run.
        bounded: on real numbers, against the bound of its rounding.
        network: with the whole chapter's backward around it.
        finding: the first thing that is wrong.
        remarks: what is not wrong and still worth a word.
    """

    name: str
    state: str
    exact: str = ""
    bounded: str = ""
    network: str = ""
    finding: Finding | None = None
    remarks: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return dataclasses.asdict(self)


def of_levels(
    name: str, found: dict[str, Finding | str | None], remarks: tuple[str, ...] = ()
) -> Grade:
    """Return the grade that the levels amount to.

    Args:
        name: of what was judged.
        found: by level, in the order in which mistakes are told: a finding, None if it is right,
            or a word that stands in the table.
        remarks: likewise.
    """
    first = next((one for one in found.values() if isinstance(one, Finding)), None)
    cells = {
        level: one if isinstance(one, str) else RIGHT if one is None else WRONG
        for level, one in found.items()
    }
    return Grade(name, WRONG if first else RIGHT, **cells, finding=first, remarks=remarks)
