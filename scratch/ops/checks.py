"""What an operation expects of its arguments, and the words it refuses them with."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[int, int]
IntOrPair = int | Sequence[int]
Padding = int | Sequence[int] | Sequence[Sequence[int]]

DTYPES = tuple(np.dtype(name) for name in ("float32", "float64", "complex64", "complex128"))


class ShapeError(ValueError):
    """An argument that does not fit: what was expected and what came.

    >>> print(ShapeError("(N, 3, H, W)", (4, 3, 28)))
    expects (N, 3, H, W); got (4, 3, 28)
    """

    def __init__(self, expected: str, got: object) -> None:
        """Keep both halves of the sentence, so that a caller can put a module's path before it.

        Args:
            expected: What the operation takes.
            got: What it was given: a shape, a dtype or a value.
        """
        super().__init__(expected, got)
        self.expected = expected
        self.got = got
        self.module: object = None  # `scratch.nn` sets the module in which it happened
        self.path = ""  # and that module's path in the network

    def __str__(self) -> str:
        """Return the sentence ``expects ...; got ...``, behind the module's path if it is known."""
        sentence = f"expects {self.expected}; got {self.got}"
        return f"{self.path} {sentence}" if self.path else sentence


def shape(x: Array, *axes: int | str) -> None:
    """Compare the shape of ``x`` with a pattern of names (any size but 0) and fixed sizes.

    Args:
        x: The array to look at.
        *axes: One entry per axis; a leading ``"..."`` stands for one or more free axes.

    Raises:
        ShapeError: The rank or a fixed size differs, or an axis is empty.

    >>> shape(np.zeros((2, 3, 5, 7)), "N", 3, "H", "W")
    >>> shape(np.zeros((0, 3, 5, 7)), "N", 3, "H", "W")
    Traceback (most recent call last):
    scratch.ops.checks.ShapeError: expects (N, 3, H, W) with N >= 1; got (0, 3, 5, 7)
    """
    fixed = axes
    sizes = x.shape
    if axes[0] == "...":
        fixed = axes[1:]
        if len(sizes) <= len(fixed):
            raise ShapeError(_pattern(axes), x.shape)
        sizes = sizes[len(sizes) - len(fixed) :]
    if len(fixed) != len(sizes):
        raise ShapeError(_pattern(axes), x.shape)
    for k, a in enumerate(fixed):  # the integer first: a name beside a number is slow to compare
        if isinstance(a, int) and a != sizes[k]:
            raise ShapeError(_pattern(axes), x.shape)
    if 0 in x.shape:
        pairs = zip(fixed, sizes, strict=True)
        empty = next((a for a, s in pairs if s == 0), "every axis")
        raise ShapeError(f"{_pattern(axes)} with {empty} >= 1", x.shape)


def _pattern(axes: tuple[int | str, ...]) -> str:
    """Return a pattern of axes as text; only an error needs it."""
    return f"({', '.join(map(str, axes))}{',' if len(axes) == 1 else ''})"


def floating(x: Array) -> None:
    """Refuse everything but the four dtypes the operations are written for.

    Raises:
        ShapeError: The dtype is another one.
    """
    if x.dtype not in DTYPES:
        raise ShapeError("float32 or float64 (or complex64, complex128)", x.dtype)


def not_empty(x: Array) -> None:
    """Refuse an array without entries, an empty batch above all.

    Raises:
        ShapeError: Some axis has no entry.
    """
    if x.size == 0:
        raise ShapeError("at least one sample and no empty axis", x.shape)


def entries(x: Array) -> None:
    """Check the input of an operation on every entry for itself.

    Raises:
        ShapeError: ``x`` is empty or not floating.
    """
    not_empty(x)
    floating(x)


def axis(x: Array, number: int) -> None:
    """Check the input of an operation along an axis.

    Raises:
        ShapeError: ``x`` is empty or not floating, or has no axis of this number.
    """
    not_empty(x)
    floating(x)
    if not -x.ndim <= number < x.ndim:
        raise ShapeError(f"an axis of an array with {x.ndim} axes", number)


def same_dtype(x: Array, dtype: np.dtype[Any]) -> None:
    """Refuse a mixture of precisions, which NumPy would promote without a word.

    Raises:
        ShapeError: ``x`` has not the dtype that the operation computes in.
    """
    if x.dtype != dtype:
        raise ShapeError(str(dtype), x.dtype)


def companion(x: Array, dtype: np.dtype[Any]) -> None:
    """Refuse a target or a class weight of another precision than the network's output.

    Under complex-step differentiation the output alone is complex; its companions may stay real.

    Raises:
        ShapeError: ``x`` has neither the dtype nor its real counterpart.
    """
    if x.dtype == dtype:
        return
    real = np.empty(0, dtype).real.dtype
    if x.dtype != real:
        raise ShapeError(str(real), x.dtype)


def alike(x: Array, target: Array) -> None:
    """Check an output and a target that are compared entry by entry.

    Raises:
        ShapeError: ``x`` is empty or not floating, or ``target`` has another shape or precision.
    """
    not_empty(x)
    floating(x)
    if target.shape != x.shape:
        raise ShapeError(f"a target of the output's shape {x.shape}", target.shape)
    companion(target, x.dtype)


def broadcasts(factor: Array, x: Array) -> None:
    """Check a factor that is repeated to the shape of ``x``.

    Raises:
        ShapeError: The shapes do not fit together, or the precision is another one.
    """
    companion(factor, x.dtype)
    try:
        fits = np.broadcast_shapes(factor.shape, x.shape) == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"a weight that broadcasts to {x.shape}", factor.shape)


def gradient(dy: Array, shape_of_y: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Check an incoming gradient: it has the shape and the dtype of the output it belongs to.

    Raises:
        ShapeError: Shape or dtype differ.
    """
    if dy.shape != tuple(shape_of_y):
        raise ShapeError(f"a gradient of shape {tuple(shape_of_y)}", dy.shape)
    if dy.dtype != dtype:
        raise ShapeError(f"a gradient of dtype {dtype}", dy.dtype)


def pair(value: IntOrPair, name: str, least: int = 1) -> Pair:
    """Return ``value`` as (vertical, horizontal).

    Args:
        value: One integer for both directions, or two.
        name: How the argument is called in an error.
        least: The smallest integer that makes sense.

    Raises:
        ShapeError: Not one or two integers of at least ``least``.

    >>> pair(3, "kernel_size"), pair((3, 5), "kernel_size")
    ((3, 3), (3, 5))
    """
    try:
        both = tuple(value) if isinstance(value, Sequence) else (value, value)
        vertical, horizontal = (operator.index(v) for v in both)
    except (TypeError, ValueError):
        raise ShapeError(f"{name} as an integer or a pair of integers", repr(value)) from None
    if min(vertical, horizontal) < least:
        raise ShapeError(f"{name} >= {least}", value)
    return vertical, horizontal


def sides(padding: Padding) -> tuple[Pair, Pair]:
    """Return ``padding`` as ((top, bottom), (left, right)).

    Raises:
        ShapeError: Neither an integer, nor a pair, nor a pair of pairs; or negative.

    >>> sides(1), sides((1, 2)), sides(((0, 1), (2, 3)))
    (((1, 1), (1, 1)), ((1, 1), (2, 2)), ((0, 1), (2, 3)))
    """
    if isinstance(padding, Sequence) and any(isinstance(side, Sequence) for side in padding):
        if len(padding) != 2:
            raise ShapeError("padding as ((top, bottom), (left, right))", padding)
        vertical, horizontal = padding
        return pair(vertical, "padding", 0), pair(horizontal, "padding", 0)
    vertical, horizontal = pair(padding, "padding", 0)  # type: ignore[arg-type]
    return (vertical, vertical), (horizontal, horizontal)
