"""Bagging: networks trained on samples drawn with replacement, and their vote (section 16.7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratch.data.streams import stream

Array = np.ndarray[Any, np.dtype[Any]]


def bootstrap(n: int, rounds: int, seed: int) -> NDArray[np.int64]:
    """Draw the training samples of every network, with replacement.

    Round k is the same however many rounds there are.

    Args:
        n: number of samples, and of draws in a round.
        rounds: number of networks.
        seed: which draw.

    Returns:
        (rounds, n) int64, numbers of samples.

    Raises:
        ValueError: no samples, no rounds or a negative seed.
    """
    if min(n, rounds) < 1:
        raise ValueError(f"bagging needs samples and rounds; got n={n}, rounds={rounds}")
    draws = [stream(seed, "bootstrap", k).integers(0, n, n) for k in range(rounds)]
    return np.stack(draws).astype(np.int64)


def majority(votes: Array) -> NDArray[np.int64]:
    """Return the class that most networks name; the smallest number of those that tie.

    Args:
        votes: (rounds, N) class numbers from 0, one row per network.

    Returns:
        (N,) int64.

    Raises:
        ValueError: another shape, no networks, or numbers that are no classes.

    >>> majority(np.array([[2, 1, 0], [2, 0, 1], [1, 1, 2]])).tolist()
    [2, 1, 0]
    """
    votes = np.asarray(votes)
    if votes.ndim != 2 or not votes.size or votes.dtype.kind not in "iu" or votes.min() < 0:
        raise ValueError(f"expects votes (rounds, N) from 0; got {votes.dtype} {votes.shape}")
    counts = np.stack([(votes == label).sum(axis=0) for label in range(int(votes.max()) + 1)])
    return counts.argmax(axis=0).astype(np.int64)
