"""Where the tiles of a Winograd convolution lie, and the matrices of which they are the columns.

Such a matrix has one row per place in a tile, and for every tile its channels beside one another:
as they lie in the image (channels last), so that what is copied are runs of all channels.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scratch.ops import patches
from scratch.ops.checks import Array, Pair
from scratch.ops.winograd_matrices import TAPS

OVERLAP = TAPS - 1
"""Pixels that neighboring tiles share."""
LINE = 64
"""Bytes of a line of the cache."""
CROWDED = 1 << 10
"""Rows a multiple of so many bytes apart fight for the same lines of the cache."""


class Piece(NamedTuple):
    """Some of the tiles: all of some images, or some rows of tiles of one image."""

    images: slice
    rows: slice
    beside: int
    """Tiles in a row."""
    first: int
    tiles: int

    def columns(self, channels: int) -> slice:
        """Return where these tiles stand in a matrix of all tiles."""
        return slice(self.first * channels, (self.first + self.tiles) * channels)

    def of(self, tiles: Array) -> Array:
        """Return these tiles out of all: a view (s, s, images, rows, columns, channels)."""
        return tiles[:, :, self.images, self.rows]

    def split(self, matrix: Array) -> Array:
        """Return a matrix (s * s, tiles * channels) as a view with the axes of :meth:`of`."""
        side = round(len(matrix) ** 0.5)
        images, high = (s.stop - s.start for s in (self.images, self.rows))
        return matrix.reshape(side, side, images, high, self.beside, -1)

    def by_tile(self, matrix: Array) -> Array:
        """Return a matrix (s * s, tiles * channels) as a view (s * s, tiles, channels)."""
        return matrix.reshape(len(matrix), self.tiles, -1)


class Tiling(NamedTuple):
    """All tiles of a convolution's output, the last ones beyond its edge if it is no multiple."""

    n: int
    side: int
    """m: outputs along each side of a tile."""
    high: int
    wide: int

    @classmethod
    def of(cls, n: int, out: Pair, side: int) -> Self:
        """Cover n outputs of (OH, OW) with tiles.

        >>> Tiling.of(2, (8, 9), 4)
        Tiling(n=2, side=4, high=2, wide=3)
        """
        return cls(n, side, -(-out[0] // side), -(-out[1] // side))

    @property
    def covered(self) -> Pair:
        """(rows, columns) of the output that the tiles make up."""
        return self.side * self.high, self.side * self.wide

    def surround(self, x: Array, padding: tuple[Pair, Pair]) -> Array:
        """Return (N, C, H, W) as (N, rows, columns, C), padded, with what the last tiles see."""
        (top, _), (left, _) = padding
        n, c, h, w = x.shape
        image = np.zeros((n, *(size + OVERLAP for size in self.covered), c), x.dtype)
        image[:, top : top + h, left : left + w] = x.transpose(0, 2, 3, 1)
        return image

    def windows(self, image: Array) -> Array:
        """Return what the tiles see of :meth:`surround`, (m + 2, m + 2, N, high, wide, C).

        A view in which neighbors overlap, see :func:`parts`.
        """
        along_n, along_h, along_w, along_c = image.strides
        shape = (*[self.side + OVERLAP] * 2, self.n, self.high, self.wide, image.shape[3])
        steps = (self.side * along_h, self.side * along_w)
        return as_strided(image, shape, (along_h, along_w, along_n, *steps, along_c))

    def outputs(self, y: Array) -> Array:
        """Return a covered output (N, rows, columns, O) as a view (m, m, N, high, wide, O)."""
        m = self.side
        split = y.reshape(self.n, self.high, m, self.wide, m, -1)
        return split.transpose(2, 4, 0, 1, 3, 5)

    def pieces(self, channels: int, out_channels: int, itemsize: int) -> list[Piece]:
        """Cut the tiles into pieces of about ``CHUNK_BYTES``, but no narrow ones.

        Fewer tiles than maps make narrow matrices, in which multiplying is slow: there a piece may
        be larger. Measured best of 16 to 256 tiles for 64 to 256 maps.

        >>> [piece.tiles for piece in Tiling.of(3, (32, 32), 4).pieces(64, 64, 4)]
        [64, 64, 64]
        >>> [piece.tiles for piece in Tiling.of(1, (32, 32), 4).pieces(128, 32, 4)]
        [32, 32]
        """
        bytes_of_tile = (self.side + OVERLAP) ** 2 * max(channels, out_channels) * itemsize
        wanted = max(patches.CHUNK_BYTES // bytes_of_tile, min(channels, out_channels), self.wide)
        return list(self._cut(wanted))

    def _cut(self, wanted: int) -> Iterator[Piece]:
        of_image = self.high * self.wide
        images = max(1, wanted // of_image)
        cuts = -(-of_image // wanted) if wanted < of_image else 1
        high = -(-self.high // cuts)
        for first in range(0, self.n, images):
            last = min(first + images, self.n)
            for top in range(0, self.high, high):
                bottom = min(top + high, self.high)
                start = first * of_image + top * self.wide
                count = (last - first) * (bottom - top) * self.wide
                yield Piece(slice(first, last), slice(top, bottom), self.wide, start, count)


def rows(count: int, length: int, dtype: Any) -> Array:
    """Return an empty matrix; where its rows would be crowded, with a line between them.

    Transforms of rows 16 KiB apart take 1.7 times as long as with that line.
    """
    size = np.dtype(dtype).itemsize
    gap = LINE // size if length * size % CROWDED == 0 else 0
    return np.empty((count, length + gap), dtype)[:, :length]


def parts(windows: Array) -> tuple[Array, Array, Array, Array]:
    """Return four parts of windows: what is theirs alone, and what their neighbors see too.

    Among the windows of one part no two overlap. The first part of all tiles makes up the image but
    for its last rows and columns.
    """
    own, shared = slice(0, -OVERLAP), slice(-OVERLAP, None)
    return windows[own, own], windows[shared, own], windows[own, shared], windows[shared, shared]
