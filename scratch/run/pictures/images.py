"""Grids: the confusion matrix, first-layer kernels, and samples with what was predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratch.run.pictures.style import BLUE, DIVERGING, GREYS, RED, Array, as_images, picture

_MOST_KERNELS = 48
_MOST_INPUTS = 6
_MOST_SAMPLES = 32
_COLUMNS = 8
_LABEL: Any = {"fontsize": 8, "ha": "center", "va": "bottom"}


def confusion_matrix(
    path: str | Path,
    truth: Array,
    predicted: Array,
    classes: Sequence[str],
    title: str = "Confusion matrix",
) -> None:
    """Draw how often each class was taken for each class.

    Args:
        path: the PNG file.
        truth: (N,) or (N, 1) class numbers.
        predicted: as many class numbers.
        classes: their names.
        title: printed above, with the accuracy.

    Raises:
        ValueError: no samples, or not one prediction per sample.
    """
    rows, columns = (np.asarray(values).ravel().astype(int) for values in (truth, predicted))
    if len(rows) == 0 or len(rows) != len(columns):
        raise ValueError(f"expects one prediction per sample; got {len(columns)} for {len(rows)}")
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (rows, columns), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    right = int(np.trace(counts))
    title = f"{title}: {right:,} of {len(rows):,} right ({right / len(rows):.1%})"
    size = max(4.5, 1.8 + 0.5 * len(classes))
    with picture(path, title, size + 1, size) as figure:
        panel = figure.subplots()
        image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                panel.text(column, row, f"{count}", ha="center", va="center", color=colour)
        ticks = range(len(classes))
        longest = max(len(name) for name in classes)
        panel.set_xticks(ticks, classes, rotation=45 if longest > 3 else 0)
        panel.set_yticks(ticks, classes)
        panel.set_xlabel("predicted class")
        panel.set_ylabel("true class")
        figure.colorbar(image, ax=panel, label="share of the true class", shrink=0.8)


def kernels(path: str | Path, weight: Array, title: str = "First-layer kernels") -> None:
    """Draw the weights of a first layer on one scale that is symmetric about zero.

    Args:
        path: the PNG file.
        weight: (out, in, kh, kw), or (out, in) of a linear layer: shown as images where `in` is a
            square number, as one table otherwise. At most 6 inputs and 48 kernels are shown.
        title: printed above.

    Raises:
        ValueError: weights of another rank.
    """
    if weight.ndim not in (2, 4):
        raise ValueError(f"expects weights (out, in, kh, kw) or (out, in); got {weight.shape}")
    images = as_images(weight)
    if weight.ndim == 2 and images is None:
        _weight_table(path, weight, title)
        return
    shown = weight if images is None else images[:, None]
    inputs = min(shown.shape[1], _MOST_INPUTS)
    outputs = min(shown.shape[0], _MOST_KERNELS // inputs)
    title += _which(outputs, shown.shape[0], "outputs") + _which(inputs, shown.shape[1], "inputs")
    shown = shown[:outputs, :inputs]
    per_line = max(1, _COLUMNS // inputs) * inputs
    tiles = shown.reshape(-1, *shown.shape[2:])
    lines, columns = _lines(len(tiles), per_line)
    with picture(path, title, 1.6 + 0.9 * max(columns, 4), 0.8 + 1.1 * lines) as figure:
        panel = figure.subplots()
        image, centres = _mosaic(panel, tiles, columns, 1 / 3, DIVERGING, symmetric=True)
        for number, (x, y) in enumerate(centres):
            output, channel = divmod(number, inputs)
            name = f"{output}" if inputs == 1 else f"{output}, in {channel}"
            panel.text(x, y, name, **_LABEL)
        figure.colorbar(image, ax=panel, label="weight", shrink=0.8)


def _weight_table(path: str | Path, weight: Array, title: str) -> None:
    largest = float(np.abs(weight).max()) or 1.0
    with picture(path, title, 5.5, 4) as figure:
        panel = figure.subplots()
        image = panel.imshow(weight, cmap=DIVERGING, vmin=-largest, vmax=largest, aspect="auto")
        for axis in (panel.xaxis, panel.yaxis):
            axis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        panel.set_xlabel("input")
        panel.set_ylabel("output")
        figure.colorbar(image, ax=panel, label="weight")


def sample_grid(
    path: str | Path,
    images: Array,
    truth: Array,
    predicted: Array,
    classes: Sequence[str] | None = None,
    title: str = "Samples and predictions",
) -> None:
    """Draw samples with the predicted class; mistakes are framed and say the true class.

    Args:
        path: the PNG file.
        images: (N, 1, H, W), (N, H, W), (N, side * side), or in colour (N, 3, H, W); the first 32
            are shown, from their least value, black, to their largest.
        truth: (N,) class numbers.
        predicted: (N,) class numbers.
        classes: their names; the numbers themselves if None.
        title: printed above.

    Raises:
        ValueError: no images, or samples that are not images.
    """
    coloured = np.ndim(images) == 4 and np.shape(images)[1] == 3
    pixels = _colours(np.asarray(images)) if coloured else as_images(np.asarray(images))
    if pixels is None or len(pixels) == 0:
        raise ValueError(f"expects images (N, 1 or 3, H, W); got {np.asarray(images).shape}")
    tiles = pixels[:_MOST_SAMPLES]
    lines, columns = _lines(len(tiles), _COLUMNS)
    with picture(path, title, max(4.5, 1.15 * columns), 0.6 + 1.55 * lines) as figure:
        panel = figure.subplots()
        _, centres = _mosaic(panel, tiles, columns, 1 / 2, GREYS, symmetric=False)
        height, width = tiles.shape[1:3]
        for number, (x, y) in enumerate(centres):
            true, guess = int(truth[number]), int(predicted[number])
            names = [str(value) if classes is None else classes[value] for value in (guess, true)]
            if guess == true:
                panel.text(x, y, names[0], color=BLUE, **_LABEL)
                continue
            panel.text(x, y, f"{names[0]}\nnot {names[1]}", color=RED, **_LABEL)
            across, down = np.array([-1, 1, 1, -1, -1]), np.array([0, 0, 1, 1, 0])
            panel.plot(x + across * width / 2, y + down * height, color=RED, linewidth=2.5)


def _colours(images: Array) -> Array:
    """Return the first images (N, 3, H, W) as (N, H, W, 3) from 0 to 1."""
    shown = images[:_MOST_SAMPLES].transpose(0, 2, 3, 1).astype(np.float64)
    low, high = (shown.min(), shown.max()) if shown.size else (0.0, 1.0)
    return np.asarray((shown - low) / ((high - low) or 1.0))


def _lines(tiles: int, per_line: int) -> tuple[int, int]:
    return math.ceil(tiles / per_line), min(tiles, per_line)


def _mosaic(
    panel: Any, tiles: Array, columns: int, head_share: float, colours: str, symmetric: bool
) -> tuple[Any, list[tuple[float, float]]]:
    """Draw tiles (N, h, w) as one image; return it and each tile's top centre, for a label.

    Tiles (N, h, w, 3) are drawn in their own colours, which lie between 0 and 1.
    """
    height, width = tiles.shape[1:3]
    gap, head = max(1, round(width / 8)), max(1, round(height * head_share))
    lines = math.ceil(len(tiles) / columns)
    size = (lines * (height + head), columns * (width + gap) - gap)
    canvas = np.full((*size, *tiles.shape[3:]), np.nan if tiles.ndim == 3 else 1.0)
    centres = []
    for number, tile in enumerate(tiles):
        line, column = divmod(number, columns)
        top, left = line * (height + head) + head, column * (width + gap)
        canvas[top : top + height, left : left + width] = tile
        centres.append((left + (width - 1) / 2, top - 0.5))
    high = float(np.abs(tiles).max()) or 1.0 if symmetric else float(tiles.max())
    low = -high if symmetric else float(tiles.min())
    image = panel.imshow(canvas, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    panel.set_axis_off()
    return image, centres


def _which(shown: int, count: int, what: str) -> str:
    return "" if shown == count else f", {shown} of {count} {what}"
