"""Activations and their derivatives, a small panel for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from scratch.run.pictures.style import BLUE, ORANGE, Array, picture

_COLUMNS = 5
_LIMITS = (-1.5, 3.0)


def activations(
    path: str | Path,
    x: Array,
    curves: Mapping[str, tuple[Array, Array]],
    title: str = "Activations and their derivatives",
) -> None:
    """Draw each activation and its derivative over x, on axes that all panels share.

    A line is interrupted where it jumps, instead of joining both sides.

    Args:
        path: the PNG file.
        x: (M,) inputs, rising.
        curves: by name, values (M,) and derivatives (M,).
        title: printed above.

    Raises:
        ValueError: no activation, or arrays that are not of the shape of x.
        UserError: matplotlib is missing or the file cannot be written.
    """
    shapes = [array.shape for pair in curves.values() for array in pair]
    if not shapes or any(shape != x.shape for shape in shapes):
        raise ValueError(f"expects values and derivatives of shape {x.shape}; got {shapes}")
    rows = -(-len(curves) // _COLUMNS)
    with picture(path, title, 2.7 * _COLUMNS, 2.6 * rows + 0.9) as figure:
        panels = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True, sharey=True).ravel()
        for panel, (name, (value, derivative)) in zip(panels, curves.items(), strict=False):
            panel.axhline(0, color="0.8", linewidth=1, zorder=0)
            panel.axvline(0, color="0.8", linewidth=1, zorder=0)
            panel.plot(x, _broken(x, value), color=BLUE, linewidth=2, label="value")
            slopes = _broken(x, derivative)
            panel.plot(x, slopes, "--", color=ORANGE, linewidth=2, label="derivative")
            panel.set_title(name, fontsize=11)
            panel.set_ylim(*_LIMITS)
            panel.grid(color="0.92")
        for panel in panels[len(curves) :]:
            panel.set_visible(False)
        for place in range(len(curves)):
            if place + _COLUMNS >= len(curves):
                panels[place].set_xlabel("x")
                panels[place].tick_params(labelbottom=True)
        panels[0].legend(fontsize=8, loc="upper left")


def _broken(x: Array, y: Array) -> Array:
    """Return y with NaN after a jump: a step steeper than a few units of y per unit of x."""
    steep = np.abs(np.diff(y)) > 5 * np.diff(x)
    return np.where(np.append(steep, False), np.nan, y)
