"""Activations that let a number through a smooth gate that it opens itself: y = x g(x)."""

import math
from typing import Any

import numpy as np

from scratch.ops import checks
from scratch.ops.activation import sigmoid
from scratch.ops.checks import Array, ShapeError
from scratch.ops.rectifiers import SlopeCache, times_slope

FORMS = ("none", "tanh")
CUBIC = 0.044715  # of the approximation by tanh

_erf_of_one = np.frompyfunc(math.erf, 1, 1)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)


def gelu(x: Array, approximate: str = "none") -> tuple[Array, SlopeCache]:
    r"""Weigh a number by the share of a normal distribution that lies below it.

    .. math:: y = x\,\Phi(x) = \tfrac{x}{2} \bigl(1 + \mathrm{erf}(x / \sqrt 2)\bigr), \qquad
        y \approx \tfrac{x}{2} \Bigl(1 + \tanh\bigl(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\bigr)\Bigr)

    Args:
        x: Any shape.
        approximate: "none" for the left formula, "tanh" for the right one.

    Returns:
        ``y`` of the same shape, and the cache for :func:`gelu_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating, or the form is unknown.

    Hendrycks & Gimpel 2016, Gaussian error linear units.

    >>> gelu(np.array([-100.0, 0.0, 100.0]))[0].tolist()
    [-0.0, 0.0, 100.0]
    """
    checks.entries(x)
    if approximate not in FORMS:
        raise ShapeError(f"approximate among {', '.join(FORMS)}", repr(approximate))
    if approximate == "none":
        share = (1 + erf(x * math.sqrt(0.5))) / 2
        density = np.exp(-x * x / 2) * (1 / math.sqrt(2 * math.pi))
        with np.errstate(invalid="ignore"):
            return x * share, SlopeCache(share + x * density)
    factor = math.sqrt(2 / math.pi)
    inner = factor * (x + CUBIC * (x * x * x))
    t = np.tanh(inner)
    with np.errstate(invalid="ignore"):
        bend = (1 - t * t) * (factor * (1 + 3 * CUBIC * (x * x)))
        return x * (1 + t) / 2, SlopeCache((1 + t) / 2 + x * bend / 2)


def gelu_backward(dy: Array, cache: SlopeCache) -> Array:
    r"""Multiply the gradient by the slope of the gated number.

    By the product rule, with the normal density :math:`\varphi = \Phi'`,

    .. math:: \frac{dy}{dx} = \Phi(x) + x\,\varphi(x), \qquad
        \varphi(x) = \frac{e^{-x^2 / 2}}{\sqrt{2 \pi}}.

    With tanh in the place of erf, the derivative of :math:`\tfrac12 (1 + \tanh u)` is
    :math:`\tfrac12 (1 - \tanh^2 u)\,u'` with
    :math:`u' = \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\,x^2)`.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`gelu` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = gelu(np.array([-100.0, 0.0, 100.0]))
    >>> gelu_backward(np.array([8.0, 8.0, 8.0]), cache).tolist()
    [0.0, 4.0, 8.0]
    """
    return times_slope(dy, cache)


def silu(x: Array) -> tuple[Array, SlopeCache]:
    r"""Weigh a number by its own sigmoid: :math:`y = x\,\sigma(x)`.

    Args:
        x: Any shape.

    Returns:
        ``y`` of the same shape, and the cache for :func:`silu_backward`.

    Raises:
        ShapeError: ``x`` is empty or not floating.

    Elfwing, Uchibe & Doya 2018, Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning.

    >>> silu(np.array([-1e4, 0.0, 1e4]))[0].tolist()
    [-0.0, 0.0, 10000.0]
    """
    checks.entries(x)
    share, _ = sigmoid(x)
    with np.errstate(invalid="ignore"):
        return x * share, SlopeCache(share * (1 + x * (1 - share)))


def silu_backward(dy: Array, cache: SlopeCache) -> Array:
    r"""Multiply the gradient by the slope of the gated number.

    By the product rule and :math:`\sigma' = \sigma (1 - \sigma)`:
    :math:`y' = \sigma + x\,\sigma (1 - \sigma) = \sigma\,(1 + x\,(1 - \sigma))`.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`silu` returned.

    Returns:
        ``dx`` of the same shape.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> _, cache = silu(np.array([0.0]))
    >>> silu_backward(np.array([8.0]), cache).tolist()
    [4.0]
    """
    return times_slope(dy, cache)


def erf(z: Array) -> Array:
    r"""Return the error function, of complex numbers as well.

    From the real part a the way to z is walked upwards, with twelve Gauss-Legendre points:

    .. math:: \mathrm{erf}(a + ib) = \mathrm{erf}(a)
        + \frac{2i}{\sqrt\pi} \int_0^b e^{-(a + it)^2}\,dt.

    Good to the last digits for ``|b| < 1``, which is far more than a complex step needs.

    Args:
        z: Any shape.

    Returns:
        The same shape and dtype.

    >>> erf(np.array([0.0, 10.0])).tolist()
    [0.0, 1.0]
    """
    on_the_axis: Array = np.asarray(_erf_of_one(z.real)).astype(z.real.dtype)
    if not np.iscomplexobj(z):
        return on_the_axis
    upwards: Any = 0
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        point = z.real + 1j * (z.imag * (node + 1) / 2)
        upwards = upwards + weight / 2 * np.exp(-point * point)
    return (on_the_axis + upwards * z.imag * (2j / math.sqrt(math.pi))).astype(z.dtype)
