"""Keep some entries of an array and set the others to zero."""

import numpy as np

from scratch.ops.checks import Array
from scratch.ops.parts import over_batch

PIECE = 1 << 14
"""Entries that are compared at a time; as many zeros stay in the cache."""


def keep(values: Array, mask: Array) -> Array:
    """Return ``values`` where ``mask`` holds and zero elsewhere, in the layout of ``values``.

    Multiplying by the mask is ten times faster than choosing (``np.where``), but infinity times
    zero is NaN; so the fast way is taken only when every value is finite.

    Args:
        values: Any shape.
        mask: Booleans of the same shape.

    Returns:
        A new array of the shape and dtype of ``values``.

    >>> keep(np.array([1.0, -2.0, np.inf]), np.array([True, True, False])).tolist()
    [1.0, -2.0, 0.0]
    """
    if np.isfinite(values).all():
        return np.multiply(values, mask)
    return np.where(mask, values, values.dtype.type(0))


def where_nonzero(values: Array, other: Array) -> Array:
    """Return ``values`` where ``other`` is not zero and zero elsewhere, see :func:`keep`.

    >>> where_nonzero(np.array([1.0, 2.0]), np.array([0.0, 5.0])).tolist()
    [0.0, 2.0]
    """
    kept = np.empty_like(values)
    ins, others, outs = np.atleast_1d(values, other, kept)  # a number is a batch of one

    def some(part: slice) -> None:
        outs[part] = keep(ins[part], others[part].real != 0)

    over_batch(some, outs)
    return kept


def rectified(x: Array) -> Array:
    """Return a real array with zero for every negative entry; NaN stays.

    >>> rectified(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]
    """
    y, zero = np.empty_like(x), x.dtype.type(0)
    ins, outs = np.atleast_1d(x, y)  # a number is a batch of one
    over_batch(lambda part: np.maximum(ins[part], zero, out=outs[part]), ins)
    return y


def rectify(x: Array) -> Array:
    """Write zero over every negative entry of an array, and return it; NaN stays.

    Against zeros in memory NumPy takes a third of the time that it takes against one number.

    Args:
        x: Any shape, writeable; nobody else may need it.

    >>> x = np.array([-2.0, 0.0, 3.0])
    >>> rectify(x) is x, x.tolist()
    (True, [0.0, 0.0, 3.0])
    """
    flat = x.ravel(order="K")
    if not np.may_share_memory(flat, x):  # gaps lie between the entries
        return np.maximum(x, x.dtype.type(0), out=x)
    zeros = np.zeros(min(PIECE, flat.size), x.dtype)
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE]
        np.maximum(piece, zeros[: piece.size], out=piece)
    return x
