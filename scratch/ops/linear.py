"""The fully connected layer: every output is a weighted sum of all inputs."""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array

PART_BYTES = 1 << 26
"""Of a weight's gradient, as much as is made at a time."""


class LinearCache(NamedTuple):
    """What the backward pass needs: the two factors, was a bias added, is dx wanted."""

    x: Array
    weight: Array
    has_bias: bool
    needs_dx: bool


def linear(
    x: Array, weight: Array, bias: Array | None = None, needs_dx: bool = True
) -> tuple[Array, LinearCache]:
    r"""Multiply every row of ``x`` by the weights and add the bias.

    .. math:: y_{no} = \sum_i x_{ni} w_{oi} + b_o \qquad (y = x W^T + b)

    Args:
        x: ``(..., in)``, at least one leading axis; each row along the last axis is a sample.
        weight: ``(out, in)``.
        bias: ``(out,)`` or None.
        needs_dx: Whether the backward pass shall return the gradient of ``x``.

    Returns:
        ``y`` of shape ``(..., out)``, and the cache for :func:`linear_backward`.

    Raises:
        ShapeError: Sizes or dtypes do not fit together, or there is no sample.

    The book, chapters 5 (one output) and 7 (several); there W is stored as (in, out).

    >>> x = np.array([[1.0, 2.0]])
    >>> weight = np.array([[3.0, 4.0], [5.0, 6.0], [0.0, 1.0]])
    >>> y, _ = linear(x, weight, np.array([0.0, 1.0, 0.0]))  # 1*3 + 2*4, 1*5 + 2*6 + 1, 2
    >>> y
    array([[11., 18.,  2.]])
    """
    checks.shape(weight, "out", "in")
    checks.floating(weight)
    out_features, in_features = weight.shape
    checks.shape(x, "...", in_features)
    checks.same_dtype(x, weight.dtype)
    if bias is not None:
        checks.shape(bias, out_features)
        checks.same_dtype(bias, weight.dtype)

    y = _rows(x).dot(_rows(weight).T)  # (rows, out); `@` takes half a microsecond more
    if bias is not None:
        y += bias
    cache = LinearCache(x, weight, bias is not None, needs_dx)
    return _unrolled(y, x), cache


def linear_backward(dy: Array, cache: LinearCache) -> tuple[Array | None, Array, Array | None]:
    r"""Carry the gradient of the output to input, weight and bias.

    In :math:`y_{no} = \sum_i x_{ni} w_{oi} + b_o` the input :math:`x_{ni}` reaches the loss
    through every output of its own row, the weight :math:`w_{oi}` through output *o* of every row,
    the bias :math:`b_o` likewise with factor 1. Summing over those paths:

    .. math::
        dx_{ni} = \sum_o dy_{no} w_{oi}, \qquad
        dw_{oi} = \sum_n dy_{no} x_{ni}, \qquad
        db_o = \sum_n dy_{no}

    that is :math:`dX = dY\,W`, :math:`dW = dY^T X`, and :math:`db` the column sums of dY.

    Args:
        dy: ``(..., out)``, the gradient of the loss with respect to ``y``.
        cache: What :func:`linear` returned.

    Returns:
        ``dx (..., in)`` (None if it was not asked for), ``dweight (out, in)`` and ``dbias (out,)``
        (None without a bias).

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> x, weight = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
    >>> _, cache = linear(x, weight, np.zeros(2))
    >>> dx, dweight, dbias = linear_backward(np.array([[1.0, 10.0]]), cache)
    >>> dx.tolist(), dweight.tolist(), dbias.tolist()
    ([[53.0, 64.0]], [[1.0, 2.0], [10.0, 20.0]], [1.0, 10.0])
    """
    x, weight, has_bias, needs_dx = cache
    checks.gradient(dy, (*x.shape[:-1], weight.shape[0]), weight.dtype)
    dy_rows = _rows(dy)
    dx = _unrolled(dy_rows.dot(_rows(weight)), x) if needs_dx else None
    dweight = dy_rows.T.dot(_rows(x))
    dbias = _ones(len(dy_rows), dy.dtype).dot(dy_rows) if has_bias else None
    return dx, dweight, dbias


def backward_in_parts(
    dy: Array, cache: LinearCache
) -> Iterator[tuple[slice, Array | None, Array, Array | None]]:
    r"""Yield :func:`linear_backward` some outputs at a time.

    The gradient of a weight is as large as the weight, VGG's first one 411 MB: its rows can be
    added where they belong as they come. The parts of dx add up,
    :math:`dX = \sum_k dY_k W_k` over the parts *k* of the outputs.

    Args:
        dy: ``(..., out)``.
        cache: What :func:`linear` returned.

    Yields:
        Which outputs, and what :func:`linear_backward` returns for them alone.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = linear(np.ones((1, 2)), np.array([[3.0, 4.0], [5.0, 6.0]]))
    >>> [outs for outs, *_ in backward_in_parts(np.ones((1, 2)), cache)]
    [slice(0, 2, None)]
    """
    x, weight, _, _ = cache
    outputs = len(weight)
    checks.gradient(dy, (*x.shape[:-1], outputs), weight.dtype)
    high = max(1, PART_BYTES * outputs // weight.nbytes)
    for top in range(0, outputs, high):
        outs = slice(top, min(top + high, outputs))
        yield outs, *linear_backward(dy[..., outs], cache._replace(weight=weight[outs]))


def _rows(x: Array) -> Array:
    """Return ``x`` as a contiguous matrix, so that one product routine serves every layout."""
    if x.ndim == 2 and x.flags.c_contiguous:
        return x  # a twentieth of a step of the linear regression
    return np.ascontiguousarray(x).reshape(-1, x.shape[-1])


@functools.lru_cache(maxsize=8)
def _ones(rows: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector of ones, made once: half a microsecond instead of one and a half."""
    ones = np.ones(rows, dtype)
    ones.flags.writeable = False
    return ones


def _unrolled(rows: Array, x: Array) -> Array:
    """Return a matrix of rows with the leading axes of ``x``."""
    return rows if x.ndim == 2 else rows.reshape(*x.shape[:-1], rows.shape[-1])
