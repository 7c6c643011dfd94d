"""Keep some entries of an array and set the others to zero."""

import numpy as np

from scratch.ops.checks import Array


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
