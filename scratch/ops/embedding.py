"""The lookup table: a row of weights for every number of a vocabulary."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, ShapeError


class EmbeddingCache(NamedTuple):
    """Which rows were looked up, shape and dtype of the table, and the row that learns nothing."""

    indices: Array
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    padding_idx: int | None


def embedding(
    indices: Array, weight: Array, padding_idx: int | None = None
) -> tuple[Array, EmbeddingCache]:
    r"""Look up one row for every index: :math:`y_n = w_{i_n}`.

    It is the product of a one-hot vector and the table, without the multiplications by 0.

    Args:
        indices: Integers of any shape, from 0 to num - 1.
        weight: ``(num, dim)``, the table.
        padding_idx: The index that stands for no word; its row gets no gradient. Or None.

    Returns:
        ``y`` of shape ``(..., dim)``, and the cache for :func:`embedding_backward`.

    Raises:
        ShapeError: Indices are not integers or lie outside the table, there is none of them, or
            the table is not a floating matrix.

    Bengio, Ducharme, Vincent & Jauvin 2003, A neural probabilistic language model, section 2.

    >>> embedding(np.array([2, 0, 2]), np.array([[1.0], [2.0], [3.0]]))[0].tolist()
    [[3.0], [1.0], [3.0]]
    """
    checks.shape(weight, "num", "dim")
    checks.floating(weight)
    checks.not_empty(indices)
    if indices.dtype.kind not in "iu":
        raise ShapeError("indices of an integer dtype", indices.dtype)
    last = len(weight) - 1
    for found in (indices.min(), indices.max()):
        if not 0 <= found <= last:
            raise ShapeError(f"indices from 0 to {last}", int(found))
    if padding_idx is not None and not 0 <= padding_idx <= last:
        raise ShapeError(f"a padding_idx from 0 to {last}", padding_idx)
    return weight[indices], EmbeddingCache(indices.copy(), weight.shape, weight.dtype, padding_idx)


def embedding_backward(dy: Array, cache: EmbeddingCache) -> Array:
    r"""Add every gradient to the row that was looked up.

    Row k reaches the loss through each place n that looked it up, with slope 1:
    :math:`dw_k = \sum_n [i_n = k]\, dy_n`. A word that occurs twice has the sum of two gradients;
    one that does not occur has none. The indices themselves have no derivative.

    The gradients are sorted by their index, so that each row is the sum of one run of them.

    Args:
        dy: ``(..., dim)``.
        cache: What :func:`embedding` returned.

    Returns:
        ``dweight (num, dim)``.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = embedding(np.array([2, 0, 2]), np.array([[1.0], [2.0], [3.0]]))
    >>> embedding_backward(np.array([[1.0], [10.0], [100.0]]), cache).tolist()
    [[10.0], [0.0], [101.0]]
    """
    indices, shape, dtype, padding_idx = cache
    dim = shape[1]
    checks.gradient(dy, (*indices.shape, dim), dtype)
    flat = indices.ravel()
    order = np.argsort(flat, kind="stable")
    rows, starts = np.unique(flat[order], return_index=True)
    dweight = np.zeros(shape, dtype)
    dweight[rows] = np.add.reduceat(dy.reshape(-1, dim)[order], starts)
    if padding_idx is not None:
        dweight[padding_idx] = 0
    return dweight
