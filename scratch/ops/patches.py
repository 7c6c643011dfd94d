"""The patches that a convolution looks at: where they lie, and their copies in a matrix (im2col).

Images lie here with the channels last, (N, H, W, C): a row of a patch is then one run in memory,
``kw * C`` numbers long, and copying patches is copying runs.
"""

import threading
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scratch.ops.checks import Array, Pair, ShapeError

CHUNK_BYTES = 1 << 20
"""What is worked on at a time: about what the second-level cache of one core holds."""
FEW_CHANNELS = 3
"""Up to here (gray and color images) the rows of a patch are short."""


Piece = tuple[slice, slice, slice]
AnyPiece = TypeVar("AnyPiece", bound=tuple[Any, ...])


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


def pieces(n: int, out: Pair, position_bytes: int) -> Iterator[Piece]:
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


def by_image(cut: Iterable[AnyPiece]) -> list[list[AnyPiece]]:
    """Put pieces of the same images together: what their patches have in common is theirs alone.

    Args:
        cut: Pieces, of which the first entry is the slice of images; those of the same images stand
            one behind the other.

    >>> [len(group) for group in by_image(pieces(2, (4, 5), CHUNK_BYTES // 10))]
    [2, 2]
    """
    return [list(group) for _, group in groupby(cut, lambda piece: piece[0].start)]


class Columns:
    """The patches of an image, copied piece by piece into the rows of a matrix (im2col).

    A patch is copied in runs of ``kw * C`` numbers. Where these are short the matrix is written
    column by column instead, in runs of a whole output row; it is the same matrix.

    >>> image = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> columns = Columns(image, geometry((3, 3), (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1)))
    >>> columns.of(columns.pieces[0])
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """

    def __init__(self, image: Array, g: Geometry) -> None:
        """Cut the matrix into pieces.

        Args:
            image: Padded, (N, H, W, C); the channels are one run in memory.
            g: Where the patches lie.
        """
        n, _, _, c = image.shape
        self.width = g.kernel[0] * g.kernel[1] * c
        self.whole = image.reshape(-1, c) if g.is_pointwise else None
        self.patches = _patches(image, g)  # (N, OH, OW, kh, kw, C)
        everything = (slice(0, n), slice(0, g.out[0]), slice(0, n * g.out[0] * g.out[1]))
        cut = pieces(n, g.out, self.width * image.itemsize)
        self.pieces = [everything] if g.is_pointwise else list(cut)
        self._workspace = threading.local()

    def of(self, piece: Piece) -> Array:
        """Return the matrix (positions, kh * kw * C) of a piece, one patch per row.

        It is a workspace: the next piece of the same thread overwrites it.
        """
        if self.whole is not None:
            return self.whole
        images, rows, positions = piece
        patches, count = self.patches[images, rows], positions.stop - positions.start
        memory = self._memory(count * self.width)
        if patches.shape[-1] > FEW_CHANNELS:
            np.copyto(memory.reshape(patches.shape), patches)
            return memory.reshape(count, self.width)
        by_tap = patches.transpose(3, 4, 5, 0, 1, 2)
        np.copyto(memory.reshape(by_tap.shape), by_tap)
        return memory.reshape(self.width, count).T

    def _memory(self, size: int) -> Array:
        """Return this thread's workspace."""
        memory: Array | None = getattr(self._workspace, "memory", None)
        if memory is None or memory.size < size:
            memory = self._workspace.memory = np.empty(size, self.patches.dtype)
        return memory[:size]


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
