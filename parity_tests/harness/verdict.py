"""What one comparison, and a list of them, amounts to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Outcome of a comparison, from best to worst."""

    PASS = "PASS"
    KINK = "KINK"  # a unit lies on the other side of a kink, as rounding explains; draw anew
    PRECISION_PATH = "PRECISION-PATH"  # right logic, computed in TF32 or bfloat16
    MISTRUSTED = "MISTRUSTED"  # the comparison had too little power to mean anything
    FAIL = "FAIL"


_ORDER = list(Verdict)
FAILING = (Verdict.FAIL, Verdict.MISTRUSTED)
SETTLED = "settled"  # begins the note of a check that more than its usual bound had to decide


@dataclass(frozen=True)
class Curve:
    """How far two runs are apart, step by step.

    Attributes:
        steps: numbers of the steps, from 1; of many steps one stands for its neighbours.
        gaps: largest relative distance of the losses since the step before in `steps`.
        horizon: first step at which the distance passed `threshold`; None if it never did.
        threshold: relative distance at which two runs have parted.
    """

    steps: tuple[int, ...]
    gaps: tuple[float, ...]
    horizon: int | None
    threshold: float


@dataclass(frozen=True)
class Check:
    """One comparison of one tensor.

    Attributes:
        level: "L0" ... "L6".
        subject: chapter, layer case or optimiser.
        module: path of the module, "" for the whole network.
        direction: "forward", "backward", "step" or "export".
        tensor: "output", "dx", a parameter's name, "loss", ...
        engine: implementation that is judged, such as "scratch float32".
        verdict: outcome.
        used: error divided by the tolerance, at the worst element; for exact comparisons the
            largest difference itself.
        index: place of the worst element.
        got: value of the judged implementation there.
        want: value of the reference there.
        share: non-zero share of the reference's reachable entries.
        note: a sentence where the verdict needs one.
        seed: what `--seed` draws this again.
        curve: of a whole training run, how far it is from the reference at every step.
    """

    level: str
    subject: str
    module: str
    direction: str
    tensor: str
    engine: str
    verdict: Verdict
    used: float = 0.0
    index: tuple[int, ...] = ()
    got: float = 0.0
    want: float = 0.0
    share: float = 1.0
    note: str = ""
    seed: int = 0
    curve: Curve | None = None

    @property
    def failing(self) -> bool:
        """Whether this check makes the run fail."""
        return self.verdict in FAILING

    @property
    def where(self) -> str:
        """Path of the module, the subject in brackets for the whole of it."""
        return self.module or f"({self.subject})"

    def divergence(self) -> str:
        """Return the line that names where two implementations part."""
        place = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        text = f"first divergence: {self.direction} {self.where} {self.tensor}{place}"
        if self.verdict is Verdict.MISTRUSTED:
            return f"{text} MISTRUSTED: {self.note}"
        text += f" {self.engine} {self.got!r} reference {self.want!r}"
        if self.used and self.used == abs(self.got - self.want):
            text += f" (difference {self.used:.3g}, none is allowed)"
        elif self.used:
            text += f" ({self.used:.3g} x tolerance)"
        return text + (f" {self.note}" if self.note else "")


def worst(checks: Iterable[Check]) -> Verdict:
    """Return the worst verdict; no check at all is MISTRUSTED."""
    verdicts = [check.verdict for check in checks]
    return max(verdicts, key=_ORDER.index) if verdicts else Verdict.MISTRUSTED
