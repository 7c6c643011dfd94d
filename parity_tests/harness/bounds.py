"""Every tolerance of the project; nothing else owns one but `bounds_layers`, its second half.

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
ROUNDING_ALONE = 4.0  # bounds of a whole network that an order of images can make torch differ by
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


def c(terms: int, sums: int = 1) -> float:
    """Return the bound of a sum of `terms` products, in units of its magnitude.

    Rounding errors behave like random numbers, and the largest of n of them grows with the root of
    log n. Measured over 5 seeds, one large number first and K - 1 small ones added to it, K = 18 to
    288: the factor of sqrt(K) has to be at most 1.5 for 100 sums, and 1.9, 2.1 and 2.3 for 1,000,
    10,000 and 100,000; 1.5 sqrt(ln n / ln 100) gives 1.8, 2.1 and 2.4. (Ordinary sums, whose
    numbers are of one size, need less than 1.)

    Args:
        terms: K, of one sum.
        sums: n, how many there are.

    >>> round(c(25), 1), c(1), round(c(25, 10_000), 1)
    (9.5, 3.5, 12.6)
    """
    many = math.sqrt(max(1.0, math.log(max(sums, 1)) / math.log(100)))
    return min(2 + 1.5 * math.sqrt(terms) * many, float(max(terms, SMALL)))


def worst_over_probable(terms: int, sums: int = 1) -> float:
    """Return how many times c(K) the worst case K is: what a sum of equal terms may need.

    c(K) supposes errors of random sign. Equal numbers added one by one all round the same way for
    as long as the sum keeps its exponent.

    >>> round(worst_over_probable(6272), 1)
    51.9
    """
    return max(terms, SMALL) / c(terms, sums)


def accumulated(terms: int, magnitude: Array) -> Array:
    """Units of sums of products: c(K) |A||B|."""
    return c(terms, np.size(magnitude)) * magnitude


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


def onnxruntime_smooth(y: Array, floor: Array) -> Array:
    """Units of ONNX Runtime's Elu, Gelu and Softplus on a CPU: 8 of y and 4 of a floor.

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


def reordered(gap: float, reference: Array) -> float:
    """What a tensor behind very many layers is allowed on top of `whole`, in float64.

    Twice what torch is from itself if the images of the batch are exchanged, and nothing where that
    is more than rounding explains (`ROUNDING_ALONE`): then the order of the images matters.
    Measured on ResNets at full size, batch 2, 5 seeds each, in units of `whole`: scratch from torch
    at most 0.08, 0.40, 0.87 and 2.04 for 18, 50, 101 and 152 layers, torch from itself 0.11, 0.48,
    1.41 and 2.32; of one draw, behind 50 layers or more, scratch at most 1.05 of torch.

    Args:
        gap: the largest difference of torch from itself.
        reference: the tensor.
    """
    return 2 * gap if gap <= ROUNDING_ALONE * whole(reference) else 0.0


def complex_step(reference: Array, normalised: bool = False) -> float:
    """Tolerance of a backward against the complex step (L1): 1e-13 max|g|; measured 3e-16.

    Both are sums of float64 through the whole network, and batch normalisation magnifies rounding:
    measured over 5 seeds on 5 such networks up to 6.3e-14, in single draws 2.1e-13. They get the
    bound of a tensor behind many layers, `whole`, 4.5e-13.
    """
    if normalised:
        return whole(reference)
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
