"""The definition of :mod:`scratch.ops.conv` in loops, without padding a single array."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, IntOrPair, Padding, Pair, ShapeError

Index = tuple[int, int, int, int]


class ConvCache(NamedTuple):
    """The two factors, whether a bias was added, and the options."""

    x: Array
    weight: Array
    has_bias: bool
    stride: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    groups: int


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> tuple[Array, ConvCache]:
    """Add up one product per output, input channel and tap of the kernel.

    Args:
        x: ``(N, C, H, W)``.
        weight: ``(O, C / groups, kh, kw)``.
        bias: ``(O,)`` or None.
        stride: One number or (vertical, horizontal).
        padding: One number, a pair, or ``((top, bottom), (left, right))``.
        dilation: One number or a pair.
        groups: Number of independent parts.

    Returns:
        ``y (N, O, OH, OW)`` and the cache for :func:`conv2d_backward`.

    Raises:
        ShapeError: The sizes do not fit together.
    """
    checks.shape(x, "N", weight.shape[1] * groups, "H", "W")
    cache = ConvCache(
        x,
        weight,
        bias is not None,
        checks.pair(stride, "stride"),
        checks.sides(padding),
        checks.pair(dilation, "dilation"),
        groups,
    )
    y = np.zeros((len(x), len(weight), _positions(cache, 0), _positions(cache, 1)), x.dtype)
    for out, pixel, tap in _products(y.shape, cache):
        y[out] += x[pixel] * weight[tap]
    if bias is not None:
        for n, o, p, q in np.ndindex(y.shape):
            y[n, o, p, q] += bias[o]
    return y, cache


def conv2d_backward(dy: Array, cache: ConvCache) -> tuple[Array, Array, Array | None]:
    """Hand every product's gradient to its two factors.

    Args:
        dy: ``(N, O, OH, OW)``.
        cache: What :func:`conv2d` returned.

    Returns:
        ``dx (N, C, H, W)``, ``dweight (O, C / groups, kh, kw)`` and ``dbias (O,)`` or None.
    """
    x, weight = cache.x, cache.weight
    dx, dweight = np.zeros(x.shape, x.dtype), np.zeros(weight.shape, weight.dtype)
    dbias = np.zeros(len(weight), weight.dtype)
    for out, pixel, tap in _products(dy.shape, cache):
        dx[pixel] += dy[out] * weight[tap]
        dweight[tap] += dy[out] * x[pixel]
    for n, o, p, q in np.ndindex(dy.shape):
        dbias[o] += dy[n, o, p, q]
    return dx, dweight, dbias if cache.has_bias else None


def _products(shape: tuple[int, ...], cache: ConvCache) -> Iterator[tuple[Index, Index, Index]]:
    """Name every product of the sum: the output it belongs to, its pixel and its weight."""
    _, _, height, width = cache.x.shape
    out_channels, channels, kh, kw = cache.weight.shape
    (top, _), (left, _) = cache.padding
    for n, o, p, q in np.ndindex(shape):
        group = o // (out_channels // cache.groups)
        for c, i, j in np.ndindex(channels, kh, kw):
            u = p * cache.stride[0] + i * cache.dilation[0] - top
            v = q * cache.stride[1] + j * cache.dilation[1] - left
            if 0 <= u < height and 0 <= v < width:  # zero outside
                yield (n, o, p, q), (n, group * channels + c, u, v), (o, c, i, j)


def _positions(cache: ConvCache, axis: int) -> int:
    """Count the positions at which the last tap still lies inside the padded image."""
    before, after = cache.padding[axis]
    last_tap = (cache.weight.shape[2 + axis] - 1) * cache.dilation[axis]
    room = before + cache.x.shape[2 + axis] + after
    count = len(range(last_tap, room, cache.stride[axis]))
    if count == 0:
        raise ShapeError(f"at least {last_tap + 1} pixels along axis {2 + axis}", room)
    return count
