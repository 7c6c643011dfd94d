"""What the judgement of one module leaves behind: for the blocks around it, and for later runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from parity_tests.harness import nulls
from parity_tests.harness.verdict import Check


class Known(NamedTuple):
    """What the layers tell the blocks around them about the gradients of their parameters.

    Attributes:
        limits: tolerance of each in its own layer. A block is allowed it on top of what reaches
            the layer: a bias of a large map adds up thousands of numbers that nearly cancel, and
            one before a batch normalisation may cancel wholly.
        reach: how many entries of each can be non-zero.
    """

    limits: nulls.Units
    reach: dict[str, int]


@dataclass
class Earlier:
    """The checks of every call of a pair, for runs in which one module has been changed.

    Every module is judged by itself, with the reference's own tensors. So a change of one module
    touches the checks of that module and of the blocks around it, and no others: of the hundreds
    of calls of a deep network a handful have to be judged anew.

    Attributes:
        changed: path of the module that has been changed since; None while checks are kept.
        held: checks of every call, by path, number and precision, and what was known after it.
    """

    changed: str | None = None
    held: dict[tuple[str, int, str], tuple[list[Check], Known]] = field(default_factory=dict)

    @property
    def proven(self) -> bool:
        """Whether what depends on the reference alone has been looked at, and found in order."""
        return self.changed is not None and bool(self.held)

    def place(
        self,
        path: str,
        call: int,
        dtype: str,
        judge: Callable[[], list[Check]],
        known: Known | None = None,
    ) -> list[Check]:
        """Return the checks of a call: as they were, where the change does not touch it, or anew.

        Args:
            path: of the module.
            call: the how-manieth.
            dtype: of the judged side.
            judge: makes the checks.
            known: what the layers tell; a layer that is not judged anew tells again what it told.
        """
        known = Known({}, {}) if known is None else known
        key = path, call, dtype
        if self.changed is None:
            checks = judge()
            self.held[key] = checks, Known(*(_below(path, told) for told in known))
            return checks
        if path in around(self.changed):
            return judge()
        checks, then = self.held[key]
        known.limits.update(then.limits)
        known.reach.update(then.reach)
        return checks


def _below(path: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{path}.{name}": value for name, value in nulls.below(path, told).items()}


def around(path: str) -> set[str]:
    """Return a module's path and those of the blocks around it.

    >>> sorted(around("a.b.c"))
    ['', 'a', 'a.b', 'a.b.c']
    """
    parts = path.split(".") if path else []
    return {".".join(parts[:count]) for count in range(len(parts) + 1)}
