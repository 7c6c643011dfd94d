"""The book's generated sequences (chapter 19), by formula: x (N, T, D), T steps of D numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Samples = tuple[Array, Array]


def echo(generator: np.random.Generator, n: int = 200) -> Samples:
    """Neighbours in a row of random numbers; at the second the first is to be repeated.

    s ~ U(0, 1), n + 1 numbers; x[i] = (s[i], s[i + 1]), two steps of one number; y[i] = s[i].

    Returns:
        x (n, 2, 1), y (n, 1).
    """
    s = generator.uniform(0, 1, n + 1)
    return np.stack([s[:-1], s[1:]], axis=1)[:, :, None], s[:-1, None]


def minus(generator: np.random.Generator, bits: int = 4) -> Samples:
    """All differences a - b of binary numbers with a >= b; nothing is drawn.

    The step t holds bit t of a and of b, the least significant one first, as a borrow goes.

    Args:
        generator: not used.
        bits: of a number; with 4 there are 136 pairs.

    Returns:
        x (n, bits, 2) and the bits of the difference (n, bits), n = 2^bits (2^bits + 1) / 2.

    >>> x, y = minus(np.random.default_rng(0), bits=2)
    >>> x[7].tolist(), y[7].tolist()  # 3 - 1 = 2
    ([[1.0, 1.0], [1.0, 0.0]], [0, 1])
    """
    a, b = np.tril_indices(2**bits)
    place = np.arange(bits)
    x = np.stack([a[:, None] >> place & 1, b[:, None] >> place & 1], axis=2)
    return x.astype(np.float64), (a - b)[:, None] >> place & 1
