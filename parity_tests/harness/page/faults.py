"""What `make mutants` found, for the page: who noticed which planted fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity_tests.harness import power
from scratch.spec import UserError


@dataclass(frozen=True)
class Fault:
    """One planted fault and who noticed it.

    Attributes:
        fault: what was done, such as "kernel flipped in dx".
        place: where.
        killed_by: level that noticed first, "" if none did.
        policies: whether the usual tolerances of other projects would have noticed.
    """

    fault: str
    place: str
    killed_by: str
    policies: dict[str, bool]


@dataclass(frozen=True)
class Faults:
    """The catalogue, and the other two counts in words."""

    rows: tuple[Fault, ...]
    more: tuple[str, ...]

    @property
    def alive(self) -> int:
        """How many nobody noticed."""
        return sum(not row.killed_by for row in self.rows)

    @property
    def policies(self) -> dict[str, int]:
        """How many every policy would have noticed."""
        names = dict.fromkeys(name for row in self.rows for name in row.policies)
        return {name: sum(row.policies.get(name, False) for row in self.rows) for name in names}


def read(path: Path) -> Faults:
    """Return what a file of `make mutants` says.

    Raises:
        UserError: it cannot be read, or is no such file, or without the catalogue.
    """
    try:
        found = power.load(path)
        if found["catalogue"] is None:
            raise UserError(f"{path}: without the catalogue; run scripts/mutants.py --catalogue")
        rows = tuple(_fault(row) for row in found["catalogue"]["rows"])
        return Faults(rows, tuple(_more(found)))
    except OSError as error:
        raise UserError(f"--mutants {path}: cannot be read ({error.strerror})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"--mutants {path}: not a table of mutants ({error!r})") from error


def _fault(row: Mapping[str, Any]) -> Fault:
    policies = {str(name): bool(killed) for name, killed in row["policies"].items()}
    return Fault(str(row["fault"]), str(row["place"]), str(row["killed_by"] or ""), policies)


def _more(found: Mapping[str, Any]) -> list[str]:
    from parity_tests.harness import attribution_count

    lines = []
    if found["attribution"]:
        right, tried = attribution_count.totals(found["attribution"])
        lines.append(
            f"Small faults (a factor of 1.001, a wire in the wrong place) were planted in the "
            f"chapters' small networks: {right:,} of {tried:,} were blamed on the right module."
        )
    generic = found["generic"]
    if generic and generic["score"] is not None:
        lines.append(
            f"Of {generic['killed'] + generic['survived']:,} small edits of the source of scratch "
            f"the tests noticed {100 * generic['score']:.1f} %."
        )
    return lines
