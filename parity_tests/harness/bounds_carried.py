"""Bounds of long chains: values that carry the units of error which they have gathered.

Where a result passes through many operations, as the state of a recurrent layer does from step to
step, each operation adds its own roundings to what its operands bring, damped or magnified by its
slope. Roundings behave like random numbers, so errors of different origin add up in quadrature: an
error of size e in each v becomes sqrt(|L|^2 e^2) in L v. (Higham, "Accuracy and stability of
numerical algorithms", 2002, section 3.3, calls the worst-case form running error analysis.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness.bounds import TRANSCENDENTAL, c

Array = np.ndarray[Any, np.dtype[Any]]

SLOPE = 3.0  # units of the two or three operations that make a slope of a function's value


@dataclass(frozen=True)
class Value:
    """An array and the units of error that it carries, elementwise.

    >>> one = Value.exact(np.array([3.0]))
    >>> (one + one).units, (one * one).units  # each rounds once
    (array([6.]), array([9.]))
    """

    value: Array
    units: Array

    @staticmethod
    def exact(value: Array) -> Value:
        """Return what no rounding has touched."""
        return Value(value, np.zeros(np.shape(value)))

    def __add__(self, other: Value) -> Value:
        """Add, with one rounding."""
        value = self.value + other.value
        return Value(value, _together(self.units, other.units) + np.abs(value))

    def __sub__(self, other: Value) -> Value:
        """Subtract, with one rounding."""
        return self + Value(-other.value, other.units)

    def __mul__(self, other: Value) -> Value:
        """Multiply entry by entry, with one rounding."""
        value = self.value * other.value
        carried = _together(self.units * other.value, other.units * self.value)
        return Value(value, carried + np.abs(value))

    def times(self, number: float) -> Value:
        """Multiply by a number that is exact, such as 0 or 1."""
        return Value(number * self.value, abs(number) * self.units)

    def __getitem__(self, place: Any) -> Value:
        """Return a part of both arrays."""
        return Value(self.value[place], self.units[place])

    @property
    def transposed(self) -> Value:
        """A matrix with its axes exchanged."""
        return Value(self.value.T, self.units.T)


def _together(*units: Array) -> Array:
    """Return errors of different origin in one number."""
    return np.asarray(np.sqrt(sum(one**2 for one in units)))


def product(a: Value, b: Value) -> Value:
    """Return a @ b for (stacks of) matrices: the errors of both, those of sums of K products."""
    value = a.value @ b.value
    own = c(a.value.shape[-1], value.size) * (np.abs(a.value) @ np.abs(b.value))
    carried = a.units**2 @ b.value**2 + a.value**2 @ b.units**2
    return Value(value, np.sqrt(carried + own**2))


def affine(x: Value, weight: Array, bias: Array | None) -> Value:
    """Return x W^T + b for x (N, in) and weights that are exact."""
    sums = product(x, Value.exact(weight.T))
    return sums if bias is None else sums + Value.exact(bias)


def column_sums(x: Value) -> Value:
    """Return the sums over the first axis."""
    own = c(len(x.value), x.value[0].size) * np.abs(x.value).sum(0)
    return Value(x.value.sum(0), np.sqrt((x.units**2).sum(0) + own**2))


def joined(parts: Sequence[Value], axis: int) -> Value:
    """Concatenate."""
    return Value(
        np.concatenate([part.value for part in parts], axis),
        np.concatenate([part.units for part in parts], axis),
    )


def stacked(parts: Sequence[Value]) -> Value:
    """Put values of one shape behind each other along a new first axis."""
    return Value(np.stack([p.value for p in parts]), np.stack([p.units for p in parts]))


def tanh(x: Value) -> Value:
    """Return tanh: 8 units, and the argument's with the slope 1 - y^2."""
    y = np.tanh(x.value)
    return Value(y, (1 - y * y) * x.units + TRANSCENDENTAL * np.abs(y))


def tanh_slope(y: Value) -> Value:
    """Return 1 - y^2, of which y^2 and the difference are rounded, absolutely one unit each."""
    return Value(1 - y.value**2, 2 * np.abs(y.value) * y.units + SLOPE)


def logistic(x: Value) -> Value:
    """Return the logistic function, whose error is absolute where it is made of a tanh.

    (1 + tanh(x / 2)) / 2 carries half of the tanh's 8 units, whatever it is itself; rounding adds
    one of its own.
    """
    y = np.exp(-np.logaddexp(0, -x.value))
    return Value(y, y * (1 - y) * x.units + TRANSCENDENTAL / 2 + y)


def logistic_slope(y: Value) -> Value:
    """Return y (1 - y): its derivative is 1 - 2 y, and three operations are rounded."""
    slope = y.value * (1 - y.value)
    return Value(slope, np.abs(1 - 2 * y.value) * y.units + SLOPE * y.value)


def rectified(x: Value) -> Value:
    """Return max(x, 0), which rounds nothing."""
    return Value(np.maximum(x.value, 0), np.where(x.value > 0, x.units, 0))


def rectifier_slope(y: Value) -> Value:
    """Return 1 where the rectifier is open."""
    return Value.exact((y.value > 0).astype(np.float64))
