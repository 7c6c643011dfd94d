"""Where two or more paths of a network meet: sum, product and concatenation."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, ShapeError


class SumCache(NamedTuple):
    """Shape and dtype of the sum."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class ProductCache(NamedTuple):
    """Both factors."""

    a: Array
    b: Array


class ConcatCache(NamedTuple):
    """How long each part is along the axis, and shape and dtype of the whole."""

    sizes: tuple[int, ...]
    axis: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def add(a: Array, b: Array) -> tuple[Array, SumCache]:
    """Add two arrays of one shape, entry by entry; nothing is broadcast.

    Args:
        a: Any shape.
        b: The same shape.

    Returns:
        ``y`` of that shape, and the cache for :func:`add_backward`.

    Raises:
        ShapeError: The shapes or the dtypes differ, or the arrays are empty or not floating.

    He, Zhang, Ren & Sun 2016, Deep residual learning for image recognition.

    >>> add(np.array([1.0, -2.0]), np.array([10.0, 20.0]))[0].tolist()
    [11.0, 18.0]
    """
    _of_one_shape(a, b)
    return a + b, SumCache(a.shape, a.dtype)


def add_backward(dy: Array, cache: SumCache) -> tuple[Array, Array]:
    r"""Hand the gradient to both summands: :math:`da = db = dy`.

    The derivative of a + b by either is 1. So a residual connection lets every gradient through
    unchanged, however many blocks it spans.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`add` returned.

    Returns:
        ``da`` and ``db``, two arrays of that shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = add(np.array([1.0, -2.0]), np.array([10.0, 20.0]))
    >>> [d.tolist() for d in add_backward(np.array([3.0, 4.0]), cache)]
    [[3.0, 4.0], [3.0, 4.0]]
    """
    checks.gradient(dy, *cache)
    return dy.copy(order="K"), dy.copy(order="K")


def multiply(a: Array, b: Array) -> tuple[Array, ProductCache]:
    """Multiply two arrays of one shape, entry by entry; nothing is broadcast.

    Args:
        a: Any shape.
        b: The same shape.

    Returns:
        ``y`` of that shape, and the cache for :func:`multiply_backward`.

    Raises:
        ShapeError: The shapes or the dtypes differ, or the arrays are empty or not floating.

    The book, chapter 2.

    >>> multiply(np.array([18.0]), np.array([9.0]))[0].tolist()
    [162.0]
    """
    _of_one_shape(a, b)
    return a * b, ProductCache(a.copy(order="K"), b.copy(order="K"))


def multiply_backward(dy: Array, cache: ProductCache) -> tuple[Array, Array]:
    r"""Weight the gradient of each factor by the other one: :math:`da = b\,dy`, :math:`db = a\,dy`.

    The product is linear in ``a`` with slope ``b``, and in ``b`` with slope ``a``.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`multiply` returned.

    Returns:
        ``da`` and ``db`` of that shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = multiply(np.array([18.0]), np.array([9.0]))
    >>> [d.tolist() for d in multiply_backward(np.array([1.0]), cache)]
    [[9.0], [18.0]]
    """
    a, b = cache
    checks.gradient(dy, a.shape, a.dtype)
    return dy * b, dy * a


def concat(*parts: Array, axis: int = 1) -> tuple[Array, ConcatCache]:
    """Lay arrays one behind the other along an axis.

    Args:
        *parts: Arrays that differ in nothing but their size along ``axis``; at least one.
        axis: Along which they are joined; 1 is that of the channels.

    Returns:
        ``y``, and the cache for :func:`concat_backward`.

    Raises:
        ShapeError: The other sizes or the dtypes differ, there is no such axis, or an array is
            empty or not floating.

    Szegedy et al. 2015, Going deeper with convolutions; Huang et al. 2017, Densely connected
    convolutional networks.

    >>> concat(np.array([[1.0, 2.0]]), np.array([[3.0]]))[0].tolist()
    [[1.0, 2.0, 3.0]]
    """
    if not parts:
        raise ShapeError("at least one input", "none")
    first = parts[0]
    checks.axis(first, axis)
    axis %= first.ndim
    for part in parts:
        checks.entries(part)
        checks.same_dtype(part, first.dtype)
    if len({(*part.shape[:axis], *part.shape[axis + 1 :]) for part in parts}) > 1 or any(
        part.ndim != first.ndim for part in parts
    ):
        raise ShapeError(f"inputs that differ along axis {axis} alone", _shapes(*parts))
    y = np.concatenate(parts, axis)
    return y, ConcatCache(tuple(part.shape[axis] for part in parts), axis, y.shape, y.dtype)


def concat_backward(dy: Array, cache: ConcatCache) -> tuple[Array, ...]:
    """Cut the gradient where the parts met.

    Every entry of ``y`` is a copy of one entry of one part, so that entry gets its gradient.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`concat` returned.

    Returns:
        One gradient per part, in their order.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = concat(np.array([[1.0, 2.0]]), np.array([[3.0]]))
    >>> [d.tolist() for d in concat_backward(np.array([[4.0, 5.0, 6.0]]), cache)]
    [[[4.0, 5.0]], [[6.0]]]
    """
    checks.gradient(dy, cache.shape, cache.dtype)
    places = np.cumsum(cache.sizes)[:-1]
    return tuple(part.copy(order="K") for part in np.split(dy, places, cache.axis))


def _of_one_shape(a: Array, b: Array) -> None:
    checks.entries(a)
    if a.shape != b.shape:
        raise ShapeError("inputs of one shape", _shapes(a, b))
    checks.same_dtype(b, a.dtype)


def _shapes(*arrays: Array) -> str:
    return ", ".join(str(array.shape) for array in arrays)
