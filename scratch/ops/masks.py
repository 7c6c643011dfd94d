"""Keep some entries of an array and set the others to zero."""

import numpy as np

from scratch.ops.checks import Array

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
