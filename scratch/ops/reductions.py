"""Sums: from the losses of the single entries to one number and back, and over channels."""

from collections.abc import Callable
from typing import Any

import numpy as np

from scratch.ops.checks import Array, ShapeError
from scratch.ops.parts import over_batch

REDUCTIONS = ("none", "mean", "sum")


def check(reduction: str) -> None:
    """Refuse an unknown reduction.

    Raises:
        ShapeError: It is none of the three.
    """
    if reduction not in REDUCTIONS:
        raise ShapeError(f"a reduction among {', '.join(REDUCTIONS)}", repr(reduction))


def reduce(losses: Array, reduction: str, total: Any) -> Any:
    """Return the losses themselves, their sum, or their sum over ``total``.

    Args:
        losses: One loss per entry.
        reduction: "none", "sum" or "mean".
        total: What a mean divides by.

    >>> float(reduce(np.array([1.0, 2.0, 6.0]), "mean", 3))
    3.0
    """
    if reduction == "none":
        return losses
    total_loss = np.add.reduce(losses, axis=None)
    return total_loss if reduction == "sum" else total_loss / total


def spread(d_loss: Any, shape: tuple[int, ...], reduction: str, total: Any, like: Array) -> Array:
    """Return the gradient of every single loss, as an array that broadcasts to ``shape``.

    A sum hands its gradient to every term, a mean its gradient over the total.

    Args:
        d_loss: A number, or with "none" an array of ``shape``.
        shape: The shape of the single losses.
        reduction: The one that was used.
        total: What the mean was divided by.
        like: Gives the dtype.

    Raises:
        ShapeError: ``d_loss`` has not the shape of the loss.
    """
    wanted = shape if reduction == "none" else ()
    gradient = np.asarray(d_loss, like.dtype)
    if gradient.shape != wanted:
        raise ShapeError(f"a gradient of shape {wanted}", gradient.shape)
    return np.asarray(gradient[()] / total, like.dtype) if reduction == "mean" else gradient


def channel_sum(x: Array, of: Callable[[slice], Array] | None = None) -> Array:
    """Sum every channel over samples and positions.

    Positions are added by a product with ones, which adds in blocks and several numbers at a time:
    faster than axis by axis, and in float32 with a tenth of the rounding. Where the channels lie
    last in memory the rows of an image are added so. The few sums that remain are added in float64.

    Args:
        x: ``(N, C)`` or ``(N, C, ...)``.
        of: What to sum instead of x, given which part of the batch: it is made, and added up while
            it lies in the cache. It has the shape and dtype of that part of x.

    Returns:
        ``(C,)`` in the dtype of ``x``.

    >>> channel_sum(np.arange(12.0).reshape(2, 3, 2)).tolist()  # 0 + 1 + 6 + 7, ...
    [14.0, 22.0, 30.0]
    >>> channel_sum(np.zeros((2, 1)), lambda part: np.array([[1.0], [2.0]])[part]).tolist()
    [3.0]
    """
    values = x.__getitem__ if of is None else of
    everything = slice(0, len(x))
    axes = (0, *range(2, x.ndim), 1)
    last = x.transpose(axes)  # (N, ..., C)
    if x.ndim == 2:
        sums = values(everything)
    elif last.flags.c_contiguous:
        ones = np.ones(last.shape[-2], x.dtype)
        rows = np.empty((*last.shape[:-2], x.shape[1]), x.dtype)  # (N, ..., C)

        def add(part: slice) -> None:
            np.matmul(ones, values(part).transpose(axes), out=rows[part])

        over_batch(add, x)
        sums = rows.reshape(-1, x.shape[1])
    else:
        positions = values(everything).reshape(len(x), x.shape[1], -1)  # (N, C, positions)
        sums = positions @ np.ones(positions.shape[2], x.dtype)
    total: Array = sums.sum(axis=0, dtype=np.result_type(x.dtype, np.float64))
    return total.astype(x.dtype)
