"""Every tolerance of the project; nothing else owns one.

A bound is a number of units u = 2^-p times a magnitude that is computed from the operands, never
a constant that somebody liked. The model is that of probabilistic rounding analysis (Higham and
Mary 2019): a sum of K products of magnitude M carries an error of at most c(K) u M with
c(K) = 2 + 1.5 sqrt(K), and never more than the worst case K u M.

The functions return *units*: arrays that become a tolerance when multiplied by `unit(dtype)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

U = {"float32": 2.0**-24, "float64": 2.0**-53, "bfloat16": 2.0**-8, "tf32": 2.0**-11}
SMALLEST_NORMAL = {"float32": 2.0**-126, "float64": 2.0**-1022}
EXACT_LIMIT = 2.0**24  # integers below are exact in float32, in any order of summation
TRANSCENDENTAL = 8.0  # units of exp, tanh, log: NumPy's float32 is at most 3.8 ULP off
MIN_SHARE = 0.10  # of the reachable entries of a reference that must be non-zero
SMALL = 4  # sums of fewer terms are bounded as sums of four
SMALL_CHAIN = 6.0  # units of a handful of multiplications and divisions in a row
MOMENT = 8.0  # units of one step of a running average
ROUNDED_PRODUCT = 2.0  # units of a product with a rounded factor


def unit(dtype: str) -> float:
    """Return the unit roundoff of a floating type."""
    return U[str(dtype)]


def tolerance(units: Array, dtype: str, sides: int = 1) -> Array:
    """Return the tolerance that some units of roundoff amount to.

    Units of zero ask for equality. Below the smallest normal number of the type a result keeps no
    relative precision, and a library may flush it to zero, so nothing else is judged finer.

    Args:
        units: elementwise.
        dtype: precision of the judged side.
        sides: 1 against a truth of higher precision, 2 between implementations of equal precision.
    """
    normal = SMALLEST_NORMAL[str(dtype)]
    return np.where(units > 0, units * (unit(dtype) * sides) + normal, units)


def c(terms: int) -> float:
    """Return the bound of a sum of `terms` products, in units of its magnitude.

    >>> round(c(25), 1), c(1)
    (9.5, 3.5)
    """
    return min(2 + 1.5 * math.sqrt(terms), float(max(terms, SMALL)))


def accumulated(terms: int, magnitude: Array) -> Array:
    """Units of a sum of products: c(K) |A||B|."""
    return c(terms) * magnitude


def tanh_output(y: Array) -> Array:
    """Units of tanh."""
    return TRANSCENDENTAL * np.abs(y)


def tanh_dx(y: Array, dy: Array) -> Array:
    """Units of dy (1 - y^2).

    y carries 8 units of itself, so y^2 carries 16 y^2; squaring, subtracting and multiplying add
    at most one unit of a number no larger than one each, with one to spare.
    """
    return np.abs(dy) * (2 * TRANSCENDENTAL * y * y + 4)


def scaled_tanh_output(x: Array, amplitude: float, slope: float) -> Array:
    """Units of A tanh(s x).

    The argument carries two units (s itself is rounded, and the product), which tanh damps by its
    slope 1 - t^2; tanh adds eight, A and the last product one each.
    """
    t = np.tanh(slope * x)
    return amplitude * ((1 - t * t) * np.abs(slope * x) * 2 + (TRANSCENDENTAL + 2) * np.abs(t))


def scaled_tanh_dx(x: Array, dy: Array, amplitude: float, slope: float) -> Array:
    """Units of dy A s (1 - t^2): t's error enters twice, five roundings follow."""
    t = np.tanh(slope * x)
    of_t = (1 - t * t) * np.abs(slope * x) * 2 + TRANSCENDENTAL * np.abs(t)
    return np.abs(dy) * amplitude * slope * (2 * np.abs(t) * of_t + 6)


def sigmoid_output(y: Array) -> Array:
    """Units of the logistic function."""
    return TRANSCENDENTAL * np.abs(y)


def onnxruntime_sigmoid(y: Array) -> Array:
    """Units of ONNX Runtime's logistic function on a CPU: absolute, not relative.

    It adds 1/2 to a rational approximation of at most 1/2. Eight units of that are four absolute
    ones, and the sum is rounded once. Measured over 5 seeds of two million N(0, 25) numbers: 2.9
    absolute units, but 8e7 relative ones where the function vanishes.
    """
    return TRANSCENDENTAL / 2 + np.abs(y)


def sigmoid_dx(y: Array, dy: Array) -> Array:
    """Units of dy y (1 - y).

    y carries 8 units, 1 - y carries 8 y plus one absolute unit, three roundings follow:
    y (8 y + 1) + 8 y (1 - y) + 3 y <= 12 y + 8 y^2.
    """
    return np.abs(dy) * (12 * y + TRANSCENDENTAL * y * y)


def scaled_by(factor: float) -> float:
    """Relative units of a product with a constant: none for a power of two.

    >>> scaled_by(-0.25), scaled_by(0.01)
    (0.0, 2.0)
    """
    return 0.0 if abs(math.frexp(factor)[0]) == 0.5 else ROUNDED_PRODUCT


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


def onnxruntime_smooth(y: Array, floor: Array) -> Array:
    """Units of ONNX Runtime's Elu, Gelu and Softplus on a CPU: 8 of y and 4 of the function's floor.

    They are made of an exponential or error function to which a number of the floor's size is
    added, so what is small is only as good as that number.
    """
    return TRANSCENDENTAL * np.abs(y) + TRANSCENDENTAL / 2 * floor


def softmax_relative(x: Array, y: Array, axis: int) -> Array:
    """Relative units of softmax: exp 8 and the shift's max - x, then the same through the sum."""
    own = TRANSCENDENTAL + x.max(axis, keepdims=True) - x
    return own + (y * own).sum(axis, keepdims=True) + c(x.shape[axis])


def softmax_output(x: Array, y: Array, axis: int) -> Array:
    """Units of softmax along `axis`."""
    return y * softmax_relative(x, y, axis)


def softmax_dx(x: Array, y: Array, dy: Array, axis: int) -> Array:
    """Units of y (dy - sum dy y): the sum carries c(n) and y's own error, so does the factor y."""
    own = softmax_relative(x, y, axis)
    inner = (np.abs(dy) * y).sum(axis, keepdims=True)
    inner_error = (np.abs(dy) * y * own).sum(axis, keepdims=True) + c(x.shape[axis]) * inner
    return y * (own * (np.abs(dy) + inner) + inner_error + 3 * (np.abs(dy) + inner))


def mean_loss(terms: Array, count: int, divisor: float) -> Array:
    """Units of a sum of `count` loss terms divided by `divisor`; a term carries 8 units itself."""
    return (TRANSCENDENTAL + c(count)) * np.abs(terms).sum() / divisor


def cross_entropy_term(x: Array) -> Array:
    """Magnitude of -log softmax, (N, C) to (N,): |x - max| + |log-sum-exp| + 1, the largest."""
    shifted = x - x.max(1, keepdims=True)
    total = np.log(np.exp(shifted).sum(1))
    return np.abs(shifted).max(1) + np.abs(total) + 1


def end_to_end(reference_error: float, truth: Array) -> float:
    """Tolerance of a whole float32 network against float64: 8 err(torch32) + 32 u32 max|y64|."""
    return 8 * reference_error + 32 * U["float32"] * float(np.abs(truth).max(initial=0.0))


def whole(reference: Array, dtype: str = "float64") -> float:
    """Tolerance of a tensor behind many layers: 4096 u max|reference|, of what is finite.

    Only together with the guard against empty comparisons: an all-zero reference would turn it
    into no test at all.
    """
    finite = np.abs(reference[np.isfinite(reference)])
    return 4096 * unit(dtype) * float(finite.max(initial=0.0))


def complex_step(reference: Array) -> float:
    """Tolerance of a backward against the complex step (L1): 1e-13 max|g|; measured 3e-16."""
    return 1e-13 * float(np.abs(reference).max(initial=0.0))


def optimiser_step(p: Array, magnitude: Array, decoupled: bool = False) -> Array:
    """Units of new minus old in one step: 2 |p| + 64 M, M the step made of absolute values.

    Subtracting the step rounds a number of about |p|; a decoupled decay has multiplied it before,
    which rounds it again, and the rounded factor adds half a unit.
    """
    return (3 if decoupled else 2) * np.abs(p) + 64 * magnitude


def moment(magnitude: Array, order: int = 1) -> Array:
    """Units of a running average of gradients (order 1) or of their squares (order 2) in one step.

    The magnitude is that of its terms' absolute values. Decay is rounded, multiplied and added to
    the gradient (3), which a square doubles; the share of the new term is rounded, multiplied and
    added (3, 4 with the square); the rest is to spare.
    """
    return MOMENT * order * magnitude


OPTIMISER_STEPS = {1: 1e-14, 10: 1e-13, 1000: 1e-12}  # L4, relative, float64
TRAJECTORY = 1e-12  # L5, free-running, float64, relative to max|reference|
FORCED_STEP = 1e-13  # L5, one step from the reference's own state, float64, relative
FORCED_STATE = 1e-12  # the same for the optimiser's state
SELF_GAP = 100.0  # L5: times torch's gap to itself with the rows of each batch permuted
HORIZON = 1e-3  # L5, float32: relative gap of the losses at which two runs have parted
