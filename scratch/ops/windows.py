"""Where the windows of a pooling layer lie, and which part of each lies inside the image.

Nothing is padded here. For each tap of the window (its entry (0, 0), (0, 1), ...) the outputs whose
tap falls inside the image form a rectangle; a pooling layer visits one tap at a time and handles
that whole rectangle at once.
"""

from collections.abc import Iterator
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

    def first_taps(self) -> Array:
        """Return, for each output (OH, OW), the number of the first tap inside the image."""
        steps = []
        for axis in (0, 1):
            start = np.arange(self.out[axis]) * self.stride[axis] - self.padding[axis]
            steps.append(np.maximum(0, -(start // self.dilation[axis])))
        return steps[0][:, None] * self.kernel[1] + steps[1]

    def areas(self, count_padding: bool) -> Array:
        """Return the number of cells in each window (OH, OW).

        Args:
            count_padding: Whether cells on the padding count. Cells beyond it, which a window has
                under ``ceil_mode``, never do.
        """
        lengths = []
        for axis in (0, 1):
            start = np.arange(self.out[axis]) * self.stride[axis] - self.padding[axis]
            stop = np.minimum(start + self.kernel[axis], self.size[axis] + self.padding[axis])
            if not count_padding:
                start, stop = np.maximum(start, 0), np.minimum(stop, self.size[axis])
            lengths.append(stop - start)
        return lengths[0][:, None] * lengths[1]

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
        ShapeError: A size makes no sense, the padding exceeds half the kernel (a window could then
            lie on padding alone), or the kernel is larger than the padded image.

    >>> windows((5, 5), 2, None, 0, 1, False).out, windows((5, 5), 2, None, 0, 1, True).out
    ((2, 2), (3, 3))
    """
    kernel = checks.pair(kernel_size, "kernel_size")
    steps = kernel if stride is None else checks.pair(stride, "stride")
    border = checks.pair(padding, "padding", 0)
    spread = checks.pair(dilation, "dilation")
    if any(p > k // 2 for p, k in zip(border, kernel, strict=True)):
        raise ShapeError(f"padding of at most half the kernel size {kernel}", border)

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

    return Windows(size, kernel, steps, border, spread, (count(0), count(1)))
