"""Curves that choose a hyper-parameter: runs side by side, and the loss at rising rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.pictures.style import BLUE, GREEN, ORANGE, PALETTE, picture

Array = np.ndarray[Any, np.dtype[Any]]
Row = Mapping[str, Any]

_ROOM = 100.0  # times the peak of the tamest run: what rises above it leaves the picture


def study(
    path: str | Path, panels: Mapping[str, Mapping[str, Sequence[Row]]], title: str = "Study"
) -> None:
    """Draw training and validation loss over the epochs, one panel per varied hyper-parameter.

    The losses are on a logarithmic scale. A curve that rises far above the others is cut off.

    Args:
        path: the PNG file.
        panels: by name of the hyper-parameter and label of its value, the rows of the run as
            `scratch.run.metrics.History` has them; a run without rows is in the legend only.
        title: printed above.

    Raises:
        ValueError: no panel, or a panel without a run.
        UserError: matplotlib is missing or the file cannot be written.
    """
    if not panels or not all(panels.values()):
        raise ValueError("a study needs at least one run of every hyper-parameter")
    subtitle = f"{title}\nsolid: training, dashed: validation"
    with picture(path, subtitle, 1.5 + 4.5 * len(panels), 4.6) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (name, runs) in zip(axes, panels.items(), strict=True):
            axis.set_yscale("log", nonpositive="mask")
            peaks: list[float] = []
            floors: list[float] = []
            for (label, rows), colour in zip(runs.items(), cycle(PALETTE), strict=False):
                epochs = [row["epoch"] for row in rows]
                marks = ("o-", "s--") if len(rows) == 1 else ("-", "--")  # a point makes no line
                training, validation = (_losses(rows, kind) for kind in ("train", "val"))
                axis.plot(epochs, training, marks[0], color=colour, linewidth=1.5, label=label)
                axis.plot(epochs, validation, marks[1], color=colour, linewidth=1.1)
                both = np.concatenate([training, validation])
                if (drawn := both[both > 0]).size:
                    peaks.append(float(drawn.max()))
                    floors.append(float(drawn.min()))
            if peaks and max(peaks) > _ROOM * min(peaks):
                axis.set_ylim(min(floors) / 2, _ROOM * min(peaks))
            axis.set_title(name)
            axis.set_xlabel("epoch")
            axis.set_ylabel("loss")
            axis.grid(axis="y", color="0.9")
            axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
            axis.legend(fontsize=9)


def lr_range(
    path: str | Path,
    rates: Sequence[float],
    losses: Sequence[float],
    steepest: float,
    lowest: float,
    title: str = "Learning-rate range test",
) -> None:
    """Draw the averaged training loss over a learning rate that rises at every step.

    Args:
        path: the PNG file.
        rates: of every step, on a logarithmic axis.
        losses: the running average before each of these steps.
        steepest: the rate at which the loss falls fastest, marked as the suggested one.
        lowest: the rate of the lowest loss, marked.
        title: printed above.

    Raises:
        ValueError: no step, or not one loss per rate.
        UserError: matplotlib is missing or the file cannot be written.
    """
    if not rates or len(rates) != len(losses):
        raise ValueError(f"expects one loss per rate; got {len(losses)} for {len(rates)}")
    with picture(path, title, 7.5, 4.2) as figure:
        axis = figure.subplots()
        axis.plot(rates, losses, color=BLUE, linewidth=1.6)
        for rate, colour, style, name in (
            (steepest, GREEN, "-", "falls fastest: begin with"),
            (lowest, ORANGE, "--", "lowest: stay below"),
        ):
            axis.axvline(rate, color=colour, linestyle=style, label=f"{name} {rate:.3g}")
        axis.set_xscale("log")
        axis.set_xlabel("learning rate")
        axis.set_ylabel("training loss (running average)")
        axis.grid(axis="y", color="0.9")
        axis.legend(frameon=True, framealpha=1, edgecolor="white")


def _losses(rows: Sequence[Row], kind: str) -> Array:
    """Return the losses of a kind, "train" or "val", as (rows,); NaN where one is not finite."""
    values = np.array([row[f"{kind}_loss"] for row in rows], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)
