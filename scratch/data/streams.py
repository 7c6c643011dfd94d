"""Independent random streams from one seed.

Generating the samples, splitting them and shuffling them each get a stream of their own, so that
a change in one leaves the others as they were.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the generator that belongs to a seed and a purpose.

    Args:
        seed: non-negative.
        purpose: what the numbers are drawn for, for example "order".
        numbers: further non-negative coordinates, for example the epoch.

    Raises:
        ValueError: a negative seed or coordinate.
    """
    if min(seed, *numbers, 0) < 0:
        raise ValueError(f"seeds and coordinates are not negative; got {(seed, *numbers)}")
    key = (zlib.crc32(purpose.encode()), *numbers)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
