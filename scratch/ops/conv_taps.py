r"""Convolutions of small images, one tap of the kernel at a time.

At 4 x 4 pixels, padded, three in ten products of the direct way are with zeros of the border, at
2 x 2 more than half, at 1 x 1 all but those of the middle tap; and where there are 512 maps, moving
the kernels takes longer than multiplying. Here tap (i, j) looks at the pixels it meets and at
nothing else:

.. math:: Y_{p,q} \mathrel{+}= X_{ps+id,\,qs+jd}\; W_{ij}^T

with rows of samples and columns of channels. No patch is copied, no product is with the border (so
an infinite weight does no harm there, as in the definition), and the kernels are used where they
lie, if they come from :func:`kernels`. A training step of ResNet-18 with images of 32 x 32 takes
half of the direct way's time. Kernels of one tap go this way at any size.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from scratch.ops import patches
from scratch.ops.checks import Array, Pair
from scratch.ops.patches import Geometry, channels_last
from scratch.ops.windows import Windows

FEWEST_MAPS = 16
"""Of the input; with fewer, the products of the single taps are too small."""
MOST_INSIDE = 0.85
"""Share of the taps that meet the image; above it (16 x 16 pixels) patches are a tenth faster."""
LONG_RUN = 32
"""Input maps from which on weights lie tap by tap: runs of so many numbers are worth it."""
CHUNKS = 4
"""Together, of pixels and products; the kernels are read once for each such piece."""

Part = tuple[slice, slice]
Tap = tuple[Pair, Part, Part]


def kernels(shape: tuple[int, int, int, int], dtype: Any = np.float32) -> Array:
    """Return zeros (O, C, kh, kw) that lie in memory as (kh, kw, O, C) where there are many maps.

    >>> kernels((2, 32, 3, 3)).transpose(2, 3, 0, 1).flags.c_contiguous
    True
    """
    out_channels, channels, kh, kw = shape
    if channels < LONG_RUN:
        return np.zeros(shape, dtype)
    return np.zeros((kh, kw, out_channels, channels), dtype).transpose(2, 3, 0, 1)


def suits(x_shape: tuple[int, ...], groups: int, g: Geometry) -> bool:
    """Return whether this way is the faster one."""
    if groups > 1 or x_shape[1] < FEWEST_MAPS:
        return False
    return g.kernel == (1, 1) or inside((x_shape[2], x_shape[3]), g) <= MOST_INSIDE


@lru_cache
def taps(size: Pair, g: Geometry) -> list[Tap]:
    """Return the taps that meet the image, those that meet it everywhere first.

    Args:
        size: (H, W) of the image without padding.
        g: Where the patches lie.

    Returns:
        The tap (i, j), the rows and columns of the outputs that it takes part in, and those of
        the pixels that it sees there.

    >>> g = Geometry((1, 3), (1, 1), (1, 1), ((0, 0), (1, 1)), (1, 2))
    >>> [(tap, outs[1], ins[1]) for tap, outs, ins in taps((1, 2), g)][1:]
    [((0, 0), slice(1, 2, None), slice(0, 1, 1)), ((0, 2), slice(0, 1, None), slice(1, 2, 1))]
    """
    before = (g.padding[0][0], g.padding[1][0])
    windows = Windows(size, g.kernel, g.stride, before, g.dilation, g.out)
    found = [
        (divmod(number, g.kernel[1]), outs[2:], ins[2:]) for number, outs, ins in windows.taps()
    ]
    return sorted(found, key=lambda tap: -_area(tap[1]))


@lru_cache
def inside(size: Pair, g: Geometry) -> float:
    """Return the share of the products of a convolution that are not with the border.

    >>> inside((2, 2), Geometry((3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), (2, 2)))  # 16 of 36
    0.4444444444444444
    """
    products = sum(_area(outs) for _, outs, _ in taps(size, g))
    return products / (g.kernel[0] * g.kernel[1] * g.out[0] * g.out[1])


def forward(x: Array, weight: Array, bias: Array | None, g: Geometry) -> Array:
    """Return y (N, O, OH, OW), channels last in memory.

    Args:
        x: (N, C, H, W).
        weight: (O, C, kh, kw).
        bias: (O,) or None.
        g: Where the patches lie.
    """
    image, by_tap = channels_last(x), _by_tap(weight)
    order = taps((x.shape[2], x.shape[3]), g)
    y = _blank((len(x), *g.out, len(weight)), x.dtype, [outs for _, outs, _ in order])
    for images in _pieces(x, weight, g):
        for number, (tap, outs, ins) in enumerate(order):
            _add(y[images], outs, _rows(image[images], ins), by_tap[tap].T, number)
    if bias is not None:
        line = np.tile(bias, (g.out[1], 1))  # (OW, O): long runs, 0.6 of the time
        lines = y.reshape(-1, *line.shape)  # a view
        lines += line
    return y.transpose(0, 3, 1, 2)


def backward(
    dy: Array, x: Array, weight: Array, g: Geometry, needs_dx: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx (channels last in memory) or None, dweight (as :func:`kernels`) and dbias.

    Args:
        dy: (N, O, OH, OW).
        x: (N, C, H, W).
        weight: (O, C, kh, kw).
        g: Where the patches lie.
        needs_dx: Whether dx is asked for.
    """
    image, d_out, by_tap = channels_last(x), channels_last(dy), _by_tap(weight)
    order = taps((x.shape[2], x.shape[3]), g)
    d_image = _blank(image.shape, x.dtype, [ins for *_, ins in order]) if needs_dx else None
    d_by_tap = np.zeros(by_tap.shape, weight.dtype)
    for images in _pieces(x, weight, g):
        for number, (tap, outs, ins) in enumerate(order):
            dy_rows = _rows(d_out[images], outs)
            pixels = _rows(image[images], ins)
            if images.start == 0:
                np.matmul(dy_rows.T, pixels, out=d_by_tap[tap])
            else:
                d_by_tap[tap] += dy_rows.T @ pixels
            if d_image is not None:
                _add(d_image[images], ins, dy_rows, by_tap[tap], number)
    rows = d_out.reshape(-1, len(weight))
    dbias = np.ones(len(rows), dy.dtype) @ rows
    dx = None if d_image is None else d_image.transpose(0, 3, 1, 2)
    return dx, d_by_tap.transpose(2, 3, 0, 1), dbias


def _by_tap(weight: Array) -> Array:
    """Return the kernels as (kh, kw, O, C): a view when they lie that way already."""
    return np.ascontiguousarray(weight.transpose(2, 3, 0, 1))


def _pieces(x: Array, weight: Array, g: Geometry) -> Iterator[slice]:
    """Cut the batch so that the pixels and products of a piece stay in the cache."""
    per_image = g.out[0] * g.out[1] * sum(weight.shape[:2]) * x.itemsize
    step = max(1, CHUNKS * patches.CHUNK_BYTES // per_image)
    for first in range(0, len(x), step):
        yield slice(first, min(first + step, len(x)))


def _rows(image: Array, part: Part) -> Array:
    """Return a part of (N, H, W, C) as a matrix with the channels in its columns."""
    return image[:, *part].reshape(-1, image.shape[-1])


def _blank(shape: tuple[int, ...], dtype: Any, parts: list[Part]) -> Array:
    """Return (N, H, W, C) to add products to; zeros unless the first part is the whole image."""
    whole = bool(parts) and _area(parts[0]) == shape[1] * shape[2]
    return (np.empty if whole else np.zeros)(shape, dtype)


def _add(image: Array, part: Part, a: Array, b: Array, number: int) -> None:
    """Add the product of two matrices to a part of (N, H, W, C); the first one is put there."""
    target = image[:, *part]
    if number:
        target += (a @ b).reshape(target.shape)
    elif target.flags.c_contiguous:
        np.matmul(a, b, out=target.reshape(len(a), -1))
    else:
        target[...] = (a @ b).reshape(target.shape)


def _area(part: Part) -> int:
    """Return the number of positions of a part."""
    rows, columns = (len(range(s.start, s.stop, s.step or 1)) for s in part)
    return rows * columns
