"""Fixed splits of a finite set into training, validation and test samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.data.streams import stream
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]


def three_ways(
    n: int, seed: int, labels: Array | None = None, val: float = 0.1, test: float = 0.2
) -> tuple[Array, Array, Array]:
    """Return the indices of the training, validation and test samples.

    Within each class the samples are shuffled and cut, so that every split holds every class in
    the same proportion; inside a split they keep their order.

    Args:
        n: number of samples.
        seed: which shuffle.
        labels: (n,) classes; None treats all samples alike.
        val: share of the validation split, rounded per class.
        test: share of the test split, rounded per class.

    Raises:
        UserError: so few samples that a split which should hold some is empty.

    >>> [
    ...     part.tolist()
    ...     for part in three_ways(4, seed=0, labels=np.array([0, 1, 0, 1]), val=0.5, test=0.0)
    ... ]
    [[0, 1], [2, 3], []]
    """
    generator = stream(seed, "split")
    groups = np.zeros(n, dtype=int) if labels is None else np.asarray(labels).reshape(n)
    parts: tuple[list[Array], ...] = ([], [], [])
    for group in np.unique(groups):
        members = generator.permutation(np.flatnonzero(groups == group))
        in_test, in_val = round(test * len(members)), round(val * len(members))
        cuts = np.split(members, [len(members) - in_val - in_test, len(members) - in_test])
        for part, cut in zip(parts, cuts, strict=True):
            part.append(cut)
    train_part, val_part, test_part = (np.sort(np.concatenate(part)) for part in parts)
    if not len(train_part) or (val and not len(val_part)) or (test and not len(test_part)):
        raise UserError(f"{n} samples are too few to split; use a larger set")
    return train_part, val_part, test_part
