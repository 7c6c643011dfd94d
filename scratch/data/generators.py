"""The book's generated data sets, by formula.

Each function draws `n` samples from a generator and returns x (N, F) and the labels or targets as
the formula gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Samples = tuple[Array, Array]


def servers(generator: np.random.Generator, n: int = 100, noise: float = 0.2) -> Samples:
    """Power of the air conditioner over the number of servers (chapter 4).

    x ~ U(0, 1) thousand servers; y = 2 x + 3 + N(0, noise) kW.

    Returns:
        x (n, 1), y (n, 1).
    """
    x = generator.uniform(0, 1, (n, 1))
    return x, 2 * x + 3 + generator.normal(0, noise, (n, 1))


def cities(generator: np.random.Generator, n: int = 200) -> Samples:
    """Cities of Chu and Han, separable by a line (chapter 6).

    x ~ U(0, 1)^2; label [x2 > 2 x1 - 0.5].

    Returns:
        x (n, 2), labels (n,) in 0, 1.
    """
    x = generator.uniform(0, 1, (n, 2))
    return x, (x[:, 1] > 2 * x[:, 0] - 0.5).astype(np.int64)


def kingdoms(generator: np.random.Generator, n: int = 200) -> Samples:
    """Cities of three kingdoms, not quite separable (chapter 7).

    x ~ U(0, 10)^2. With the jittered height h = abs(x2 - U(-1, 1)) and the lines
    a = 2.5 x1 - 10, b = 0.3 x1 + 5, c = -x1 + 10, a point belongs to the first kingdom if h lies
    above all three, to the second if above a and below b and c, to the third if below a and b and
    above c; any other point is dropped. The x2 that is returned is not jittered, so about one
    point in eleven lies on the wrong side.

    Returns:
        x (about 0.7 n, 2), labels in 0, 1, 2.
    """
    x = generator.uniform(0, 10, (n, 2))
    height = np.abs(x[:, 1] - generator.uniform(-1, 1, n))
    a, b, c = 2.5 * x[:, 0] - 10, 0.3 * x[:, 0] + 5, -x[:, 0] + 10
    kingdom = np.select(
        [
            (height > a) & (height > b) & (height > c),
            (height > a) & (height < b) & (height < c),
            (height < a) & (height < b) & (height > c),
        ],
        [0, 1, 2],
        default=-1,
    )
    return x[kingdom >= 0], kingdom[kingdom >= 0]


def xor(generator: np.random.Generator) -> Samples:
    """The truth table of the exclusive or (chapter 10); nothing is drawn.

    Returns:
        x (4, 2), labels (4,).
    """
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return x, (x[:, 0] != x[:, 1]).astype(np.int64)


GENERATORS: dict[str, Callable[..., Samples]] = {
    "servers": servers,
    "cities": cities,
    "kingdoms": kingdoms,
    "xor": xor,
}
