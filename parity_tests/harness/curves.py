"""The losses of two runs side by side, and the step at which they part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness import bounds
from parity_tests.harness.verdict import Curve

Array = np.ndarray[Any, np.dtype[Any]]

POINTS = 80  # of a curve, at most


@dataclass(frozen=True)
class Curves:
    """Losses of one chapter under one optimiser, before every step.

    Attributes:
        chapter: id.
        optimizer: key of `OPTIMISERS`.
        dtype: of both runs.
        scratch: losses of scratch.
        torch: losses of torch.
        truth: losses of torch in float64 from the same start; `torch` itself in float64.
    """

    chapter: str
    optimizer: str
    dtype: str
    scratch: Array
    torch: Array
    truth: Array

    def gap(self, losses: Array) -> Array:
        """Return the relative distance of `losses` from the truth at every step."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.abs(losses - self.truth) / np.abs(self.truth)

    def horizon(self, losses: Array) -> int | None:
        """Return the first step at which `losses` have left the truth, None if they never do."""
        inside = self.gap(losses) <= bounds.HORIZON
        return None if inside.all() else int(np.argmin(inside)) + 1

    def curve(self, losses: Array) -> Curve:
        """Return the distance of `losses` from the truth, thinned for a picture."""
        return Curve(*thinned(self.gap(losses)), self.horizon(losses), bounds.HORIZON)


def thinned(gaps: Array) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return steps about evenly spaced on a logarithmic axis, with the largest gap since the last.

    >>> thinned(np.array([1.0, 3.0, 2.0]))
    ((1, 2, 3), (1.0, 3.0, 2.0))
    >>> steps, largest = thinned(np.linspace(0.0, 1.0, 1000))
    >>> len(steps), steps[-2:], largest[-1]
    (63, (916, 1000), 1.0)
    """
    steps = np.unique(np.geomspace(1, len(gaps), POINTS).round().astype(int))
    starts = np.concatenate([[0], steps[:-1]])
    return tuple(steps.tolist()), tuple(np.maximum.reduceat(gaps, starts).tolist())
