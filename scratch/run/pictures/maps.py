"""Pictures of pictures: named panels side by side, and what the layers make of one image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from scratch.run.pictures.style import GREYS, Array, picture

MOST_LAYERS = 8
MOST_MAPS = 16


def panels(
    path: str | Path,
    images: Mapping[str, Array],
    title: str,
    limits: tuple[float, float] | None = None,
    columns: int = 3,
    width: float = 3.4,
    colours: str = GREYS,
) -> None:
    """Draw images with their names.

    Args:
        path: the PNG file.
        images: (h, w) each, by name.
        title: printed above.
        limits: what is black and what is white, for all; each image's own extremes if None.
        columns: panels per line.
        width: of a panel, in inches.
        colours: matplotlib's name of a colour map.

    Raises:
        ValueError: no images, or one that is not (h, w).
    """
    if not images or any(image.ndim != 2 for image in images.values()):
        raise ValueError(f"expects images (h, w); got {[i.shape for i in images.values()]}")
    columns = min(columns, len(images))
    lines = math.ceil(len(images) / columns)
    first = next(iter(images.values()))
    height = 0.35 + width * first.shape[0] / first.shape[1]
    low, high = limits or (None, None)
    with picture(path, title, max(6.5, width * columns), 0.8 + height * lines) as figure:
        grid = figure.subplots(lines, columns, squeeze=False).ravel()
        for panel in grid:
            panel.set_axis_off()
        for panel, (name, image) in zip(grid, images.items(), strict=False):
            panel.imshow(image, cmap=colours, vmin=low, vmax=high)
            panel.set_title(name, fontsize=10)


def feature_maps(
    path: str | Path,
    image: Array,
    layers: Mapping[str, Array],
    title: str = "Feature maps",
) -> None:
    """Draw what each layer makes of one image, a line of maps per layer.

    Every layer has its own scale, from its least value, black, to its largest. At most 8 layers,
    evenly chosen with the first and the last among them, and the first 16 maps of each are shown.

    Args:
        path: the PNG file.
        image: (C, h, w); of more than one channel the mean is shown.
        layers: maps (C, h, w) by name of the layer, in the order in which they run.
        title: printed above.

    Raises:
        ValueError: no layers, or maps of another rank.
    """
    shapes = {name: maps.shape for name, maps in layers.items()}
    if not layers or image.ndim != 3 or any(len(shape) != 3 for shape in shapes.values()):
        raise ValueError(f"expects an image and maps (C, h, w); got {image.shape} and {shapes}")
    names = chosen(list(layers))
    title += "" if len(names) == len(layers) else f", {len(names)} of {len(layers)} layers"
    mean = image.mean(axis=0, keepdims=True)
    lines = {"input": mean} | {name: layers[name] for name in names}
    with picture(path, title, 13, 0.6 + 1.15 * len(lines)) as figure:
        grid = figure.subplots(len(lines), 1, squeeze=False).ravel()
        for panel, (name, maps) in zip(grid, lines.items(), strict=True):
            panel.imshow(_strip(maps[:MOST_MAPS]), cmap=GREYS, interpolation="nearest")
            panel.set_axis_off()
            shape = image.shape if maps is mean else maps.shape
            shown = f", {MOST_MAPS} shown" if len(maps) > MOST_MAPS else ""
            panel.set_title(f"{name}: {' x '.join(map(str, shape))}{shown}", fontsize=9)


def chosen(names: list[str]) -> list[str]:
    """Return at most 8 names, evenly spaced, the first and the last among them.

    >>> chosen([str(n) for n in range(15)])
    ['0', '2', '4', '6', '8', '10', '12', '14']
    """
    if len(names) <= MOST_LAYERS:
        return names
    picks = np.linspace(0, len(names) - 1, MOST_LAYERS).round().astype(int)
    return [names[pick] for pick in picks]


def _strip(maps: Array) -> Array:
    """Return maps (n, h, w) side by side, with room for 16, gaps empty."""
    count, height, width = maps.shape
    gap = max(1, round(width / 10))
    strip = np.full((height, MOST_MAPS * (width + gap) - gap), np.nan)
    for number in range(count):
        left = number * (width + gap)
        strip[:, left : left + width] = maps[number]
    return strip
