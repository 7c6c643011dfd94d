"""The definition of :mod:`scratch.ops.functions`, one number after the other."""

import numpy as np

from scratch.ops.checks import Array
from scratch.ops.rectifiers_naive import each, each_backward


def affine(x: Array, scale: float = 1.0, shift: float = 0.0) -> tuple[Array, Array]:
    """Return ``scale * x + shift``."""
    return each(x, lambda v: scale * v + shift, lambda v: scale)


def square(x: Array) -> tuple[Array, Array]:
    """Return ``x * x``."""
    return each(x, lambda v: v * v, lambda v: 2 * v)


def log(x: Array) -> tuple[Array, Array]:
    """Return the natural logarithm of ``x``."""
    return each(x, np.log, lambda v: 1 / v)


def sqrt(x: Array) -> tuple[Array, Array]:
    """Return the square root of ``x``."""
    return each(x, np.sqrt, lambda v: 1 / (2 * np.sqrt(v)))


def sin(x: Array) -> tuple[Array, Array]:
    """Return the sine of ``x``."""
    return each(x, np.sin, np.cos)


affine_backward = each_backward
square_backward = each_backward
log_backward = each_backward
sqrt_backward = each_backward
sin_backward = each_backward
