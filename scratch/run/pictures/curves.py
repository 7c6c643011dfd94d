"""Curves over training: the losses of a run, and how far apart the twins are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.pictures.style import BLACK, BLUE, ORANGE, PALETTE, picture

Row = Mapping[str, Any]


def loss_curve(
    path: str | Path, rows: Sequence[Row], title: str = "Training", metric: str = "metric"
) -> None:
    """Draw training and validation loss per epoch, and below them the validation metric.

    Args:
        path: the PNG file.
        rows: as `scratch.run.metrics.read_metrics` returns them; each twin gets its colour.
        title: printed above.
        metric: name of the validation metric: "accuracy", "R2".

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("a loss curve needs at least one epoch")
    twins = list(dict.fromkeys(str(row["twin"]) for row in rows))
    measured = any(row["val_metric"] is not None for row in rows)
    with picture(path, title, 7.5, 6 if measured else 4) as figure:
        panels = figure.subplots(2 if measured else 1, 1, sharex=True, squeeze=False)[:, 0]
        for number, (twin, colour) in enumerate(zip(twins, PALETTE, strict=False)):
            own = [row for row in rows if row["twin"] == twin]
            epochs = [row["epoch"] for row in own]
            # Twins that agree lie on top of each other: the first is drawn as a broad band.
            width = 1.6 if number or len(twins) == 1 else 4.5
            common: Any = {"color": colour, "linewidth": width, "alpha": 1 if width < 2 else 0.5}
            for panel, name, kind, mark in (
                (panels[0], "train_loss", "training", "o-"),
                (panels[0], "val_loss", "validation", "s--"),
                (panels[-1], "val_metric", "validation", "s--"),
            ):
                if name != "val_metric" or measured:
                    marks = mark if len(own) == 1 else mark[1:]  # one point makes no line
                    panel.plot(epochs, _column(own, name), marks, label=f"{twin}, {kind}", **common)
        losses = np.array([_column(rows, "train_loss"), _column(rows, "val_loss")])
        _log_if_wide(panels[0], losses)
        panels[0].set_ylabel("loss")
        panels[0].legend()
        if measured:
            panels[1].set_ylabel(f"validation {metric}")
        for panel in panels:
            panel.grid(axis="y", color="0.9")
        panels[-1].set_xlabel("epoch")
        panels[-1].xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def twin_gap(
    path: str | Path,
    first: Sequence[Row] | Sequence[float],
    second: Sequence[Row] | Sequence[float],
    names: tuple[str, str] = ("scratch", "torch"),
    title: str = "Both twins on the same batches",
) -> None:
    """Draw the training losses of both twins and below them their absolute difference.

    Args:
        path: the PNG file.
        first: one twin's loss of every step, or its rows of metrics.csv (one point per epoch).
        second: the other's; what exceeds the shorter of the two is left out.
        names: of the twins.
        title: printed above.

    Raises:
        ValueError: no step in common.
    """
    (x, ours), (_, theirs) = _losses(first), _losses(second)
    steps = min(len(ours), len(theirs))
    if steps == 0:
        raise ValueError("a gap needs at least one step of both twins")
    x, ours, theirs = x[:steps], ours[:steps], theirs[:steps]
    gap = np.abs(ours - theirs)
    visible = np.where(gap > 0, gap, np.nan)
    with picture(path, title, 7.5, 6) as figure:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        top.plot(x, ours, color=BLUE, linewidth=4.5, alpha=0.5, label=names[0])
        top.plot(x, theirs, color=ORANGE, linewidth=1.4, label=names[1])
        _log_if_wide(top, np.stack([ours, theirs]))
        top.set_ylabel("training loss")
        top.legend()
        same = int(np.sum(gap == 0))
        bottom.set_title(f"the same bits at {same:,} of {steps:,} points", fontsize=9)
        if np.isfinite(visible).any():
            bottom.plot(x, visible, ".", color=BLACK, markersize=3)
            bottom.set_yscale("log")
            bottom.set_ylim(np.nanmin(visible) / 3, np.nanmax(visible) * 3)
        else:
            bottom.plot(x, gap, ".", color=BLACK, markersize=3)
            bottom.set_yticks([0])
        bottom.set_ylabel(f"|{names[0]} - {names[1]}|")
        bottom.set_xlabel("step")
        for panel in (top, bottom):
            panel.grid(axis="y", color="0.9")


def _losses(given: Sequence[Row] | Sequence[float]) -> tuple[Any, Any]:
    """Return the steps, counted from 1, and the losses at them."""
    if len(given) and isinstance(given[0], Mapping):
        rows: Any = given
        return np.array([row["step"] for row in rows]), np.array(_column(rows, "train_loss"))
    return np.arange(1, len(given) + 1), np.array(given, dtype=np.float64)


def _column(rows: Sequence[Row], name: str) -> list[float]:
    return [np.nan if row[name] is None else float(row[name]) for row in rows]


def _log_if_wide(panel: Any, values: Any) -> None:
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() > 10 * finite.min():
        panel.set_yscale("log")
