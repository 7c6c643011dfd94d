r"""Convolution by Winograd's minimal filtering: 3 x 3 kernels at stride 1, with fewer products.

The image is cut into tiles of n x n pixels, each of which gives m x m outputs; n is m + 2, so
neighbors overlap by two pixels. With the transforms of :mod:`scratch.ops.winograd_matrices`, on
tiles and kernels that are written as columns,

.. math:: V = B\,d, \qquad U = G\,w, \qquad M_k = V_k\,U_k^T, \qquad y = A\,M,

where k counts the :math:`n^2` values of a tile. :math:`V_k` (tiles, C) and :math:`U_k` (O, C) are
ordinary matrices: the sum over the channels is a matrix product, and so are the transforms. All is
done in pieces of tiles that stay in the cache.

The definition is :func:`scratch.ops.conv_naive.conv2d`, as for the direct way; only the rounding
differs. Numbers whose squares overflow, infinities and NaN go the direct way, for a transform would
spread them over the whole tile.
"""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks, conv
from scratch.ops.checks import Array, Padding, Pair
from scratch.ops.conv_tiles import finite
from scratch.ops.patches import Geometry, channels_last, geometry
from scratch.ops.winograd_kernels import KernelGradient, Kernels
from scratch.ops.winograd_matrices import POINTS, TAPS, transforms
from scratch.ops.winograd_tiles import OVERLAP, Tiling, parts, rows

FAST = 4
"""The tile that saves the most products, the default; the measurements below are of it."""


class Least(NamedTuple):
    """The smallest convolution for which the fast tiles beat the direct way."""

    maps: int
    """Of input and of output; with fewer the transforms take longer than the products they save."""
    pixels: int
    """Of an output map over the whole batch; with fewer, transforming the kernels takes longer."""


# Measured at 8 to 512 maps and 16 to 32,768 pixels. With its backward the time is 0.6 to 0.9 of the
# direct way's at 200 pixels, 0.7 to 1.2 at 128; the forward alone breaks even at 300.
WITH_BACKWARD, FORWARD_ALONE = Least(8, 160), Least(24, 300)
WASTE = 3
"""Outputs made per output wanted, at most: maps of 2 x 2 need 4, which saves no product."""


class WinogradCache(NamedTuple):
    """What the backward pass needs; V takes 2.25 times the memory of x (m = 4)."""

    x: Array
    weight: Array
    has_bias: bool
    geometry: Geometry
    needs_dx: bool
    tile: int
    values: Array
    """V (n^2, tiles * C)."""


def possible(kernel: Pair, stride: Pair, dilation: Pair, groups: int) -> bool:
    """Return whether a convolution is one of those that this way computes."""
    return kernel == (TAPS, TAPS) and stride == dilation == (1, 1) and groups == 1


def pays(n: int, weight: Array, out: Pair, backward: bool) -> bool:
    """Return whether the fast tiles beat the direct way.

    Args:
        n: Number of images.
        weight: (O, C, 3, 3).
        out: (OH, OW).
        backward: Whether a backward pass will follow, which gains more than the forward.
    """
    least = WITH_BACKWARD if backward else FORWARD_ALONE
    wanted, (high, wide) = out[0] * out[1], Tiling.of(n, out, FAST).covered
    large = min(weight.shape[:2]) >= least.maps and n * wanted >= least.pixels
    return large and high * wide <= WASTE * wanted


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    padding: Padding = 0,
    needs_dx: bool = True,
    tile: int = FAST,
    keep: bool = True,
) -> tuple[Array, WinogradCache | conv.ConvCache]:
    r"""Slide every 3 x 3 kernel over every image, as :func:`scratch.ops.conv.conv2d` does.

    .. math:: Y = A^T \Big[ \sum_c (G\, w_{o,c}\, G^T) \odot (B^T d_{n,c}\, B) \Big] A

    for each tile d of each image n and each output map o. Where the output is no multiple of the
    tile, the last tiles look at zeros beyond the border, and what they make of them is cut off.

    Args:
        x: ``(N, C, H, W)``.
        weight: ``(O, C, 3, 3)``.
        bias: ``(O,)`` or None.
        padding: As for the direct way.
        needs_dx: Whether the backward pass shall return the gradient of ``x``.
        tile: m, the outputs that a tile has on each side. 4 is fast; with 2 integers stay exact.
        keep: Whether there will be a backward pass; without one V lives for a piece only.

    Returns:
        ``y`` of shape ``(N, O, OH, OW)``, channels last in memory, and the cache for
        :func:`conv2d_backward`.

    Raises:
        ShapeError: Sizes or dtypes do not fit together, the kernel is larger than the image, or
            there are no points for such a tile.

    Lavin & Gray 2016, Fast algorithms for convolutional neural networks, arXiv:1509.09308,
    section 4.

    >>> x, weight = np.arange(16.0).reshape(1, 1, 4, 4), np.ones((1, 1, 3, 3))
    >>> y, _ = conv2d(x, weight, tile=2)
    >>> y[0, 0].tolist()  # nine times the pixel in the middle: 9*5, 9*6, 9*9, 9*10
    [[45.0, 54.0], [81.0, 90.0]]
    """
    if tile not in POINTS:
        raise checks.ShapeError(f"a tile of {' or '.join(map(str, POINTS))}", tile)
    checks.shape(weight, "O", "C", TAPS, TAPS)
    checks.floating(weight)
    checks.shape(x, "N", weight.shape[1], "H", "W")
    checks.same_dtype(x, weight.dtype)
    if bias is not None:
        checks.shape(bias, len(weight))
        checks.same_dtype(bias, weight.dtype)
    sides = checks.sides(padding)
    g = geometry((x.shape[2], x.shape[3]), (TAPS, TAPS), (1, 1), sides, (1, 1))
    if not (finite(x) and finite(weight)):
        return conv.conv2d(x, weight, bias, padding=padding, needs_dx=needs_dx)

    of_tile, _, of_output = transforms(tile, x.dtype)
    out_channels, channels = weight.shape[:2]
    tiling = Tiling.of(len(x), g.out, tile)
    pieces = tiling.pieces(channels, out_channels, x.itemsize)
    kernels = Kernels(weight, tile, pieces[0].tiles, turned=True)
    windows = tiling.windows(tiling.surround(x, sides))
    count = len(x) * tiling.high * tiling.wide if keep else 0
    values = rows(len(of_tile), count * channels, x.dtype)
    y = np.empty((len(x), *tiling.covered, out_channels), x.dtype)
    for piece in pieces:
        d = rows(len(of_tile), piece.tiles * channels, x.dtype)
        piece.split(d)[...] = piece.of(windows)
        v = values[:, piece.columns(channels)] if keep else rows(len(d), d.shape[1], x.dtype)
        np.matmul(of_tile, d, out=v)
        m = rows(len(of_tile), piece.tiles * out_channels, x.dtype)
        for maps, u in kernels:
            np.matmul(piece.by_tile(v), u, out=piece.by_tile(m)[:, :, maps])
        outputs = of_output @ m  # (m^2, tiles * O)
        if bias is not None:
            lines = outputs.reshape(-1, out_channels)  # a view
            lines += bias
        piece.of(tiling.outputs(y))[...] = piece.split(outputs)
    y = np.ascontiguousarray(y[:, : g.out[0], : g.out[1]])
    cache = WinogradCache(x, weight, bias is not None, g, needs_dx, tile, values)
    return y.transpose(0, 3, 1, 2), cache


def conv2d_backward(dy: Array, cache: WinogradCache) -> tuple[Array | None, Array, Array | None]:
    r"""Carry the gradient of the output to image, kernels and bias.

    Every step of the forward pass is linear in the image and in the kernels, so each runs backwards
    as its transpose, on the same tiles:

    .. math::
        dM = A^T dy, \qquad dU_k = dM_k^T\, V_k, \qquad dw = G^T dU, \qquad
        dV_k = dM_k\, U_k, \qquad dd = B^T dV.

    One dM serves both. The gradient dd of a tile belongs to the pixels that the tile saw; where
    tiles overlap their gradients are added. ``dbias`` sums ``dy`` itself.

    Args:
        dy: ``(N, O, OH, OW)``.
        cache: What :func:`conv2d` returned.

    Returns:
        ``dx (N, C, H, W)`` (None if it was not asked for), ``dweight (O, C, 3, 3)`` and
        ``dbias (O,)`` (None without a bias).

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> x, weight = np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 3, 3))
    >>> _, cache = conv2d(x, weight, np.zeros(1), tile=2)
    >>> dx, dweight, dbias = conv2d_backward(np.full((1, 1, 1, 1), 2.0), cache)
    >>> dweight[0, 0].tolist(), dbias.tolist()  # one output, so twice what it saw
    ([[0.0, 2.0, 4.0], [6.0, 8.0, 10.0], [12.0, 14.0, 16.0]], [2.0])
    >>> dx[0, 0].tolist()
    [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]
    """
    x, weight, has_bias, g, needs_dx, tile, values = cache
    checks.gradient(dy, (len(x), len(weight), *g.out), weight.dtype)
    if not finite(dy):
        direct = conv.ConvCache(x, weight, has_bias, 1, g, needs_dx)
        return conv.conv2d_backward(dy, direct)

    of_tile, _, of_output = transforms(tile, x.dtype)
    out_channels, channels = weight.shape[:2]
    tiling = Tiling.of(len(x), g.out, tile)
    pieces = tiling.pieces(channels, out_channels, x.itemsize)
    kernels = Kernels(weight, tile, pieces[0].tiles)
    lines = channels_last(dy)
    d_outputs = tiling.outputs(_covering(lines, tiling))
    gradient = KernelGradient(weight, tile, len(kernels.blocks))
    d_image = _edged(tiling, channels, x.dtype) if needs_dx else None
    for piece in reversed(pieces):  # so that each adds to what the one below has set
        d_out = rows(len(of_output), piece.tiles * out_channels, x.dtype)
        piece.split(d_out)[...] = piece.of(d_outputs)
        dm = rows(len(of_tile), piece.tiles * out_channels, x.dtype)
        np.matmul(of_output.T, d_out, out=dm)
        v = piece.by_tile(values[:, piece.columns(channels)])
        dv = rows(len(of_tile), piece.tiles * channels, x.dtype)
        for maps, u in kernels:
            d = piece.by_tile(dm)[:, :, maps]  # (n^2, tiles, maps)
            gradient.add(maps, d, v)
            if needs_dx and maps.start == 0:
                np.matmul(d, u, out=piece.by_tile(dv))
            elif needs_dx:
                dv += (d @ u).reshape(dv.shape)
        if d_image is not None:
            dd = of_tile.T @ dv
            _add_tiles(piece.of(tiling.windows(d_image)), piece.split(dd))
    dbias = np.ones(lines[..., 0].size, dy.dtype) @ lines.reshape(-1, out_channels)
    dx = None if d_image is None else _inside(d_image, x, g)
    return dx, gradient.total(), dbias if has_bias else None


def _covering(dy: Array, tiling: Tiling) -> Array:
    """Return (N, OH, OW, O) as what the tiles cover, zeros beyond the edge."""
    n, high, wide, o = dy.shape
    if (high, wide) == tiling.covered:
        return dy
    whole = np.zeros((n, *tiling.covered, o), dy.dtype)
    whole[:, :high, :wide] = dy
    return whole


def _edged(tiling: Tiling, channels: int, dtype: Any) -> Array:
    """Return an image as :meth:`Tiling.surround` makes, empty but for the last rows and columns."""
    high, wide = tiling.covered
    image = np.empty((tiling.n, high + OVERLAP, wide + OVERLAP, channels), dtype)
    image[:, high:] = 0
    image[:, :, wide:] = 0
    return image


def _add_tiles(windows: Array, dd: Array) -> None:
    """Add the gradients of some tiles to the pixels that they saw; no tile above them was here.

    What is a tile's own is set, a quarter less to write and to read than zeros and 36 additions.
    """
    first, *shared = zip(parts(windows), parts(dd), strict=True)
    first[0][...] = first[1]
    for window, term in shared:
        window += term


def _inside(image: Array, x: Array, g: Geometry) -> Array:
    """Return the gradient of x (N, C, H, W) out of that of its surroundings."""
    (top, _), (left, _) = g.padding
    _, _, h, w = x.shape
    return image[:, top : top + h, left : left + w].transpose(0, 3, 1, 2)
