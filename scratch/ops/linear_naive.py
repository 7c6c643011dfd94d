"""The definition of :mod:`scratch.ops.linear` in loops."""

from typing import NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array


class LinearCache(NamedTuple):
    """The two factors, and whether a bias was added."""

    x: Array
    weight: Array
    has_bias: bool


def linear(x: Array, weight: Array, bias: Array | None = None) -> tuple[Array, LinearCache]:
    """Return ``y[n, o] = sum over i of x[n, i] * weight[o, i], plus bias[o]``.

    Args:
        x: ``(..., in)``.
        weight: ``(out, in)``.
        bias: ``(out,)`` or None.

    Returns:
        ``y (..., out)`` and the cache for :func:`linear_backward`.

    Raises:
        ShapeError: The sizes do not fit together.
    """
    out_features, in_features = weight.shape
    checks.shape(x, "...", in_features)
    y = np.zeros((*x.shape[:-1], out_features), x.dtype)
    for n in np.ndindex(x.shape[:-1]):
        for o in range(out_features):
            for i in range(in_features):
                y[*n, o] += x[*n, i] * weight[o, i]
            if bias is not None:
                y[*n, o] += bias[o]
    return y, LinearCache(x, weight, bias is not None)


def linear_backward(dy: Array, cache: LinearCache) -> tuple[Array, Array, Array | None]:
    """Hand every product's gradient to its two factors.

    Args:
        dy: ``(..., out)``.
        cache: What :func:`linear` returned.

    Returns:
        ``dx (..., in)``, ``dweight (out, in)`` and ``dbias (out,)`` or None.
    """
    x, weight, has_bias = cache
    out_features, in_features = weight.shape
    dx, dweight = np.zeros(x.shape, x.dtype), np.zeros(weight.shape, weight.dtype)
    dbias = np.zeros(out_features, weight.dtype)
    for n in np.ndindex(x.shape[:-1]):
        for o in range(out_features):
            for i in range(in_features):
                dx[*n, i] += dy[*n, o] * weight[o, i]
                dweight[o, i] += dy[*n, o] * x[*n, i]
            dbias[o] += dy[*n, o]
    return dx, dweight, dbias if has_bias else None
