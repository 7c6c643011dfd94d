r"""Convolutions between few maps: one matrix product computes a small tile of all output maps.

The direct way multiplies patches by a matrix with one column per output map. With the 6 maps of
LeNet-5's first layer that matrix is so narrow that a core reaches a third of its speed. Here a
column of the matrix A holds all the pixels that a *tile* of :math:`t_h \times t_w` neighboring
outputs looks at, and the kernels stand in a wider matrix once for every place in the tile, shifted
by that place and with zeros elsewhere (a block Toeplitz matrix):

.. math::
    T_{(a,b,o),\,(c,r,s)} = w_{o,\,c,\,r-a,\,s-b}, \qquad Y = T A, \qquad
    dT = dY\,A^T, \qquad dA = T^T dY

The sums are those of the direct way with zeros added, and the neighbors' common pixels are copied
once instead of once each. The batch is the last axis in memory, so that everything is copied in
runs of a whole batch, and the layers behind work on such runs too. A training step of LeNet-5 with
64 images takes three quarters of the direct way's time.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from scratch.ops import layout
from scratch.ops.checks import Array, Pair
from scratch.ops.patches import CHUNK_BYTES, Geometry

TILE = (2, 2)
"""Measured best for both layers of LeNet-5, against wider and higher ones."""
FEW_IN, FEW_OUT = 8, 20
"""Up to here the direct way's matrices are too narrow (16 maps in and out are faster directly)."""
MANY_IMAGES = 16
"""From here on a run of the whole batch is long enough."""
LARGE_KERNEL = 7
"""Up to here a tile of shifted kernels does not consist of zeros in the main."""


class Block(NamedTuple):
    """Some tiles of equal size, one beside the other, of some of the images."""

    images: slice
    row: int
    column: int
    tile: Pair
    beside: int

    @property
    def outputs(self) -> tuple[slice, slice, slice, slice]:
        """Where they lie in the output (O, OH, OW, N)."""
        rows = slice(self.row, self.row + self.tile[0])
        return (
            slice(None),
            rows,
            slice(self.column, self.column + self.tile[1] * self.beside),
            self.images,
        )


def suits(n: int, weight: Array, groups: int, g: Geometry) -> bool:
    """Return whether this way is the faster one, given the number of images and the kernels."""
    maps_out, maps_in = weight.shape[:2]
    plain = g.stride == g.dilation == (1, 1) and groups == 1
    few = maps_in <= FEW_IN and maps_out <= FEW_OUT
    return (
        plain and few and n >= MANY_IMAGES and not g.is_pointwise and max(g.kernel) <= LARGE_KERNEL
    )


def finite(x: Array) -> bool:
    """Return whether zero times any entry is zero; also False where the squares overflow."""
    entries = x.ravel("K")
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.dot(entries, entries)))


def forward(x: Array, weight: Array, bias: Array | None, g: Geometry) -> Array:
    """Return y (N, O, OH, OW), the batch innermost in memory.

    Args:
        x: (N, C, H, W), finite.
        weight: (O, C, kh, kw).
        bias: (O,) or None.
        g: Where the patches lie.
    """
    image = pad(x, g)
    y = np.empty((len(weight), *g.out, len(x)), x.dtype)
    kernels: dict[Pair, Array] = {}
    for block in blocks(len(x), weight.shape, g):
        if block.tile not in kernels:
            kernels[block.tile] = shifted(weight, block.tile)
        tiles = kernels[block.tile] @ columns(image, block, g)  # (th * tw * O, count * images)
        target, tiles = _by_place(y[block.outputs], block), _split(tiles, block)
        if bias is None:
            target[...] = tiles
        else:
            np.add(tiles, bias[:, None, None], out=target)
    return layout.images_first(y)


def backward(
    dy: Array, x: Array, weight: Array, g: Geometry, needs_dx: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx (N, C, H, W), the batch innermost in memory, or None, dweight and dbias.

    dT holds one gradient for every copy of a kernel; they are added up. Every entry of dA belongs
    to one pixel and is added to it (col2im), one column of the tiles' patches at a time.

    Args:
        dy: (N, O, OH, OW), finite.
        x: (N, C, H, W).
        weight: (O, C, kh, kw).
        g: Where the patches lie.
        needs_dx: Whether dx is asked for.
    """
    image, d_out = pad(x, g), layout.images_last(dy)
    d_image = np.zeros_like(image) if needs_dx else None
    d_kernels: dict[Pair, Array] = {}
    kernels: dict[Pair, Array] = {}
    for block in blocks(len(x), weight.shape, g):
        places = (*block.tile, len(weight), block.beside, -1)
        by_place = _by_place(d_out[block.outputs], block)  # (th, tw, O, count, images)
        d_tiles = by_place.reshape(int(np.prod(places[:3])), -1)  # a copy
        d_block = d_tiles @ columns(image, block, g).T  # (th * tw * O, C * rows * columns)
        if block.tile not in kernels:
            kernels[block.tile], d_kernels[block.tile] = shifted(weight, block.tile), d_block
        else:
            d_kernels[block.tile] += d_block
        if d_image is not None:
            _add_patches(d_image, kernels[block.tile].T @ d_tiles, block, g)
    dweight = np.zeros(weight.shape, weight.dtype)
    for tile, d_kernel in d_kernels.items():
        add_unshifted(dweight, d_kernel, tile)
    dx = None if d_image is None else layout.images_first(_inside(d_image, g))
    rows = d_out.reshape(len(d_out), -1)
    return dx, dweight, rows @ np.ones(rows.shape[1], rows.dtype)


def blocks(n: int, weight_shape: tuple[int, ...], g: Geometry) -> Iterator[Block]:
    """Cover the output with rows of tiles; what is left at the end gets tiles of its own size.

    Args:
        n: Number of images.
        weight_shape: (O, C, kh, kw).
        g: Where the patches lie.

    >>> g = Geometry((3, 3), (1, 1), (1, 1), ((0, 0), (0, 0)), (3, 5))
    >>> [(b.row, b.column, b.tile, b.beside) for b in blocks(20, (6, 1, 3, 3), g)]
    [(0, 0, (2, 2), 2), (0, 4, (2, 1), 1), (2, 0, (1, 2), 2), (2, 4, (1, 1), 1)]
    """
    _, channels, kh, kw = weight_shape
    high, wide = TILE
    per_image = channels * (kh + high - 1) * (kw + wide - 1) * 8 * g.out[1] // wide
    together = max(MANY_IMAGES, CHUNK_BYTES // per_image)
    for first in range(0, n, together):
        images = slice(first, min(first + together, n))
        for row in range(0, g.out[0], high):
            height = min(high, g.out[0] - row)
            count, rest = divmod(g.out[1], wide)
            if count:
                yield Block(images, row, 0, (height, wide), count)
            if rest:
                yield Block(images, row, count * wide, (height, rest), 1)


def shifted(weight: Array, tile: Pair) -> Array:
    """Return T: the kernels (O, C, kh, kw) at every place of a tile (th * tw * O, C * rows * cols).

    >>> shifted(np.array([[[[1.0, 2.0]]]]), (1, 2))
    array([[1., 2., 0.],
           [0., 1., 2.]])
    """
    o, c, kh, kw = weight.shape
    matrix = np.zeros((*tile, o, c, kh + tile[0] - 1, kw + tile[1] - 1), weight.dtype)
    for a, b in np.ndindex(tile):
        matrix[a, b, :, :, a : a + kh, b : b + kw] = weight
    return matrix.reshape(tile[0] * tile[1] * o, -1)


def add_unshifted(dweight: Array, d_matrix: Array, tile: Pair) -> None:
    """Add the gradients of all copies in :func:`shifted` to those of the kernels."""
    o, c, kh, kw = dweight.shape
    copies = d_matrix.reshape(*tile, o, c, kh + tile[0] - 1, kw + tile[1] - 1)
    for a, b in np.ndindex(tile):
        dweight += copies[a, b, :, :, a : a + kh, b : b + kw]


def columns(image: Array, block: Block, g: Geometry) -> Array:
    """Copy what the tiles of a block look at, (C * rows * columns of a patch, tiles * images)."""
    c = len(image)
    high, wide = (k + t - 1 for k, t in zip(g.kernel, block.tile, strict=True))
    corner = image[:, block.row :, block.column :, block.images]
    along_c, along_h, along_w, along_n = corner.strides
    shape = (c, high, wide, block.beside, corner.shape[3])
    strides = (along_c, along_h, along_w, along_w * block.tile[1], along_n)
    return as_strided(corner, shape, strides, writeable=False).reshape(c * high * wide, -1)


def pad(x: Array, g: Geometry) -> Array:
    """Return (N, C, H, W) as (C, top + H + bottom, left + W + right, N) in zeros."""
    if g.padding == ((0, 0), (0, 0)):
        return layout.images_last(x)
    (top, bottom), (left, right) = g.padding
    n, c, h, w = x.shape
    image = np.zeros((c, top + h + bottom, left + w + right, n), x.dtype)
    _inside(image, g)[...] = x.transpose(1, 2, 3, 0)
    return image


def _inside(image: Array, g: Geometry) -> Array:
    """Return the view of a padded image (C, H, W, N) without its border."""
    (top, bottom), (left, right) = g.padding
    return image[:, top : image.shape[1] - bottom, left : image.shape[2] - right]


def _by_place(part: Array, block: Block) -> Array:
    """Return a part (O, th, count * tw, images) of the output as (th, tw, O, count, images)."""
    o, _, _, n = part.shape
    high, wide = block.tile
    return part.reshape(o, high, block.beside, wide, n).transpose(1, 3, 0, 2, 4)


def _split(tiles: Array, block: Block) -> Array:
    """Return the rows (th * tw * O) and columns (count * images) of a matrix as five axes."""
    high, wide = block.tile
    n = tiles.shape[1] // block.beside
    return tiles.reshape(high, wide, -1, block.beside, n)


def _add_patches(d_image: Array, d_columns: Array, block: Block, g: Geometry) -> None:
    """Add dA to the pixels that the patches of a block were copied from (col2im)."""
    high, wide = (k + t - 1 for k, t in zip(g.kernel, block.tile, strict=True))
    c, step, count = len(d_image), block.tile[1], block.beside
    patches = d_columns.reshape(c, high, wide, count, -1)
    part = d_image[:, block.row : block.row + high, block.column :, block.images]
    for s in range(wide):
        part[:, :, s : s + step * (count - 1) + 1 : step] += patches[:, :, s]
