r"""Where Winograd's three matrices come from: polynomials are multiplied by way of their values.

Take one dimension and *m* outputs :math:`y_i = \sum_j g_j d_{i+j}` of a filter g of *r* taps, made
from :math:`n = m + r - 1` numbers d: naively m r products. For a fixed g, the map from d to y is
the transpose of the map from m coefficients *a* to the n coefficients of the product of the
polynomials g and a. That product needs only n multiplications: evaluate both at n *points*,
multiply value by value, and find the polynomial of n coefficients that has these values. The last
point is infinity, where the value of a polynomial is its leading coefficient. With :math:`E_k` for
the evaluation of k coefficients at the n points,

.. math::
    \text{product} = E_n^{-1} \big[ (E_r\, g) \odot (E_m\, a) \big]
    \quad\text{and, transposed,}\quad
    y = \underbrace{E_m^T}_{A^T} \big[ (\underbrace{E_r}_{G}\, g)
        \odot (\underbrace{E_n^{-T}}_{B^T}\, d) \big].

In two dimensions columns and rows are transformed one after the other,

.. math:: Y = A^T \big[ (G\, g\, G^T) \odot (B^T d\, B) \big] A,

and a tile of m x m outputs takes :math:`n^2` products instead of :math:`9 m^2`: for m = 4 a quarter
of them. Over the rationals all this is exact; in floating point the powers of the points decide how
many digits are lost, see :data:`POINTS`.

Winograd 1980, Arithmetic complexity of computations; Lavin & Gray 2016, Fast algorithms for
convolutional neural networks, arXiv:1509.09308, which writes F(m x m, 3 x 3).
"""

import functools
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from scratch.ops.checks import Array

TAPS = 3
"""r: the kernel is 3 x 3."""
POINTS = {
    2: (Fraction(0), Fraction(1), Fraction(-1)),
    4: (Fraction(0), Fraction(3, 4), Fraction(-3, 4), Fraction(4, 3), Fraction(-4, 3)),
}
"""By m, without infinity. For m = 2 every entry is 0, 1 or 1/2 or the negative of one, so integers
stay exact. For m = 4 the largest error is a quarter of that with the textbook's 0, 1, -1, 2, -2."""

Polynomial = tuple[Fraction, ...]  # coefficients, the constant first


class Transforms(NamedTuple):
    """What an image of one channel goes through, tiles and kernels written as columns.

    A transform of the rows and one of the columns are together one matrix, their Kronecker product:
    all tiles are transformed by a single matrix product.
    """

    tile: Array
    """(n^2, n^2), B^T x B^T: n x n pixels to their values V."""
    kernel: Array
    """(n^2, 9), G x G: a kernel to its values U."""
    output: Array
    """(m^2, n^2), A^T x A^T: the products of the values to m x m outputs."""


def one_dimension(m: int) -> tuple[Array, Array, Array]:
    """Return B^T (n, n), G (n, 3) and A^T (m, n), rounded once from exact fractions.

    >>> b_t, g, a_t = one_dimension(2)
    >>> b_t.tolist()
    [[1.0, 0.0, -1.0, 0.0], [0.0, 0.5, 0.5, 0.0], [0.0, -0.5, 0.5, 0.0], [0.0, -1.0, 0.0, 1.0]]
    >>> g.tolist(), a_t.tolist()
    ([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 0.0, 1.0]], \
[[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, 1.0]])
    """
    points, n = POINTS[m], m + TAPS - 1
    found = [_through(k, points) for k in range(len(points))]  # E_n^-1: what has these values
    b_t = np.array([[*map(float, p), *[0.0] * (n - len(p))] for p in [*found, _zeros(points)]])
    return b_t, _evaluation(points, TAPS), _evaluation(points, m).T


@functools.cache
def transforms(m: int, dtype: Any) -> Transforms:
    """Return the transforms of two dimensions in a dtype, for tiles of m x m outputs."""
    arrays = (np.kron(matrix, matrix).astype(dtype) for matrix in one_dimension(m))
    return Transforms(*arrays)


def _evaluation(points: Polynomial, count: int) -> Array:
    """Return E_k: the powers of every point, and the leading coefficient for infinity."""
    rows = [[float(point**j) for j in range(count)] for point in points]
    return np.array([*rows, [0.0] * (count - 1) + [1.0]])


def _through(k: int, points: Polynomial) -> Polynomial:
    """Return Lagrange's polynomial: 1 at point k, 0 at the others."""
    others = points[:k] + points[k + 1 :]
    scale = Fraction(1)
    for point in others:
        scale *= points[k] - point
    return tuple(coefficient / scale for coefficient in _zeros(others))


def _zeros(points: Polynomial) -> Polynomial:
    """Return the polynomial (x - p1) (x - p2) ..., whose leading coefficient is 1."""
    product: Polynomial = (Fraction(1),)
    for point in points:
        shifted, scaled = (Fraction(0), *product), (*(-point * c for c in product), Fraction(0))
        product = tuple(a + b for a, b in zip(shifted, scaled, strict=True))
    return product
