"""How a hidden layer moves the points of a plane (chapters 10 and 11 of the book)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.pictures.style import MARKERS, PALETTE, Array, picture

_LINES = 11  # in each direction
_POINTS = 101  # along a line
_MARGIN = 0.05  # of the span


def grid_lines(x: Array) -> Array:
    """Return a grid over the span of some points.

    Args:
        x: (N, 2) points.

    Returns:
        (22, 101, 2) of the points' dtype: eleven lines along the first axis, then eleven along the
        second.

    >>> lines = grid_lines(np.array([[0.0, 0.0], [1.0, 2.0]]))
    >>> lines[0, 0].round(2).tolist(), lines[0, -1].round(2).tolist()
    ([-0.05, -0.1], [1.05, -0.1])
    """
    low, high = x.min(axis=0), x.max(axis=0)
    margin = np.where(high > low, _MARGIN * (high - low), 0.5)
    low, high = low - margin, high + margin
    fine, coarse = np.linspace(low, high, _POINTS), np.linspace(low, high, _LINES)
    lines = np.empty((2, _LINES, _POINTS, 2), x.dtype)
    for along in (0, 1):
        lines[along, ..., along] = fine[:, along]
        lines[along, ..., 1 - along] = coarse[:, 1 - along, None]
    return lines.reshape(2 * _LINES, _POINTS, 2)


def space_transformation(
    path: str | Path,
    x: Array,
    hidden: Array,
    truth: Array,
    grid: Array,
    hidden_grid: Array,
    classes: Sequence[str],
    labels: tuple[str, str] = ("x1", "x2"),
    title: str = "Input plane and hidden layer",
) -> None:
    """Draw samples and a grid in the input plane, and beside it where the hidden layer puts both.

    Args:
        path: the PNG file.
        x: (N, 2) samples as the network takes them.
        hidden: (N, H) activations of its first hidden layer, H 2 or 3.
        truth: (N,) class numbers.
        grid: (L, M, 2) lines in the input plane, see `grid_lines`.
        hidden_grid: (L, M, H) their activations.
        classes: their names.
        labels: of the axes of the input plane, with units.
        title: printed above.

    Raises:
        ValueError: not two inputs, not two or three hidden units, or sizes that do not match.
    """
    units = hidden.shape[-1]
    if x.ndim != 2 or x.shape[1] != 2 or units not in (2, 3):
        raise ValueError(
            f"a space transformation needs x (N, 2) and hidden (N, 2) or (N, 3); "
            f"got {x.shape} and {hidden.shape}"
        )
    if hidden.shape != (len(x), units) or hidden_grid.shape != (*grid.shape[:2], units):
        raise ValueError(
            f"expects one activation per point; got {hidden.shape} for {x.shape} "
            f"and {hidden_grid.shape} for {grid.shape}"
        )
    with picture(path, title, 11, 5) as figure:
        before = figure.add_subplot(1, 2, 1)
        after = figure.add_subplot(1, 2, 2, projection="3d" if units == 3 else None)
        for panel, points, lines in ((before, x, grid), (after, hidden, hidden_grid)):
            _points_on_grid(panel, points, lines, truth, classes)
        before.set_title("input", fontsize=10)
        before.set_xlabel(labels[0])
        before.set_ylabel(labels[1])
        after.set_title("first hidden layer", fontsize=10)
        for axis, number in zip("xyz", range(1, units + 1), strict=False):
            getattr(after, f"set_{axis}label")(f"activation of unit {number}")
        handles, names = before.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right upper")


def _points_on_grid(
    panel: Any, points: Array, lines: Array, truth: Array, classes: Sequence[str]
) -> None:
    half = len(lines) // 2
    for number, line in enumerate(lines):
        panel.plot(*line.T, color="0.8" if number < half else "0.6", linewidth=0.8, zorder=1)
    for number, name in enumerate(classes):
        panel.scatter(
            *points[truth == number].T,
            s=28,
            color=PALETTE[number],
            marker=MARKERS[number],
            edgecolors="white",
            linewidths=0.5,
            label=name,
            zorder=2,
        )
