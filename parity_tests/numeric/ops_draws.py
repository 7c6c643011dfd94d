"""How the arrays of the cases are drawn: one function per kind of array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Draw = Callable[[np.random.Generator, Any], Array | None]


def signed(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """Draw normal numbers, in a complex dtype with an imaginary part a tenth as large.

    So no logarithm leaves its principal branch; complex-step differentiation stays there too.
    """
    values = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        return (values + 0.1j * rng.standard_normal(shape)).astype(dtype)
    return values.astype(dtype)


def normal(*shape: int) -> Draw:
    """Normal numbers of a shape."""
    return lambda rng, dtype: signed(rng, shape, dtype)


def small(*shape: int) -> Draw:
    """Half as large: what saturates has hardly a gradient."""

    def draw(rng: np.random.Generator, dtype: Any) -> Array:
        return (signed(rng, shape, dtype) / 2).astype(dtype)

    return draw


def spaced(*shape: int) -> Draw:
    """Distinct numbers, no two of equal real part, in random order; a third of them negative."""

    def draw(rng: np.random.Generator, dtype: Any) -> Array:
        values = (rng.permutation(int(np.prod(shape))) - int(np.prod(shape)) // 3).reshape(shape)
        if dtype.kind == "c":
            return (values / 7 + 0.1j * rng.standard_normal(shape)).astype(dtype)
        return (values / 7).astype(dtype)

    return draw


def real(draw: Draw) -> Draw:
    """The same without an imaginary part, in the real dtype."""
    return lambda rng, dtype: draw(rng, np.empty(0, dtype).real.dtype)


def nothing(_: np.random.Generator, __: Any) -> None:
    """No array: an optional argument left out."""


def labels(*values: int) -> Draw:
    """The given class numbers."""
    return lambda _, __: np.array(values, np.int64)


def below(number: int, *shape: int) -> Draw:
    """Integers from 0 to number - 1; where there are more of them, some occur twice."""
    return lambda rng, _: rng.integers(number, size=shape)


def share(*shape: int) -> Draw:
    """Numbers between 0 and 1 that sum to 1 along the last axis."""

    def draw(rng: np.random.Generator, dtype: Any) -> Array:
        values = rng.random(shape) + 0.1
        return (values / values.sum(-1, keepdims=True)).astype(np.empty(0, dtype).real.dtype)

    return draw


def positive(*shape: int) -> Draw:
    """Numbers between 0.5 and 1.5."""
    return lambda rng, dtype: (rng.random(shape) + 0.5).astype(np.empty(0, dtype).real.dtype)


def wide_positive(*shape: int) -> Draw:
    """Numbers between 0.5 and 1.5 in the dtype itself."""
    return lambda rng, dtype: (rng.random(shape) + 0.5).astype(dtype)
