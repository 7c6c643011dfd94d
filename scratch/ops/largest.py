"""Max pooling for a network that only answers: nobody will ask who won."""

from typing import Any

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array
from scratch.ops.windows import windows


def largest(x: Array, *options: Any) -> Array:
    """Return the ``y`` of :func:`scratch.ops.pool.max_pool2d` in a third of the time.

    Args:
        x: ``(N, C, H, W)``, real.
        *options: Kernel size, stride, padding, dilation and ceil mode, in this order.

    Raises:
        ShapeError: Rank, dtype or sizes do not fit.

    >>> largest(np.array([[[[1.0, 5.0, 2.0, 0.0]]]]), (1, 2), (1, 2), 0, 1, False).tolist()
    [[[[5.0, 2.0]]]]
    """
    checks.shape(x, "N", "C", "H", "W")
    checks.floating(x)
    w = windows((x.shape[2], x.shape[3]), *options)
    y = np.full_like(x, -np.inf, shape=(*x.shape[:2], *w.out))
    for _, outs, ins in w.taps():
        np.maximum(y[outs], x[ins], out=y[outs])
    return y
