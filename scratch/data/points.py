"""The fifty points of chapter 3, over which the loss of a line is drawn as a surface."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.data.streams import stream

Array = np.ndarray[Any, np.dtype[Any]]


def line_points(seed: int = 0, n: int = 50) -> tuple[Array, Array]:
    """Return x, evenly spaced over 0 ... 1, and y = 2 x + 3 + U(-0.5, 0.5), each (n,).

    Args:
        seed: of the noise.
        n: number of points.
    """
    x = np.linspace(0, 1, n)
    return x, 2 * x + 3 + stream(seed, "line points").uniform(-0.5, 0.5, n)
