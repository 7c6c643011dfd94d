"""Where the windows of a pooling layer lie, and which part of each lies inside the image.

Nothing is padded here. For each tap of the window (its entry (0, 0), (0, 1), ...) the outputs whose
tap falls inside the image form a rectangle; a pooling layer visits one tap at a time and handles
that whole rectangle at once.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, IntOrPair, Pair, ShapeError

Block = tuple[slice, slice, slice, slice]


class Windows(NamedTuple):
    """The sizes of one pooling; every pair is (vertical, horizontal)."""

    size: Pair
    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair
    out: Pair

    def taps(self) -> Iterator[tuple[int, Block, Block]]:
        """Visit the taps of the window in reading order, skipping those that never meet the image.

        Yields:
            The number of the tap, the block of outputs whose tap lies inside the image, and the
            block of the input where it lies; both blocks index (N, C, H, W) and have equal sizes.

        >>> w = windows((1, 4), (1, 2), None, (0, 1), 1, False)  # [- a] [b c] [d -]
        >>> [(number, outs[3], ins[3]) for number, outs, ins in w.taps()]
        [(0, slice(1, 3, None), slice(1, 4, 2)), (1, slice(0, 2, None), slice(0, 3, 2))]
        """
        everything = slice(None)
        kh, kw = self.kernel
        for i, j in product(range(kh), range(kw)):
            vertical, horizontal = self._meet(0, i), self._meet(1, j)
            if vertical and horizontal:
                outs = (everything, everything, vertical[0], horizontal[0])
                ins = (everything, everything, vertical[1], horizontal[1])
                yield i * kw + j, outs, ins

    @property
    def overlap(self) -> bool:
        """Whether an entry of the image may lie in several windows."""
        return any(
            s < d * (k - 1) + 1
            for s, k, d in zip(self.stride, self.kernel, self.dilation, strict=True)
        )

    def first_taps(self) -> Array:
        """Return, for each output (OH, OW), the number of the first tap inside the image."""
        down, across = (self._skipped(axis) for axis in (0, 1))
        return down[:, None] * self.kernel[1] + across

    def meet_the_image(self) -> bool:
        """Whether every window has a tap inside; a dilated one may straddle a small image."""
        for axis in (0, 1):
            skipped = self._skipped(axis)
            first = self._starts(axis) + skipped * self.dilation[axis]
            if np.any(skipped >= self.kernel[axis]) or np.any(first >= self.size[axis]):
                return False
        return True

    def areas(self, count_padding: bool) -> Array:
        """Return the number of cells in each window (OH, OW).

        Args:
            count_padding: Whether cells on the padding count. Cells beyond it, which a window has
                under ``ceil_mode``, never do.
        """
        lengths = []
        for axis in (0, 1):
            start = self._starts(axis)
            stop = np.minimum(start + self.kernel[axis], self.size[axis] + self.padding[axis])
            if not count_padding:
                start, stop = np.maximum(start, 0), np.minimum(stop, self.size[axis])
            lengths.append(stop - start)
        return lengths[0][:, None] * lengths[1]

    def _starts(self, axis: int) -> Array:
        """Return the coordinate of each window's first tap along one axis."""
        return np.arange(self.out[axis]) * self.stride[axis] - self.padding[axis]

    def _skipped(self, axis: int) -> Array:
        """Return how many taps of each window lie before the image along one axis."""
        return np.maximum(0, -(self._starts(axis) // self.dilation[axis]))

    def _meet(self, axis: int, tap: int) -> tuple[slice, slice] | None:
        """Return the outputs whose tap lies inside along one axis, and where it lies."""
        stride = self.stride[axis]
        shift = tap * self.dilation[axis] - self.padding[axis]  # input = output * stride + shift
        first = max(0, -(shift // stride))
        last = min(self.out[axis] - 1, (self.size[axis] - 1 - shift) // stride)
        if last < first:
            return None
        start, stop = first * stride + shift, last * stride + shift + 1
        return slice(first, last + 1), slice(start, stop, stride)


def windows(
    size: Pair,
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    padding: IntOrPair,
    dilation: IntOrPair,
    ceil_mode: bool,
) -> Windows:
    r"""Count the windows of a pooling layer.

    .. math:: out = \left\lfloor\frac{in + 2p - (d(k - 1) + 1)}{s}\right\rfloor + 1

    With ``ceil_mode`` the division rounds up, so that a last window may hang over the end; but a
    window that would start beyond the image and its leading padding is left out.

    Args:
        size: (H, W) of the image.
        kernel_size: One number or (vertical, horizontal).
        stride: The same; None means the kernel size: windows side by side.
        padding: The same, on both sides.
        dilation: The same.
        ceil_mode: Whether to round up.

    Raises:
        ShapeError: A size makes no sense, the padding exceeds half the kernel, the kernel is larger
            than the padded image, or a window would lie on padding alone.

    >>> windows((5, 5), 2, None, 0, 1, False).out, windows((5, 5), 2, None, 0, 1, True).out
    ((2, 2), (3, 3))
    """
    kernel = checks.pair(kernel_size, "kernel_size")
    steps = kernel if stride is None else checks.pair(stride, "stride")
    border = checks.pair(padding, "padding", 0)
    spread = checks.pair(dilation, "dilation")
    if any(p > k // 2 for p, k in zip(border, kernel, strict=True)):
        raise ShapeError(f"padding of at most half the kernel size {kernel}", border)
    return _counted(size, kernel, steps, border, spread, bool(ceil_mode))


@lru_cache  # a network asks for the same few windows at every step
def _counted(
    size: Pair, kernel: Pair, steps: Pair, border: Pair, spread: Pair, ceil_mode: bool
) -> Windows:
    """Count the windows along both axes and check that each meets the image."""

    def count(axis: int) -> int:
        extent = spread[axis] * (kernel[axis] - 1) + 1
        room = size[axis] + 2 * border[axis]
        if (room < extent and not ceil_mode) or room - extent + steps[axis] <= 0:
            raise ShapeError(
                f"an image of at least {extent} pixels along axis {axis + 2}, padding included",
                f"{room}",
            )
        if not ceil_mode:
            return (room - extent) // steps[axis] + 1
        number = -((extent - room) // steps[axis]) + 1
        starts_outside = (number - 1) * steps[axis] >= size[axis] + border[axis]
        return number - 1 if starts_outside else number

    result = Windows(size, kernel, steps, border, spread, (count(0), count(1)))
    if not result.meet_the_image():
        raise ShapeError(f"a dilation with which every window meets the {size} image", spread)
    return result


def bins(size: Pair, output_size: int | Sequence[int | None] | None) -> list[list[slice]]:
    r"""Cut an image into a given number of bins along each axis.

    Bin i of P reaches from :math:`\lfloor iH/P \rfloor` up to :math:`\lceil (i+1)H/P \rceil`; where
    P does not divide H, neighbors overlap.

    Args:
        size: (H, W) of the image.
        output_size: (P, Q), or one number for both; None takes one bin per cell.

    Returns:
        The slices of the rows and the slices of the columns.

    Raises:
        ShapeError: The output size is not one or two positive integers or None.

    >>> bins((5, 2), (2, None))
    [[slice(0, 3, None), slice(2, 5, None)], [slice(0, 1, None), slice(1, 2, None)]]
    """
    both = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,) * 2
    if len(both) != 2:
        raise ShapeError("output_size as an integer or a pair", output_size)
    filled = [n if m is None else m for n, m in zip(size, both, strict=True)]
    numbers = checks.pair(filled, "output_size")
    return [
        [slice(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
        for n, m in zip(size, numbers, strict=True)
    ]
