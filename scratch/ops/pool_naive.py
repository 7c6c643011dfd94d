"""The definition of :mod:`scratch.ops.pool`: the cells of every window, one after the other."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, IntOrPair, Pair

Cells = list[Pair]


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
    lines = _lines(x, kernel_size, stride, padding, dilation, ceil_mode)

    def largest(image: Array, window: Cells) -> tuple[Any, Cells, Any]:
        winner = window[0]
        for cell in window[1:]:
            if image[cell].real > image[winner].real or np.isnan(image[cell].real):
                winner = cell
        return image[winner], [winner], 1

    return _pool(x, [[_inside(line, n) for line in ls] for ls, n in lines], largest)


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
    borders = checks.pair(padding, "padding", 0)
    widths = [n + b if count_include_pad else n for (_, n), b in zip(lines, borders, strict=True)]
    leads = [-b if count_include_pad else 0 for b in borders]
    counts = [
        [sum(lead <= u < width for u in line) for line in ls]
        for (ls, _), width, lead in zip(lines, widths, leads, strict=True)
    ]
    divisors = iter(
        [divisor_override or a * b for a in counts[0] for b in counts[1]] * (len(x) * x.shape[1])
    )

    def mean(image: Array, window: Cells) -> tuple[Any, Cells, Any]:
        divisor = x.real.dtype.type(next(divisors))
        return sum(image[cell] for cell in window) / divisor, window, divisor

    return _pool(x, [[_inside(line, n) for line in ls] for ls, n in lines], mean)


def adaptive_avg_pool2d(
    x: Array, output_size: int | Sequence[int | None] | None
) -> tuple[Array, PoolCache]:
    """Take the mean over every bin, from floor(p H / P) up to ceil((p + 1) H / P).

    Args:
        x: ``(N, C, H, W)``.
        output_size: (P, Q), or one number for both; None keeps the size of the input.

    Returns:
        ``y (N, C, P, Q)`` and the cache for :func:`adaptive_avg_pool2d_backward`.
    """
    checks.shape(x, "N", "C", "H", "W")
    wanted = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    bins = []
    for n, m in zip(x.shape[2:], wanted, strict=True):
        number = n if m is None else m
        overlaps = [
            [u for u in range(n) if u * number < (b + 1) * n and (u + 1) * number > b * n]
            for b in range(number)
        ]
        bins.append(overlaps)

    def mean(image: Array, window: Cells) -> tuple[Any, Cells, Any]:
        divisor = x.real.dtype.type(len(window))
        return sum(image[cell] for cell in window) / divisor, window, divisor

    return _pool(x, bins, mean)


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
) -> list[tuple[list[range], int]]:
    """Return, per axis, the coordinates that each window covers, and the size of the image."""
    checks.shape(x, "N", "C", "H", "W")
    kernel = checks.pair(kernel_size, "kernel_size")
    step = kernel if stride is None else checks.pair(stride, "stride")
    border, apart = checks.pair(padding, "padding", 0), checks.pair(dilation, "dilation")
    lines = []
    for axis, n in enumerate(x.shape[2:]):
        windows = []
        for start in range(-border[axis], n, step[axis]):
            window = range(start, start + kernel[axis] * apart[axis], apart[axis])
            overhang = window[-1] - (n + border[axis] - 1)
            if overhang <= 0 or (ceil_mode and overhang < step[axis]):
                windows.append(window)
        lines.append((windows, n))
    return lines


def _inside(line: range, size: int) -> list[int]:
    """Return the coordinates that lie inside the image."""
    return [u for u in line if 0 <= u < size]


def _pool(
    x: Array,
    windows: list[list[list[int]]],
    summarize: Callable[[Array, Cells], tuple[Any, Cells, Any]],
) -> tuple[Array, PoolCache]:
    """Summarize the cells of every window of every image and channel."""
    y = np.zeros((*x.shape[:2], len(windows[0]), len(windows[1])), x.dtype)
    shares: dict[tuple[int, ...], tuple[Cells, Any]] = {}
    for index in np.ndindex(y.shape):
        n, c, p, q = index
        window = [(u, v) for u in windows[0][p] for v in windows[1][q]]
        y[index], cells, divisor = summarize(x[n, c], window)
        shares[index] = cells, divisor
    return y, PoolCache(x.shape, shares)
