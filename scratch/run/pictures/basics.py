"""Pictures of step 1: the first neuron, losses as curves, descents on a curve and on a surface.

The functions that are drawn are handed over; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.pictures.style import BLUE, ORANGE, PALETTE, RED, Array, picture

Curve = Callable[[Array], Array]
Surface = Callable[[Array, Array], Array]

_GRID = 400
_COARSE = 121


def neuron(
    path: str | Path,
    colours: Mapping[str, Array],
    warmth: Curve,
    step: Curve,
    sigmoid: Curve,
    title: str = "Warm or cold: a neuron with three inputs",
) -> None:
    """Draw colours where a neuron puts them, under a step and under a sigmoid.

    Args:
        path: the PNG file.
        colours: (3,) of red, green and blue in 0 ... 1, by name.
        warmth: from (N, 3) to the input of the activation, (N,).
        step: activation.
        sigmoid: activation.
        title: printed above.
    """
    names = list(colours)
    rgb = np.array([colours[name] for name in names])
    z = warmth(rgb)
    grid = np.linspace(min(z.min(), -0.6), max(z.max(), 0.6), _GRID)
    with picture(path, title, 9, 4.2) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for panel, function, name in (
            (panels[0], step, "step"),
            (panels[1], sigmoid, "sigmoid"),
        ):
            panel.plot(grid, function(grid), color="0.4", linewidth=1.5)
            panel.scatter(z, function(z), s=110, c=rgb, edgecolors="black", zorder=3)
            for place, (at, value) in enumerate(zip(z, function(z), strict=True)):
                above = place % 2 == 0
                panel.annotate(
                    names[place],
                    (at, value),
                    xytext=(0, 11 if above else -11),
                    textcoords="offset points",
                    ha="center",
                    va="bottom" if above else "top",
                    fontsize=8,
                )
            panel.axvline(0, color="0.8", linewidth=1, zorder=0)
            panel.set_title(name)
            panel.set_ylim(-0.22, 1.22)
            panel.set_xlabel("0.92 r + 0.2 g + 0.03 b - threshold")
        panels[0].set_ylabel("cold (0) ... warm (1)")


def losses(
    path: str | Path,
    curves: Mapping[str, Mapping[str, Curve]],
    spans: Mapping[str, tuple[float, float]],
    title: str = "Losses of one sample",
) -> None:
    """Draw loss functions of one prediction, a panel for each.

    Args:
        path: the PNG file.
        curves: by panel and by what the target is, the loss as a function of the prediction.
        spans: by panel, the predictions from and to.
        title: printed above.
    """
    with picture(path, title, 4.6 * len(curves), 4) as figure:
        panels = figure.subplots(1, len(curves), squeeze=False)[0]
        for panel, (name, targets) in zip(panels, curves.items(), strict=True):
            grid = np.linspace(*spans[name], _GRID)
            for colour, (target, curve) in zip(PALETTE, targets.items(), strict=False):
                panel.plot(grid, curve(grid), color=colour, linewidth=2, label=target)
            panel.set_title(name)
            panel.set_xlabel("prediction")
            panel.set_ylabel("loss")
            panel.set_ylim(bottom=0)
            panel.grid(color="0.9")
            panel.legend()


def path_on_curve(
    path: str | Path,
    curve: Curve,
    visited: Mapping[str, Sequence[float]],
    labels: tuple[str, str] = ("x", "y"),
    title: str = "Descent",
    target: float | None = None,
) -> None:
    """Draw the points that runs visit on a function of one variable, a panel for each run.

    Args:
        path: the PNG file.
        curve: the function, from (M,) to (M,).
        visited: the values of the variable, in order, by the run's name.
        labels: of the axes.
        title: printed above.
        target: a wanted value, drawn as a line.

    Raises:
        ValueError: no run.
    """
    if not visited:
        raise ValueError("a path needs at least one run")
    every = np.concatenate([np.asarray(values) for values in visited.values()])
    low, high = float(every.min()), float(every.max())
    margin = 0.15 * (high - low) or 0.5
    if low > 1:  # a logarithm's root ends there
        margin = min(margin, (low - 1) / 2)
    grid = np.linspace(low - margin, high + margin, _GRID)
    count = len(visited)
    shape = (-(-count // 3), min(count, 3))
    width = max(6.5, 3.4 * shape[1] + 1.5)
    with picture(path, title, width, 3.1 * shape[0] + 0.8) as figure:
        panels = figure.subplots(*shape, squeeze=False, sharex=True, sharey=True).ravel()
        for panel, (name, values) in zip(panels, visited.items(), strict=False):
            x = np.asarray(values)
            panel.plot(grid, curve(grid), color="0.6", linewidth=1.2)
            panel.plot(x, curve(x), "o-", color=BLUE, markersize=4, linewidth=1)
            panel.plot(x[:1], curve(x[:1]), "o", color=ORANGE, markersize=7)
            if target is not None:
                panel.axhline(target, color=RED, linewidth=1, linestyle="--")
            steps = len(x) - 1
            panel.set_title(f"{name}: {steps} step{'s' * (steps != 1)}", fontsize=10)
            panel.set_xlabel(labels[0])
            panel.grid(color="0.9")
        for panel in panels[count:]:
            panel.set_visible(False)
        for panel in panels[:: shape[1]]:
            panel.set_ylabel(labels[1])


def path_on_contour(
    path: str | Path,
    surface: Surface,
    visited: Mapping[str, Sequence[tuple[float, float]]],
    labels: tuple[str, str] = ("x", "y"),
    title: str = "Descent",
    span: tuple[tuple[float, float], tuple[float, float]] | None = None,
    target: float | None = None,
) -> None:
    """Draw the points that runs visit over the contour lines of a function of two variables.

    Args:
        path: the PNG file.
        surface: the function, from two (M, M) to (M, M).
        visited: the pairs of values, in order, by the run's name.
        labels: of the axes.
        title: printed above.
        span: of both axes; around the paths if None.
        target: a wanted value, drawn as a line.

    Raises:
        ValueError: no run.
    """
    if not visited:
        raise ValueError("a path needs at least one run")
    every = np.concatenate([np.asarray(points, dtype=float) for points in visited.values()])
    if span is None:
        low, high = every.min(axis=0), every.max(axis=0)
        margin = np.maximum(0.25 * (high - low), 0.1 * (high - low).max())
        (left, bottom), (right, top) = (low - margin).tolist(), (high + margin).tolist()
        span = (left, right), (bottom, top)
    across, up = np.meshgrid(*(np.linspace(*ends, _COARSE) for ends in span))
    heights = surface(across, up)
    # Squares of even steps: a bowl's lines lie evenly spaced.
    roots = np.linspace(0, np.sqrt(heights.max() - heights.min()), 16)[1:]
    with picture(path, title, 7, 5.4) as figure:
        panel: Any = figure.subplots()
        lines = panel.contour(
            across, up, heights, heights.min() + roots**2, cmap="viridis", linewidths=1
        )
        figure.colorbar(lines, ax=panel, label="value")
        if target is not None:
            panel.contour(across, up, heights, [target], colors=RED, linestyles="--")
        pairs = zip(PALETTE, visited.items(), strict=False)
        for number, (colour, (name, points)) in enumerate(pairs):
            x, y = np.asarray(points, dtype=float).T
            width = 1.4 + 2.2 * (len(visited) - 1 - number)  # runs may lie on top of each other
            panel.plot(x, y, "o-", color=colour, markersize=4, linewidth=width, label=name)
            panel.plot(x[:1], y[:1], "o", color=colour, markersize=8, markeredgecolor="black")
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        panel.legend(frameon=True)
