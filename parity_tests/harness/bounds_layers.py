"""The second half of `bounds`: softer rectifiers, gates, powers and batch normalisation.

Like there, the functions return units of roundoff, elementwise, derived from the operands.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from parity_tests.harness.bounds import ROUNDED_PRODUCT, TRANSCENDENTAL, c

Array = np.ndarray[Any, np.dtype[Any]]


def scaled_by(factor: float) -> float:
    """Relative units of a product with a constant: none for a power of two.

    >>> scaled_by(-0.25), scaled_by(0.01)
    (0.0, 2.0)
    """
    return 0.0 if abs(math.frexp(factor)[0]) == 0.5 else ROUNDED_PRODUCT


def affine_output(size: Array) -> Array:
    """Units of s x + t, of |s x| + |t|: constants rounded, a product and a sum, one each."""
    return 3 * size


def elu(size: Array) -> Array:
    """Units of alpha (exp(x) - 1) and of dy alpha exp(x): 8, alpha rounded, two products."""
    return (TRANSCENDENTAL + 3) * size


def softplus_output(t: Array, y: Array, beta: float) -> Array:
    """Units of log(1 + exp(t)) / beta, t = beta x.

    t carries two units, damped by the slope, the logistic function s(t). The exponential's 8 enter
    with s(t), which is below log(1 + exp(t)), the logarithm adds 8, the rest four.
    """
    slope = np.exp(-np.logaddexp(0, -t))
    return (2 * TRANSCENDENTAL + 4) * np.abs(y) + 2 * np.abs(t) * slope / abs(beta)


def softplus_dx(t: Array, dx: Array) -> Array:
    """Units of dy s(t): exp 8, four roundings, and t's two units, of which s takes at most |t|."""
    return (TRANSCENDENTAL + 4 + 2 * np.abs(t)) * np.abs(dx)


def gate(x: Array, approximate: str) -> tuple[Array, Array]:
    """Return a GELU's gate g(x) = (1 + f(x)) / 2, and its units.

    f is erf(x / sqrt 2) or tanh of a cubic. It carries 8 units of itself and what its slope makes
    of the argument's (2 for the quotient, 8 for the cubic); adding 1 and halving add two.
    """
    if approximate == "none":
        z = np.abs(x) / math.sqrt(2)
        f = np.sign(x) * np.vectorize(math.erf)(z)
        of_argument = 2 * z * np.exp(-z * z) * (2 / math.sqrt(math.pi))
    else:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        f = np.tanh(inner)
        of_argument = 8 * np.abs(inner) * (1 - f * f)
    share = (1 + f) / 2
    return share, (TRANSCENDENTAL * np.abs(f) + of_argument) / 2 + 2 * share


def gate_slope(x: Array, approximate: str) -> Array:
    """Units of x g'(x).

    With erf, g' is the normal density: exp 8, its argument x^2 / 2 carries two, five products.
    With tanh, g' = (1 - f^2) w / 2 with w = k (1 + 3 c x^2): f's units enter twice, f^2 and 1 - f^2
    add absolute ones, two each, eight roundings follow.
    """
    if approximate == "none":
        density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        return np.abs(x) * density * (TRANSCENDENTAL + x * x + 5)
    k, c3 = math.sqrt(2 / math.pi), 3 * 0.044715
    f = np.tanh(k * (x + c3 / 3 * x**3))
    w = k * (1 + c3 * x * x)
    of_f = TRANSCENDENTAL * np.abs(f) + 8 * np.abs(k * x * (1 + c3 / 3 * x * x)) * (1 - f * f)
    return np.abs(x) * w / 2 * (2 * np.abs(f) * of_f + 4 + 8 * (1 - f * f))


def silu_output(y: Array) -> Array:
    """Units of x s(x): exp 8, four roundings."""
    return (TRANSCENDENTAL + 4) * np.abs(y)


def silu_dx(x: Array, dy: Array) -> Array:
    """Units of dy s (1 + x (1 - s)): s carries 8, 1 - s carries 8 s and one absolute unit."""
    s = np.exp(-np.logaddexp(0, -x))
    terms = 1 + np.abs(x) * (1 - s)
    return np.abs(dy) * s * ((TRANSCENDENTAL + 5) * terms + np.abs(x) * (TRANSCENDENTAL * s + 1))


def bent_output(x: Array, y: Array) -> Array:
    """Units of (sqrt(x^2 + 1) - 1) / 2 + x: the root carries three, the last sum one."""
    return 2 * np.sqrt(x * x + 1) + np.abs(y)


def polynomial_slope(terms: Array) -> Array:
    """Units of sum k x^(k-1) dy_k, (N, n) to (N, 1): 2 n products, then the sum of n terms."""
    degree = terms.shape[1]
    return (2 * degree + c(degree)) * terms.sum(1, keepdims=True)


def batch_norm_output(
    normalised: Array, ratio: Array, count: int, weight: Array, bias: Array, deviation: Array
) -> Array:
    """Units of w (x - mean) / s + b: (8 + c(m)) (|w| (|x^| + mean|x| / s) + |b|).

    The mean carries c(m) units of mean|x|, which the division by s makes a ratio.
    """
    return (TRANSCENDENTAL + c(count)) * (weight * (normalised + ratio) + bias)


def batch_norm_dx(
    magnitude: Array, ratio: Array, count: int, weight: Array, bias: Array, deviation: Array
) -> Array:
    """Units of (w / s) (dy - mean(dy) - x^ mean(dy x^)), its three terms made absolute.

    x^ carries the ratio mean|x| / s as the output does.
    """
    return (TRANSCENDENTAL + c(count)) * weight / deviation * magnitude * (1 + ratio)


def batch_norm_sum(magnitude: Array, count: int) -> Array:
    """Units of sum dy x^: the sum's c(m) and the 8 of x^."""
    return (TRANSCENDENTAL + c(count)) * magnitude


def fixed_norm_output(spread: Array, weight: Array, bias: Array, deviation: Array) -> Array:
    """Units of w (x - mean) / s + b with a given mean, or of x (w / s) + (b - mean w / s)."""
    return TRANSCENDENTAL * (weight * spread + bias)


def running_mean(old: Array, size: Array, count: int, share: float) -> Array:
    """Units of (1 - share) old + share mean(x): four each, and the mean's c(m)."""
    return 4 * (1 - share) * np.abs(old) + share * (4 + c(count)) * size


def running_var(old: Array, variance: Array, size: Array, count: int, share: float) -> Array:
    """Units of (1 - share) old + share m / (m - 1) variance.

    The variance carries c(m) and 8 units of itself. An error of the mean enters squared, so the
    factor 1 + mean|x| / s is generous; E[x^2] - E[x]^2 would need its square.
    """
    unbiased = variance * count / (count - 1)
    relative = (TRANSCENDENTAL + c(count)) * (1 + size / np.sqrt(variance))
    return 4 * (1 - share) * np.abs(old) + share * relative * unbiased


def local_response_norm_output(size: Array, channels: int, beta: float) -> Array:
    """Units of x s^-beta, s = k + alpha / n sum x^2 of positive terms.

    s carries one unit of the squares, n of the sum, two of the factor and one of k, and the power
    makes beta times as many of them; the power itself has 8, the product one.
    """
    return (TRANSCENDENTAL + abs(beta) * (channels + 4) + 1) * size


def local_response_norm_dx(direct: Array, cross: Array, channels: int, beta: float) -> Array:
    """Units of dy s^-beta - 2 alpha beta / n x sum dy y / s, the two terms made absolute.

    The second carries y's units, those of 1 / s (n + 4), its own sum's n and six roundings.
    """
    power = TRANSCENDENTAL + abs(beta) * (channels + 4) + 2
    return power * direct + (power + 2 * channels + 10) * cross
