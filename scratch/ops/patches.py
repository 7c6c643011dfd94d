"""The patches that a convolution looks at: where they lie, and their copies in a matrix (im2col).

Images lie here with the channels last, (N, H, W, C): a row of a patch is then one run in memory,
``kw * C`` numbers long, and copying patches is copying runs.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scratch.ops.checks import Array, Pair, ShapeError

CHUNK_BYTES = 1 << 20
"""What is worked on at a time: about what the second-level cache of one core holds."""
FEW_CHANNELS = 3
"""Up to here (gray and color images) the rows of a patch are short."""


class Geometry(NamedTuple):
    """The sizes of one convolution; every pair is (vertical, horizontal)."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: tuple[Pair, Pair]
    """((top, bottom), (left, right))"""
    out: Pair
    """How many positions the kernel takes."""

    @property
    def is_pointwise(self) -> bool:
        """Whether every pixel is a patch of its own and the image itself is the columns."""
        return self.kernel == self.stride == (1, 1) and self.padding == ((0, 0), (0, 0))


def geometry(
    size: Pair, kernel: Pair, stride: Pair, padding: tuple[Pair, Pair], dilation: Pair
) -> Geometry:
    r"""Count the positions of the kernel in an image.

    .. math:: out = \left\lfloor\frac{in + before + after - (d(k - 1) + 1)}{s}\right\rfloor + 1

    Args:
        size: (H, W) of the image without padding.
        kernel: (kh, kw).
        stride: Steps between positions.
        padding: Zeros around the image.
        dilation: Steps between the taps of the kernel.

    Raises:
        ShapeError: The kernel is larger than the padded image.

    Dumoulin & Visin 2016, A guide to convolution arithmetic for deep learning, relationship 6 (and
    15 for dilation).

    >>> geometry((5, 6), (3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)).out  # (5 - 3 + 2) // 2 + 1
    (3, 3)
    """
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    room = [n + before + after for n, (before, after) in zip(size, padding, strict=True)]
    if any(r < e for r, e in zip(room, extent, strict=True)):
        raise ShapeError(
            f"an image of at least {extent[0]} x {extent[1]} pixels, padding included",
            f"{room[0]} x {room[1]}",
        )
    out = [(r - e) // s + 1 for r, e, s in zip(room, extent, stride, strict=True)]
    return Geometry(kernel, stride, dilation, padding, (out[0], out[1]))


def channels_last(x: Array) -> Array:
    """Return (N, C, H, W) as a contiguous (N, H, W, C): a view when it lies that way already."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def pad(x: Array, g: Geometry) -> Array:
    """Return (N, C, H, W) as a contiguous (N, top + H + bottom, left + W + right, C) in zeros."""
    (top, bottom), (left, right) = g.padding
    if not (top or bottom or left or right):
        return channels_last(x)
    n, c, h, w = x.shape
    image = np.zeros((n, top + h + bottom, left + w + right, c), x.dtype)
    image[:, top : top + h, left : left + w] = x.transpose(0, 2, 3, 1)
    return image


def crop(image: Array, g: Geometry) -> Array:
    """Undo :func:`pad`: the (N, C, H, W) view inside the border."""
    (top, bottom), (left, right) = g.padding
    _, rows, columns, _ = image.shape
    return image[:, top : rows - bottom, left : columns - right].transpose(0, 3, 1, 2)


def pieces(n: int, out: Pair, position_bytes: int) -> Iterator[tuple[slice, slice, slice]]:
    """Cut the output into pieces of about ``CHUNK_BYTES``: whole images, or rows of one image.

    Args:
        n: Number of images.
        out: (rows, columns) of the output.
        position_bytes: Bytes that one position takes.

    Yields:
        The slice of images, the slice of output rows, and the slice of all positions
        ``n * rows * columns`` that the two make up together.

    >>> [p for *_, p in pieces(3, (4, 5), CHUNK_BYTES // 40)]
    [slice(0, 40, None), slice(40, 60, None)]
    """
    rows, columns = out
    whole = max(1, CHUNK_BYTES // (position_bytes * rows * columns))
    high = max(1, CHUNK_BYTES // (position_bytes * columns)) if whole == 1 else rows
    for first in range(0, n, whole):
        last = min(first + whole, n)
        for top in range(0, rows, high):
            bottom = min(top + high, rows)
            start = (first * rows + top) * columns
            stop = ((last - 1) * rows + bottom) * columns
            yield slice(first, last), slice(top, bottom), slice(start, stop)


def columns_of(image: Array, g: Geometry) -> Iterator[tuple[Array, slice]]:
    """Copy the patches of an image piece by piece into the rows of a matrix (im2col).

    Args:
        image: Padded, (N, H, W, C); the channels are one run in memory.
        g: Where the patches lie.

    A patch is copied in runs of ``kw * C`` numbers. Where these are short the matrix is written
    column by column instead, in runs of a whole output row; it is the same matrix.

    Yields:
        A matrix (positions, kh * kw * C), one patch per row, and which positions these are. It is a
        workspace: the next step overwrites it.

    >>> image = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> g = geometry((3, 3), (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))
    >>> next(columns_of(image, g))[0]
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    n, _, _, c = image.shape
    if g.is_pointwise:
        yield image.reshape(-1, c), slice(0, n * g.out[0] * g.out[1])
        return
    patches = _patches(image, g)  # (N, OH, OW, kh, kw, C)
    width = g.kernel[0] * g.kernel[1] * c
    workspace = np.empty(0, image.dtype)
    for images, rows, positions in pieces(n, g.out, width * image.itemsize):
        count = positions.stop - positions.start
        if workspace.size < count * width:
            workspace = np.empty(count * width, image.dtype)
        piece, memory = patches[images, rows], workspace[: count * width]
        if c > FEW_CHANNELS:
            np.copyto(memory.reshape(piece.shape), piece)
            yield memory.reshape(count, width), positions
        else:
            by_tap = piece.transpose(3, 4, 5, 0, 1, 2)
            np.copyto(memory.reshape(by_tap.shape), by_tap)
            yield memory.reshape(width, count).T, positions


def seen_by(tap: Pair, rows: slice, g: Geometry) -> tuple[slice, slice]:
    """Return the rows and columns of the padded image that one tap of the kernel looks at.

    Args:
        tap: (i, j), the row and the column in the kernel.
        rows: The output rows in question.
        g: Where the patches lie.

    >>> g = geometry((5, 7), (2, 3), (2, 1), ((0, 0), (0, 0)), (1, 2))  # 2 x 3 positions
    >>> seen_by((1, 2), slice(0, 2), g)
    (slice(1, 4, 2), slice(4, 7, 1))
    """
    (i, j), (sh, sw), (dh, dw) = tap, g.stride, g.dilation
    top, bottom = rows.start * sh + i * dh, (rows.stop - 1) * sh + i * dh
    left, right = j * dw, (g.out[1] - 1) * sw + j * dw
    return slice(top, bottom + 1, sh), slice(left, right + 1, sw)


def _patches(image: Array, g: Geometry) -> Array:
    """Return all patches as a read-only view (N, OH, OW, kh, kw, C) of the image."""
    n, _, _, c = image.shape
    along_n, along_h, along_w, along_c = image.strides
    (sh, sw), (dh, dw) = g.stride, g.dilation
    strides = (along_n, along_h * sh, along_w * sw, along_h * dh, along_w * dw, along_c)
    return as_strided(image, (n, *g.out, *g.kernel, c), strides, writeable=False)
