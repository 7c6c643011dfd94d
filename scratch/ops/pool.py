"""Pooling: one number per window of an image, its largest entry or its mean."""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks, layout
from scratch.ops.checks import Array, IntOrPair, ShapeError
from scratch.ops.masks import keep
from scratch.ops.windows import Windows, bins, windows


class MaxPoolCache(NamedTuple):
    """Which tap of each window won, ``(N, C, OH, OW)``, and what the input was like."""

    winner: Array
    windows: Windows
    dtype: np.dtype[Any]
    order: layout.Order


def max_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> tuple[Array, MaxPoolCache]:
    r"""Take the largest entry of every window.

    .. math:: y_{n,c,p,q} = \max_{i,j} \tilde x_{n,\,c,\,ps + id,\,qs + jd}

    The border counts as minus infinity. Of equal entries the first in reading order wins; a NaN
    beats everything, the last one in the window the others.

    Args:
        x: ``(N, C, H, W)``.
        kernel_size: Size of the window, one number or (vertical, horizontal).
        stride: Pixels from one window to the next; None means the kernel size.
        padding: Border on every side, at most half the kernel size.
        dilation: Pixels from one entry of the window to the next.
        ceil_mode: Whether a last window may hang over the end (see :func:`windows.windows`).

    Returns:
        ``y`` of shape ``(N, C, OH, OW)`` and the cache for :func:`max_pool2d_backward`.

    Raises:
        ShapeError: Rank, dtype or sizes do not fit.

    Ranzato et al. 2007, Unsupervised learning of invariant feature hierarchies; the book, section
    17.5.

    >>> x = np.array([[[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 2.0, -1.0]]]])
    >>> max_pool2d(x, 2)[0].tolist()
    [[[[5.0, 2.0]]]]
    """
    w = _check(x, kernel_size, stride, padding, dilation, ceil_mode)
    shape = (*x.shape[:2], *w.out)
    y = np.full_like(x, -np.inf, shape=shape)
    winner = np.empty_like(x, shape=shape, dtype=np.min_scalar_type(w.kernel[0] * w.kernel[1]))
    winner[...] = w.first_taps()
    for number, outs, ins in w.taps():
        entry, best = x[ins], y[outs]
        better = entry.real > best.real
        better |= np.isnan(entry.real)
        if np.iscomplexobj(x):
            np.copyto(best, entry, where=better)
        else:
            np.maximum(best, entry, out=best)
        taps = winner[outs]
        np.maximum(taps, better * taps.dtype.type(number), out=taps)  # taps are visited in order
    return y, MaxPoolCache(winner, w, x.dtype, layout.order(x))


def max_pool2d_backward(dy: Array, cache: MaxPoolCache) -> Array:
    r"""Send the gradient of every window to the entry that won.

    Near a point without ties :math:`y_{pq}` equals the winning entry, so its derivative is 1 with
    respect to that entry and 0 with respect to the others. An entry that wins in several
    overlapping windows receives the sum:

    .. math:: dx_{u,v} = \sum_{p,q:\ (u,v)\ \text{wins}\ (p,q)} dy_{p,q}

    Args:
        dy: ``(N, C, OH, OW)``.
        cache: What :func:`max_pool2d` returned.

    Returns:
        ``dx (N, C, H, W)``.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    The book, section 17.5.

    >>> _, cache = max_pool2d(np.array([[[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 2.0, -1.0]]]]), 2)
    >>> max_pool2d_backward(np.array([[[[7.0, 9.0]]]]), cache).tolist()  # the first 2.0 wins
    [[[[0.0, 7.0, 9.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]
    """
    winner, w, dtype, order = cache
    checks.gradient(dy, winner.shape, dtype)
    dy = layout.arrange(dy, order)
    dx = layout.zeros((*winner.shape[:2], *w.size), dtype, order)
    for number, outs, ins in w.taps():
        share = keep(dy[outs], winner[outs] == number)
        if w.overlap:
            dx[ins] += share
        else:  # twice as fast
            dx[ins] = share
    return dx


class AvgPoolCache(NamedTuple):
    """What every window was divided by, ``(OH, OW)``, and what the input was like."""

    divisor: Array
    windows: Windows
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: layout.Order


def avg_pool2d(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Array, AvgPoolCache]:
    r"""Take the mean of every window.

    .. math:: y_{n,c,p,q} = \frac{1}{D_{pq}} \sum_{i,j} \tilde x_{n,\,c,\,ps + i,\,qs + j}

    The border counts as zero. D is the number of cells of the window: those of the border only with
    ``count_include_pad``, those that hang over beyond it (``ceil_mode``) never.

    Args:
        x: ``(N, C, H, W)``.
        kernel_size: Size of the window, one number or (vertical, horizontal).
        stride: Pixels from one window to the next; None means the kernel size.
        padding: Border on every side, at most half the kernel size.
        ceil_mode: Whether a last window may hang over the end (see :func:`windows.windows`).
        count_include_pad: Whether D counts the border.
        divisor_override: A number to take for D everywhere.

    Returns:
        ``y`` of shape ``(N, C, OH, OW)`` and the cache for :func:`avg_pool2d_backward`.

    Raises:
        ShapeError: Rank, dtype or sizes do not fit, or the divisor is 0.

    LeCun et al. 1998, section II.B (there times a trained factor); the book, section 17.5.

    >>> x = np.arange(1.0, 6.0).reshape(1, 1, 1, 5)
    >>> avg_pool2d(x, (1, 2), ceil_mode=True)[0].tolist()  # the last window holds one cell
    [[[[1.5, 3.5, 5.0]]]]
    """
    w = _check(x, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise ShapeError("a divisor other than 0", divisor_override)
    if divisor_override is None:
        divisor = w.areas(count_include_pad).astype(x.real.dtype)
    else:
        divisor = np.full(w.out, divisor_override, x.real.dtype)
    y = np.zeros_like(x, shape=(*x.shape[:2], *w.out))
    for _, outs, ins in w.taps():
        y[outs] += x[ins]
    y /= divisor
    return y, AvgPoolCache(divisor, w, x.shape, x.dtype, layout.order(x))


def avg_pool2d_backward(dy: Array, cache: AvgPoolCache) -> Array:
    r"""Share the gradient of every window among its entries.

    :math:`y_{pq}` depends on each entry of its window with the factor :math:`1 / D_{pq}`; an entry
    collects from all windows it lies in:

    .. math:: dx_{u,v} = \sum_{p,q:\ (u,v)\ \text{in}\ (p,q)} dy_{p,q} / D_{pq}

    Args:
        dy: ``(N, C, OH, OW)``.
        cache: What :func:`avg_pool2d` returned.

    Returns:
        ``dx (N, C, H, W)``.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = avg_pool2d(np.zeros((1, 1, 1, 3)), (1, 2), stride=1)
    >>> avg_pool2d_backward(np.array([[[[2.0, 6.0]]]]), cache).tolist()
    [[[[1.0, 4.0, 3.0]]]]
    """
    divisor, w, shape, dtype, order = cache
    checks.gradient(dy, (*shape[:2], *w.out), dtype)
    share = layout.arrange(dy, order) / divisor
    dx = layout.zeros(shape, dtype, order)
    for _, outs, ins in w.taps():
        if w.overlap:
            dx[ins] += share[outs]
        else:  # twice as fast
            dx[ins] = share[outs]
    return dx


class AdaptiveAvgPoolCache(NamedTuple):
    """The bins along each axis, and what the input was like."""

    rows: list[slice]
    columns: list[slice]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: layout.Order


def adaptive_avg_pool2d(
    x: Array, output_size: int | Sequence[int | None] | None
) -> tuple[Array, AdaptiveAvgPoolCache]:
    r"""Take means over windows that are chosen so that a given number of outputs results.

    .. math::
        y_{n,c,p,q} = \text{mean of } x_{n,c,u,v} \text{ over }
        \lfloor pH/P \rfloor \le u < \lceil (p+1)H/P \rceil,\
        \lfloor qW/Q \rfloor \le v < \lceil (q+1)W/Q \rceil

    Where P does not divide H the bins differ in size and neighbors overlap.

    Args:
        x: ``(N, C, H, W)``.
        output_size: (P, Q), or one number for both; None keeps the size of the input.

    Returns:
        ``y`` of shape ``(N, C, P, Q)`` and the cache for :func:`adaptive_avg_pool2d_backward`.

    Raises:
        ShapeError: Rank or dtype do not fit, or the output size is not positive.

    Lin, Chen & Yan 2014, Network in network, section 3.2 (global average pooling: size 1).

    >>> x = np.array([1.0, 2.0, 3.0, 4.0, 5.0]).reshape(1, 1, 1, 5)
    >>> adaptive_avg_pool2d(x, (1, 2))[0].tolist()  # 1 2 3 | 3 4 5
    [[[[2.0, 4.0]]]]
    """
    checks.shape(x, "N", "C", "H", "W")
    checks.floating(x)
    rows, columns = bins((x.shape[2], x.shape[3]), output_size)
    y = np.empty_like(x, shape=(*x.shape[:2], len(rows), len(columns)))
    for (p, down), (q, across) in product(enumerate(rows), enumerate(columns)):
        total = x[:, :, down, across].sum(axis=(2, 3))
        y[:, :, p, q] = total / (down.stop - down.start) / (across.stop - across.start)
    return y, AdaptiveAvgPoolCache(rows, columns, x.shape, x.dtype, layout.order(x))


def adaptive_avg_pool2d_backward(dy: Array, cache: AdaptiveAvgPoolCache) -> Array:
    r"""Share the gradient of every bin among its entries, as in :func:`avg_pool2d_backward`.

    Args:
        dy: ``(N, C, P, Q)``.
        cache: What :func:`adaptive_avg_pool2d` returned.

    Returns:
        ``dx (N, C, H, W)``.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = adaptive_avg_pool2d(np.zeros((1, 1, 1, 5)), (1, 2))
    >>> adaptive_avg_pool2d_backward(np.array([[[[3.0, 6.0]]]]), cache).tolist()
    [[[[1.0, 1.0, 3.0, 2.0, 2.0]]]]
    """
    rows, columns, shape, dtype, order = cache
    checks.gradient(dy, (*shape[:2], len(rows), len(columns)), dtype)
    dx = layout.zeros(shape, dtype, order)
    for (p, down), (q, across) in product(enumerate(rows), enumerate(columns)):
        share = dy[:, :, p, q] / (down.stop - down.start) / (across.stop - across.start)
        dx[:, :, down, across] += share[:, :, None, None]
    return dx


def _check(
    x: Array,
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    padding: IntOrPair,
    dilation: IntOrPair,
    ceil_mode: bool,
) -> Windows:
    """Check the input and lay out the windows."""
    checks.shape(x, "N", "C", "H", "W")
    checks.floating(x)
    return windows((x.shape[2], x.shape[3]), kernel_size, stride, padding, dilation, ceil_mode)
