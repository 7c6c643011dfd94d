"""Generated pictures of coloured shapes on black (chapter 18), at any size.

A shape fills a box whose upper left corner lies in the upper left quarter of the picture and whose
lower right corner lies in the lower right quarter: on 28 x 28 pixels x0, y0 in 0 ... 13 and x1, y1
in 14 ... 27. The book's boxes may shrink to two pixels, in which no shape can be told; here a box
reaches over a quarter of the picture or more in both directions, and so does a line in its own. A
triangle has three of the four corners of its box, and all four choices are equally likely whatever
the colour: in the book the choice follows the colour, so that a network may read the label off the
orientation. Lengths that the book gives in pixels grow with the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratch.spec import shapes as spec
from scratch.spec.errors import UserError, unknown
from scratch.spec.shapes import SHAPES

Array = np.ndarray[Any, np.dtype[Any]]
Paint = Callable[[np.random.Generator, int, int], Array]

COLOURS = dict(
    zip(
        spec.COLOURS,
        ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255)),
        strict=True,
    )
)
CLASSES = {"color": spec.COLOURS, "shape": SHAPES, "color_shape": spec.COLOUR_SHAPES}
SIZES = {"color": (5000, 1000), "shape": (5000, 1000), "color_shape": (5400, 900)}  # as in the book
SMALLEST = 8  # pixels
_BOOK_SIDE = 28
_CHUNK = 1 << 20  # pixels that are rasterised at once


def draw(generator: np.random.Generator, kind: str, side: int, n: int) -> tuple[Array, Array]:
    """Draw pictures and their labels.

    Args:
        generator: source of everything random.
        kind: "color": the label is one of six colours, the shape any of five; "shape": one of five
            white shapes; "color_shape": 3 * colour + shape, of three each.
        side: height and width in pixels.
        n: number of pictures; what is not a colour drawn freely (shapes, and the labels of
            "color_shape") is shared out as evenly as n allows.

    Returns:
        (n, side, side, 3) uint8 with values 0 and 255, (n, side, side) for "shape"; (n,) int64.

    Raises:
        UserError: an unknown kind, a picture too small to tell shapes apart, no pictures.
    """
    if kind not in CLASSES:
        raise unknown("kind of shapes", kind, CLASSES)
    if side < SMALLEST:
        raise UserError(f"shapes need {SMALLEST} x {SMALLEST} pixels or more; got {side} x {side}")
    if n < 1:
        raise UserError(f"samples {n}: expects 1 or more")
    groups = 9 if kind == "color_shape" else len(SHAPES)
    group = generator.permutation(np.arange(n) % groups)
    shape = group % 3 if kind == "color_shape" else group
    masks = _masks(generator, shape, side)
    if kind == "shape":
        return np.where(masks, np.uint8(255), np.uint8(0)), shape.astype(np.int64)
    colour = generator.integers(0, len(COLOURS), n) if kind == "color" else group // 3
    paint = np.array(list(COLOURS.values()), np.uint8)[colour]
    images = masks[..., None] * paint[:, None, None, :]
    return images, (colour if kind == "color" else group).astype(np.int64)


def _masks(generator: np.random.Generator, shape: Array, side: int) -> Array:
    """Return (n, side, side) bool: the pixels of one shape each."""
    masks = np.zeros((len(shape), side, side), bool)
    step = max(1, _CHUNK // side**2)
    for number, paint in enumerate((_ellipse, _rectangle, _triangle, _diamond, _line)):
        rows = np.flatnonzero(shape == number)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            masks[part] = paint(generator, len(part), side)
    return masks


def _boxes(generator: np.random.Generator, n: int, side: int) -> tuple[Array, Array]:
    """Return the first and the last pixels (n, 2) of boxes, x before y."""
    half, least = side // 2, side // 4
    low = generator.integers(0, half, (n, 2))
    return low, generator.integers(np.maximum(half, low + least), side)


def _grid(side: int) -> tuple[Array, Array]:
    """Return x (1, 1, side) and y (1, side, 1) of the pixels."""
    pixels = np.arange(side, dtype=np.float64)
    return pixels[None, None, :], pixels[None, :, None]


def _centred(generator: np.random.Generator, n: int, side: int) -> tuple[Array, Array]:
    """Return how far columns and rows lie from a box's middle, in half boxes.

    Returns:
        (n, 1, side) along x, (n, side, 1) along y.
    """
    low, high = _boxes(generator, n, side)
    middle, radius = (low + high) / 2, (high - low + 1) / 2  # a pixel is one wide
    x, y = _grid(side)
    u = np.abs(x - middle[:, 0, None, None]) / radius[:, 0, None, None]
    return u, np.abs(y - middle[:, 1, None, None]) / radius[:, 1, None, None]


def _ellipse(generator: np.random.Generator, n: int, side: int) -> Array:
    u, v = _centred(generator, n, side)
    return np.asarray(u**2 + v**2 <= 1)


def _rectangle(generator: np.random.Generator, n: int, side: int) -> Array:
    u, v = _centred(generator, n, side)
    return np.asarray((u <= 1) & (v <= 1))


def _diamond(generator: np.random.Generator, n: int, side: int) -> Array:
    u, v = _centred(generator, n, side)
    return np.asarray(u + v <= 1)


def _triangle(generator: np.random.Generator, n: int, side: int) -> Array:
    """Three corners of a box as half planes; each moves by up to a 28th of the picture."""
    low, high = _boxes(generator, n, side)
    box = np.stack([low, high], axis=1)  # (n, 2, 2)
    around = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])  # which end of x and of y, clockwise
    first = generator.integers(0, 4, n)[:, None] + np.arange(1, 4)  # leaves out one of four
    ends = around[first % 4]  # (n, 3, 2)
    corners = np.take_along_axis(box, ends, axis=1).astype(np.float64)
    reach = side // _BOOK_SIDE
    corners += generator.integers(-reach, reach + 1, corners.shape)
    corners = corners.clip(0, side - 1)
    x, y = _grid(side)
    inside = np.ones((n, side, side), bool)
    for k in range(3):
        (ax, ay), (bx, by) = (corners[:, j % 3].T[:, :, None, None] for j in (k, k + 1))
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0
    return inside


def _line(generator: np.random.Generator, n: int, side: int) -> Array:
    """All pixels within a distance of a segment between any two points: two pixels wide on 28."""
    start = generator.uniform(0, side - 1, (n, 2))
    end = generator.uniform(0, side - 1, (n, 2))
    while (short := np.hypot(*(end - start).T) < side / 4).any():
        end[short] = generator.uniform(0, side - 1, (int(short.sum()), 2))
    x, y = _grid(side)
    (ax, ay), (dx, dy) = (p.T[:, :, None, None] for p in (start, end - start))
    along = (((x - ax) * dx + (y - ay) * dy) / (dx**2 + dy**2)).clip(0, 1)
    distance = np.hypot(x - ax - along * dx, y - ay - along * dy)
    return np.asarray(distance <= max(side / _BOOK_SIDE, np.sqrt(0.5)))  # never between all pixels
