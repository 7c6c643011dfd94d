"""The definition of :mod:`scratch.ops.embedding` in loops."""

from typing import NamedTuple

import numpy as np

from scratch.ops.checks import Array


class EmbeddingCache(NamedTuple):
    """Which rows were looked up, the table, and the row that learns nothing."""

    indices: Array
    weight: Array
    padding_idx: int | None


def embedding(
    indices: Array, weight: Array, padding_idx: int | None = None
) -> tuple[Array, EmbeddingCache]:
    """Return ``y[n] = weight[indices[n]]``.

    Args:
        indices: Integers of any shape.
        weight: ``(num, dim)``.
        padding_idx: The index whose row gets no gradient, or None.

    Returns:
        ``y (..., dim)`` and the cache for :func:`embedding_backward`.
    """
    y = np.zeros((*indices.shape, weight.shape[1]), weight.dtype)
    for n in np.ndindex(indices.shape):
        for k in range(weight.shape[1]):
            y[*n, k] = weight[indices[n], k]
    return y, EmbeddingCache(indices, weight, padding_idx)


def embedding_backward(dy: Array, cache: EmbeddingCache) -> Array:
    """Add every gradient to the row that was looked up, but to that of the padding.

    Args:
        dy: ``(..., dim)``.
        cache: What :func:`embedding` returned.

    Returns:
        ``dweight (num, dim)``.
    """
    indices, weight, padding_idx = cache
    dweight = np.zeros(weight.shape, weight.dtype)
    for n in np.ndindex(indices.shape):
        if indices[n] != padding_idx:
            for k in range(weight.shape[1]):
                dweight[indices[n], k] += dy[*n, k]
    return dweight
