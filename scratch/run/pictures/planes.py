"""What a network makes of its inputs: a fitted curve, predictions, the regions of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scratch.run.pictures.style import BLUE, MARKERS, ORANGE, PALETTE, Array, Predict, picture

_GRID = 300


def fitted_line(
    path: str | Path,
    x: Array,
    y: Array,
    predict: Predict,
    labels: tuple[str, str] = ("x", "y"),
    title: str = "Samples and fit",
) -> None:
    """Draw samples of one input and the curve that a network fits to them.

    Args:
        path: the PNG file.
        x: (N, 1) inputs as the network takes them.
        y: (N, 1) targets, or classes 0 and 1.
        predict: from (M, 1) float32 to (M, 1) outputs, or probabilities of class 1.
        labels: of the axes, with units.
        title: printed above.

    Raises:
        ValueError: more than one input.
    """
    if x.ndim != 2 or x.shape[1] != 1:
        raise ValueError(f"a fitted line needs one input, x (N, 1); got {x.shape}")
    low, high = _span(x[:, 0])
    grid = np.linspace(low, high, _GRID, dtype=np.float32)[:, None]
    with picture(path, title, 7, 5) as figure:
        panel = figure.subplots()
        panel.scatter(x[:, 0], y[:, 0], s=18, color=BLUE, alpha=0.6, linewidths=0, label="samples")
        panel.plot(grid[:, 0], predict(grid)[:, 0], color=ORANGE, linewidth=2.5, label="network")
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        panel.grid(color="0.9")
        panel.set_axisbelow(True)
        panel.legend()


def predicted_against_true(
    path: str | Path,
    truth: Array,
    predicted: Array,
    label: str = "y",
    title: str = "Predicted against true",
) -> None:
    """Draw the predictions of any number of inputs over the true targets, and the diagonal.

    Args:
        path: the PNG file.
        truth: (N, outputs) targets.
        predicted: (N, outputs), in the same unit.
        label: of the target, with its unit.
        title: printed above.

    Raises:
        ValueError: no samples, or not one prediction per target.
    """
    if len(truth) == 0 or truth.shape != predicted.shape:
        raise ValueError(f"expects one prediction per target; got {predicted.shape}, {truth.shape}")
    ends = _span(np.concatenate([truth, predicted]))
    with picture(path, title, 7, 6) as figure:
        panel = figure.subplots()
        panel.scatter(truth, predicted, s=18, color=BLUE, alpha=0.6, linewidths=0, label="samples")
        panel.plot(ends, ends, color=ORANGE, linewidth=2, label="predicted = true")
        panel.set_aspect("equal")
        panel.set_xlabel(f"true {label}")
        panel.set_ylabel(f"predicted {label}")
        panel.grid(color="0.9")
        panel.set_axisbelow(True)
        panel.legend()


def decision_boundary(
    path: str | Path,
    x: Array,
    y: Array,
    predict: Predict,
    classes: Sequence[str],
    labels: tuple[str, str] = ("x1", "x2"),
    title: str = "Samples and the regions of the classes",
) -> None:
    """Draw samples of two inputs over the regions in which a network chooses each class.

    Args:
        path: the PNG file.
        x: (N, 2) inputs as the network takes them.
        y: (N,) class numbers, or (N, 1) zeros and ones.
        predict: from (M, 2) float32 to logits, (M, 1) for two classes or (M, C).
        classes: their names.
        labels: of the axes, with units.
        title: printed above.

    Raises:
        ValueError: not two inputs.
    """
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"a decision boundary needs two inputs, x (N, 2); got {x.shape}")
    spans = [np.linspace(*_span(x[:, axis]), _GRID, dtype=np.float32) for axis in (0, 1)]
    across, up = np.meshgrid(*spans)
    logits = predict(np.stack([across.ravel(), up.ravel()], axis=1))
    chosen = (logits[:, 0] > 0) if logits.shape[1] == 1 else logits.argmax(axis=1)
    regions = chosen.astype(int).reshape(across.shape)
    truth = y.reshape(len(y)).astype(int)
    with picture(path, title, 7, 5.5) as figure:
        panel = figure.subplots()
        count = len(classes)
        levels = np.arange(count + 1) - 0.5
        panel.contourf(across, up, regions, levels, colors=PALETTE[:count], alpha=0.25)
        if regions.min() < regions.max():
            panel.contour(across, up, regions, levels[1:-1], colors="0.3", linewidths=1)
        for number, name in enumerate(classes):
            own = x[truth == number]
            panel.scatter(
                own[:, 0],
                own[:, 1],
                s=24,
                color=PALETTE[number],
                marker=MARKERS[number],
                edgecolors="white",
                linewidths=0.5,
                label=name,
            )
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        panel.legend(loc="upper left", bbox_to_anchor=(1, 1))


def _span(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin
