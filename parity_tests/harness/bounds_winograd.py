"""The bound of a Winograd convolution: which transforms, and how their roundings add up.

A convolution by tiles is four linear stages: transform of the image, of the kernels, products
summed over the channels, transform back. Each makes sums of K products and so an error of at most
c(K) u |A||B| (see `bounds`), with one unit more where the entries of the matrix are rounded. What a
stage has left passes through the later ones (see `bounds_carried`).

Measured, the share of the bound that is used at most, 5 seeds of the cases in `cases_winograd`,
float32: tiles of 4 output 0.14, dx 0.14, weight 0.13; tiles of 2 output 0.25, dx 0.28, weight 0.25;
in float64, between two implementations, 0.09 and 0.26.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from parity_tests.harness.bounds import c
from parity_tests.harness.bounds_carried import Value

Array = np.ndarray[Any, np.dtype[Any]]

POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 3 / 4, -3 / 4, 4 / 3, -4 / 3)}
TAPS = 3


def transforms(m: int) -> tuple[Array, Array, Array]:
    """Return B (n^2, n^2), G (n^2, 9) and A (m^2, n^2), made by inverting a Vandermonde matrix.

    >>> [matrix.shape for matrix in transforms(2)]
    [(16, 16), (16, 9), (4, 16)]
    """
    n = m + TAPS - 1

    def at_points(count: int) -> Array:
        powers = np.vander(POINTS[m], count, increasing=True)
        return np.vstack([powers, np.eye(count)[-1]])

    one = (np.linalg.inv(at_points(n)).T, at_points(TAPS), at_points(m).T)
    b, g, a = (np.kron(matrix, matrix) for matrix in one)
    return b, g, a


def through(matrix: Array, x: Value) -> Value:
    """Return L x, the rows of x being the terms: (k, ...) to (len(L), ...)."""
    shape = (len(matrix), *x.value.shape[1:])
    flat, units = (array.reshape(len(array), -1) for array in (x.value, x.units))
    terms = int(np.count_nonzero(np.abs(matrix) > 1e-12, axis=1).max())
    rounded = 0 if np.all(matrix * 4 == np.round(matrix * 4)) else 1
    value = matrix @ flat
    own = (c(terms, value.size) + rounded) * (np.abs(matrix) @ np.abs(flat))
    return Value(value.reshape(shape), np.sqrt(matrix**2 @ units**2 + own**2).reshape(shape))


def overlaid(
    parts: Sequence[Value], places: Sequence[tuple[slice, ...]], shape: tuple[int, ...]
) -> Value:
    """Return a sum of parts, each at its place in zeros; at most four meet in a pixel."""
    total, size, carried = (np.zeros(shape) for _ in range(3))
    for part, place in zip(parts, places, strict=True):
        total[place] += part.value
        size[place] += np.abs(part.value)
        carried[place] += part.units**2
    return Value(total, np.sqrt(carried + (c(4, total.size) * size) ** 2))
