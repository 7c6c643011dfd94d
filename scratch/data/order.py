"""The order in which samples reach a network: one list that both training loops read."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scratch.data.streams import stream


def batches(
    n: int,
    batch_size: int,
    seed: int,
    epoch: int,
    shuffle: bool = True,
    drop_last: bool = False,
) -> list[NDArray[np.int64]]:
    """Return the sample indices of every batch of one epoch.

    A pure function of its arguments: no state survives a call, so a run that resumes in the
    middle of an epoch reads the list it would have read.

    Args:
        n: number of samples.
        batch_size: samples per batch; the last batch holds what remains.
        seed: which run.
        epoch: counted from 0; every epoch is shuffled anew.
        shuffle: False gives 0 ... n-1 in order.
        drop_last: leave out a last batch that is not full.

    Returns:
        Index arrays, int64, together a permutation of 0 ... n-1 (unless `drop_last`).

    Raises:
        ValueError: no samples, a batch size below 1, a negative seed or epoch, or no full batch
            with `drop_last`.

    >>> [batch.tolist() for batch in batches(5, 2, seed=0, epoch=0, shuffle=False)]
    [[0, 1], [2, 3], [4]]
    """
    if n < 1:
        raise ValueError(f"a batch order needs samples; got n={n}")
    if batch_size < 1:
        raise ValueError(f"batch_size is at least 1; got {batch_size}")
    if drop_last and n < batch_size:
        raise ValueError(f"{n} samples hold no full batch of {batch_size}")
    generator = stream(seed, "order", epoch)
    order = generator.permutation(n) if shuffle else np.arange(n)
    stop = n - n % batch_size if drop_last else n
    return [
        order[start : min(start + batch_size, stop)].astype(np.int64)
        for start in range(0, stop, batch_size)
    ]


def evaluation_batch(shape: tuple[int, ...]) -> int:
    """Return how many samples to evaluate at once: 256, fewer where they are large images.

    Args:
        shape: of one sample.

    >>> evaluation_batch((1, 28, 28)), evaluation_batch((3, 224, 224))
    (256, 13)
    """
    return max(1, min(256, (1 << 21) // math.prod(shape)))
