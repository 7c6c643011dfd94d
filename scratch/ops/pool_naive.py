"""The definition of :mod:`scratch.ops.pool`: the cells of every window, one after the other."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, IntOrPair, Pair

Cells = list[Pair]
Summary = tuple[Any, Cells, Any]
"""The output of a window, the cells that share its gradient, and what each share is divided by."""


class PoolCache(NamedTuple):
    """For every output, the input cells that share its gradient and what it is divided by."""

    shape: tuple[int, ...]
    shares: dict[tuple[int, ...], tuple[Cells, Any]]


def max_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> tuple[Array, PoolCache]:
    """Take the largest cell of every window: the first of equals, the last of NaNs.

    Args:
        x: ``(N, C, H, W)``.
        kernel_size: One number or (vertical, horizontal).
        stride: The same; None means the kernel size.
        padding: The same.
        dilation: The same.
        ceil_mode: Whether a last window may hang over the end.

    Returns:
        ``y (N, C, OH, OW)`` and the cache for :func:`max_pool2d_backward`.
    """

    def largest(image: Array, cells: Cells, _: Pair) -> Summary:
        winner = cells[0]
        for cell in cells[1:]:
            if image[cell].real > image[winner].real or np.isnan(image[cell].real):
                winner = cell
        return image[winner], [winner], 1

    lines = _lines(x, kernel_size, stride, padding, dilation, ceil_mode)
    return _pool(x, lines, largest)


def avg_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Array, PoolCache]:
    """Take the mean of every window.

    Args:
        x: ``(N, C, H, W)``.
        kernel_size: One number or (vertical, horizontal).
        stride: The same; None means the kernel size.
        padding: The same.
        ceil_mode: Whether a last window may hang over the end.
        count_include_pad: Whether the cells of the border count.
        divisor_override: A number to divide by instead.

    Returns:
        ``y (N, C, OH, OW)`` and the cache for :func:`avg_pool2d_backward`.
    """
    lines = _lines(x, kernel_size, stride, padding, 1, ceil_mode)
    border = checks.pair(padding, "padding", 0) if count_include_pad else (0, 0)

    def mean(image: Array, cells: Cells, output: Pair) -> Summary:
        count = 1
        for axis in (0, 1):
            allowed = range(-border[axis], image.shape[axis] + border[axis])
            count *= sum(u in allowed for u in lines[axis][output[axis]])
        divisor = image.real.dtype.type(divisor_override or count)
        return sum(image[cell] for cell in cells) / divisor, cells, divisor

    return _pool(x, lines, mean)


def adaptive_avg_pool2d(
    x: Array, output_size: int | Sequence[int | None] | None
) -> tuple[Array, PoolCache]:
    """Take the mean over every bin: the cells that overlap with one part of the image.

    Cut a side of n cells into m equal parts; cell u reaches from u to u + 1, part b from b n / m to
    (b + 1) n / m.

    Args:
        x: ``(N, C, H, W)``.
        output_size: (P, Q), or one number for both; None keeps the size of the input.

    Returns:
        ``y (N, C, P, Q)`` and the cache for :func:`adaptive_avg_pool2d_backward`.
    """
    checks.shape(x, "N", "C", "H", "W")
    wanted = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    lines = []
    for n, size in zip(x.shape[2:], wanted, strict=True):
        m = n if size is None else size
        lines.append(
            [[u for u in range(n) if u * m < (b + 1) * n and (u + 1) * m > b * n] for b in range(m)]
        )

    def mean(image: Array, cells: Cells, _: Pair) -> Summary:
        divisor = image.real.dtype.type(len(cells))
        return sum(image[cell] for cell in cells) / divisor, cells, divisor

    return _pool(x, lines, mean)


def max_pool2d_backward(dy: Array, cache: PoolCache) -> Array:
    """Hand the gradient of every output to the cells it came from.

    Args:
        dy: The shape of ``y``.
        cache: What the forward pass returned.

    Returns:
        ``dx (N, C, H, W)``.
    """
    dx = np.zeros(cache.shape, dy.dtype)
    for (n, c, p, q), (cells, divisor) in cache.shares.items():
        for cell in cells:
            dx[(n, c, *cell)] += dy[n, c, p, q] / divisor
    return dx


avg_pool2d_backward = max_pool2d_backward
adaptive_avg_pool2d_backward = max_pool2d_backward


def _lines(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    padding: IntOrPair,
    dilation: IntOrPair,
    ceil_mode: bool,
) -> list[list[list[int]]]:
    """Return, for each axis and each window, the coordinates that its taps have."""
    checks.shape(x, "N", "C", "H", "W")
    kernel = checks.pair(kernel_size, "kernel_size")
    step = kernel if stride is None else checks.pair(stride, "stride")
    border, apart = checks.pair(padding, "padding", 0), checks.pair(dilation, "dilation")
    lines = []
    for axis, n in enumerate(x.shape[2:]):
        taps = [
            [start + i * apart[axis] for i in range(kernel[axis])]
            for start in range(-border[axis], n, step[axis])
        ]
        last = n + border[axis] - 1
        overhang = step[axis] - 1 if ceil_mode else 0
        lines.append([line for line in taps if line[-1] <= last + overhang])
    return lines


def _pool(
    x: Array, lines: list[list[list[int]]], summarize: Callable[[Array, Cells, Pair], Summary]
) -> tuple[Array, PoolCache]:
    """Summarize the cells inside the image of every window of every image and channel."""
    y = np.zeros((*x.shape[:2], len(lines[0]), len(lines[1])), x.dtype)
    shares: dict[tuple[int, ...], tuple[Cells, Any]] = {}
    height, width = x.shape[2:]
    for index in np.ndindex(y.shape):
        n, c, p, q = index
        rows = [u for u in lines[0][p] if 0 <= u < height]
        columns = [v for v in lines[1][q] if 0 <= v < width]
        cells = [(u, v) for u in rows for v in columns]
        y[index], sharing, divisor = summarize(x[n, c], cells, (p, q))
        shares[index] = sharing, divisor
    return y, PoolCache(x.shape, shares)
