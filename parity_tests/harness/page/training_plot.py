"""Two runs part: the gap of their losses over the steps, as numbers for an SVG picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from parity_tests.harness import bounds
from parity_tests.harness.verdict import Check, Curve

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 24
FLOOR, CEILING = -17, 1  # powers of ten of the gap
LAST = 1000  # step at the right end


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        kind: CSS class; its dashes differ as well as its colour.
        name: what it is.
        path: SVG path.
        most: largest gap.
        horizon: step at which it passed the threshold, None if it did not.
        x: place of the horizon.
    """

    kind: str
    name: str
    path: str
    most: float
    horizon: int | None
    x: float


@dataclass(frozen=True)
class Plot:
    """One training.

    Attributes:
        optimizer: name.
        steps: length.
        lines: the curves.
        dots: (x, y) of the largest parameter gap after the steps that are compared.
        loosened: comparisons held to torch's gap to itself, where rounding grows.
    """

    optimizer: str
    steps: int
    lines: tuple[Line, ...]
    dots: tuple[tuple[float, float], ...]
    loosened: int

    @property
    def most(self) -> float:
        """Largest gap of any curve."""
        return max((line.most for line in self.lines), default=0.0)

    @property
    def said(self) -> str:
        """The picture in words."""
        told = (
            f"{line.name}: at most {line.most:.1e}"
            + (f", parts at step {line.horizon}" if line.horizon else ", does not part")
            for line in self.lines
        )
        return f"{self.optimizer}, {self.steps:,} steps. {'; '.join(told)}."


KINDS = {
    "scratch float32": ("f32", "scratch float32 from float64"),
    "torch float32": ("t32", "torch float32 from float64"),
    "scratch float64": ("f64", "scratch from torch, float64"),
}


def across(step: float) -> float:
    """Return the place of a step on the logarithmic axis.

    >>> across(1), across(1000)
    (44.0, 352.0)
    """
    share = math.log(step) / math.log(LAST)
    return round(LEFT + min(share, 1.0) * (WIDTH - LEFT - RIGHT), 1)


def down(gap: float) -> float:
    """Return the place of a gap; nothing and less than 1e-17 lie on the floor.

    >>> down(10.0), down(0.0), down(float("nan"))
    (8.0, 176.0, 8.0)
    """
    power = CEILING if not math.isfinite(gap) else FLOOR if gap <= 0 else math.log10(gap)
    share = (CEILING - min(max(power, FLOOR), CEILING)) / (CEILING - FLOOR)
    return round(TOP + share * (HEIGHT - TOP - BOTTOM), 1)


def plots(checks: Sequence[Check]) -> list[Plot]:
    """Return a plot per optimizer of the trainings among the checks of one chapter."""
    trained = [check for check in checks if check.level == "L5"]
    return [_plot(name, [c for c in trained if c.module == name]) for name in _names(trained)]


def _names(checks: Sequence[Check]) -> list[str]:
    return list(dict.fromkeys(check.module for check in checks if check.curve))


def _plot(optimizer: str, checks: Sequence[Check]) -> Plot:
    found = [(check.engine, check.curve) for check in checks if check.curve is not None]
    lines = tuple(_line(engine, curve) for engine, curve in found)
    reached: dict[int, float] = {}
    for check in checks:
        name, _, step = check.tensor.rpartition(" after step ")
        if name and not check.note:
            reached[int(step)] = max(reached.get(int(step), 0.0), check.used * bounds.TRAJECTORY)
    dots = tuple((across(step), down(gap)) for step, gap in sorted(reached.items()))
    loosened = sum(check.note.startswith("gate loosened") for check in checks)
    return Plot(optimizer, max(c.steps[-1] for _, c in found), lines, dots, loosened)


def _line(engine: str, curve: Curve) -> Line:
    kind, name = KINDS.get(engine, ("f64", engine))
    places = [
        f"{across(step):g} {down(gap):g}" for step, gap in zip(curve.steps, curve.gaps, strict=True)
    ]
    most = max(curve.gaps, key=lambda gap: gap if math.isfinite(gap) else math.inf)
    x = across(curve.horizon) if curve.horizon else 0.0
    return Line(kind, name, f"M{'L'.join(places)}", most, curve.horizon, x)


def ticks() -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
    """Return the marks of both axes, the place and the text of each."""
    powers = range(-15, CEILING + 1, 3)
    return (
        [(across(step), f"{step:,}") for step in (1, 10, 100, 1000)],
        [(down(10.0**power), f"1e{power}" if power else "1") for power in powers],
    )
