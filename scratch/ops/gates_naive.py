"""The definition of :mod:`scratch.ops.gates`, one number after the other."""

from typing import Any

import numpy as np

from scratch.ops.checks import Array
from scratch.ops.rectifiers_naive import each, each_backward

TERMS = 150  # of the power series: enough for |z| < 6


def gelu(x: Array, approximate: str = "none") -> tuple[Array, Array]:
    """Return ``x * Phi(x)``, Phi the normal distribution function or its approximation by tanh."""
    if approximate == "none":
        return each(
            x,
            lambda v: v * (1 + erf(v / np.sqrt(2))) / 2,
            lambda v: (1 + erf(v / np.sqrt(2))) / 2 + v * np.exp(-v * v / 2) / np.sqrt(2 * np.pi),
        )
    factor = np.sqrt(2 / np.pi)

    def inner(v: Any) -> Any:
        return factor * (v + 0.044715 * v**3)

    def slope(v: Any) -> Any:
        cosh = (np.exp(inner(v)) + np.exp(-inner(v))) / 2
        return (1 + np.tanh(inner(v))) / 2 + v / cosh**2 * factor * (1 + 3 * 0.044715 * v**2) / 2

    return each(x, lambda v: v * (1 + np.tanh(inner(v))) / 2, slope)


def silu(x: Array) -> tuple[Array, Array]:
    """Return ``x / (1 + exp(-x))``."""
    return each(
        x,
        lambda v: v / (1 + np.exp(-v)),
        lambda v: 1 / (1 + np.exp(-v)) + v * np.exp(-v) / (1 + np.exp(-v)) ** 2,
    )


def erf(z: Any) -> Any:
    """Sum the power series ``2 / sqrt(pi) exp(-z^2) (z + 2/3 z^3 + 4/15 z^5 + ...)``."""
    term = total = 2 / np.sqrt(np.pi) * np.exp(-z * z) * z
    for n in range(1, TERMS):
        term = term * z * z * 2 / (2 * n + 1)
        total = total + term
    return total


gelu_backward = each_backward
silu_backward = each_backward
