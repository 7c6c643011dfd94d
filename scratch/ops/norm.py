"""Batch normalisation: every channel gets mean 0 and variance 1, then a scale and a shift."""

from typing import NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, ShapeError
from scratch.ops.parts import over_batch
from scratch.ops.reductions import channel_sum


class BatchNormCache(NamedTuple):
    """The normalised input, and per channel: 1 / sigma, scale, mean and biased variance."""

    normalised: Array
    inverse: Array
    weight: Array | None
    biased: bool
    mean: Array
    variance: Array


class FixedNormCache(NamedTuple):
    """The normalised input, and per channel 1 / sigma and scale; whether there is a shift."""

    normalised: Array
    inverse: Array
    weight: Array | None
    biased: bool


def batch_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
) -> tuple[Array, BatchNormCache]:
    r"""Normalise every channel by the mean and the variance that it has in this batch.

    .. math:: \mu = \tfrac1m \sum x, \qquad \sigma^2 = \tfrac1m \sum (x - \mu)^2 + \epsilon, \qquad
        \hat x = \frac{x - \mu}{\sigma}, \qquad y = \gamma\,\hat x + \beta

    Sums run over all m values of a channel: samples and positions. The variance is taken of the
    differences, in a second pass: :math:`\overline{x^2} - \mu^2` loses every digit where the mean
    is large.

    Args:
        x: ``(N, C)`` or ``(N, C, ...)``, more than one value per channel.
        weight: The scale gamma, ``(C,)``; 1 if left out.
        bias: The shift beta, ``(C,)``; 0 if left out.
        eps: Is added to the variance, inside the root.

    Returns:
        ``y`` of the shape of ``x``, and the cache for :func:`batch_norm_backward`, which also holds
        mean and (biased) variance of every channel, ``(C,)``.

    Raises:
        ShapeError: Shapes or dtypes do not fit, or a channel has one value only.

    Ioffe & Szegedy 2015, Batch normalization, algorithm 1; the book, chapter 15.

    >>> y, cache = batch_norm(np.array([[1.0], [5.0]]), np.array([10.0]), np.array([2.0]), eps=0.0)
    >>> y.tolist(), cache.mean.tolist(), cache.variance.tolist()
    ([[-8.0], [12.0]], [3.0], [4.0])
    """
    _check(x, weight, bias)
    if _count(x) == 1:
        raise ShapeError("more than one value per channel to take a mean of", x.shape)
    m = x.dtype.type(_count(x))
    mean = channel_sum(x) / m
    centre, normalised, y = _per_channel(mean, x), np.empty_like(x), np.empty_like(x)

    def squares(part: slice) -> Array:
        centred = np.subtract(x[part], centre, out=normalised[part])
        return centred * centred

    def scaled(part: slice) -> None:
        normalised[part] *= _per_channel(inverse, x)
        _affine(normalised[part], weight, bias, y[part])

    variance = channel_sum(x, squares) / m
    inverse = 1 / np.sqrt(variance + eps)
    over_batch(scaled, x)
    return y, BatchNormCache(normalised, inverse, weight, bias is not None, mean, variance)


def batch_norm_backward(
    dy: Array, cache: BatchNormCache
) -> tuple[Array, Array | None, Array | None]:
    r"""Carry the gradient through scale, variance and mean.

    Scale and shift see sums over the channel: :math:`d\gamma = \sum dy\,\hat x` and
    :math:`d\beta = \sum dy`. With :math:`g = \gamma\,dy`, an input acts on the output in three
    ways: directly, :math:`g / \sigma`; through the mean, which all outputs subtract,
    :math:`-\bar g / \sigma`; and through the spread that all outputs are divided by. Since
    :math:`\partial \sigma / \partial x = \hat x / m`, the last is
    :math:`-\hat x\,\overline{g \hat x} / \sigma`. Together

    .. math:: dx = \frac{1}{\sigma} \bigl(g - \bar g - \hat x\,\overline{g\,\hat x}\bigr).

    Args:
        dy: The shape of ``y``.
        cache: What :func:`batch_norm` returned.

    Returns:
        ``dx`` of the shape of ``x``; ``dweight`` and ``dbias`` ``(C,)``, None for what was left
        out.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> x = np.array([[-1.0], [0.0], [1.0], [0.0]])  # variance 1/2; with eps 1/2 sigma is 1
    >>> _, cache = batch_norm(x, np.array([2.0]), np.array([0.0]), eps=0.5)
    >>> dx, dweight, dbias = batch_norm_backward(np.array([[4.0], [0.0], [0.0], [0.0]]), cache)
    >>> dx.ravel().tolist(), dweight.tolist(), dbias.tolist()  # g = 8, mean 2, mean of g x -2
    ([4.0, -2.0, 0.0, -2.0], [-4.0], [4.0])
    """
    normalised, inverse, weight, biased, _, _ = cache
    checks.gradient(dy, normalised.shape, normalised.dtype)
    dbias = channel_sum(dy)
    dweight = channel_sum(dy, lambda part: dy[part] * normalised[part])
    m = dy.dtype.type(_count(dy))
    mean, mean_product = _per_channel(dbias / m, dy), _per_channel(dweight / m, dy)
    factor = _per_channel(inverse if weight is None else inverse * weight, dy)
    dx = np.empty_like(dy)

    def through_all(part: slice) -> None:
        d = np.subtract(dy[part], mean, out=dx[part])
        d -= normalised[part] * mean_product
        d *= factor

    over_batch(through_all, dx)
    return dx, None if weight is None else dweight, dbias if biased else None


def fixed_norm(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    variance: Array,
    eps: float = 1e-5,
) -> tuple[Array, FixedNormCache]:
    r"""Normalise every channel by a mean and a variance that are known beforehand.

    .. math:: y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    This is batch normalisation in evaluation, where a sample must not depend on its neighbours.

    Args:
        x: ``(N, C)`` or ``(N, C, ...)``.
        weight: The scale gamma, ``(C,)``, or None.
        bias: The shift beta, ``(C,)``, or None.
        mean: ``(C,)``.
        variance: ``(C,)``.
        eps: Is added to the variance, inside the root.

    Returns:
        ``y`` of the shape of ``x``, and the cache for :func:`fixed_norm_backward`.

    Raises:
        ShapeError: Shapes or dtypes do not fit.

    Ioffe & Szegedy 2015, algorithm 2.

    >>> one = np.array([1.0])
    >>> fixed_norm(np.array([[7.0]]), 10 * one, 2 * one, 3 * one, 4 * one, eps=0.0)[0].tolist()
    [[22.0]]
    """
    _check(x, weight, bias, mean, variance)
    inverse = 1 / np.sqrt(variance + eps)
    normalised = (x - _per_channel(mean, x)) * _per_channel(inverse, x)
    y = np.empty_like(x)
    _affine(normalised, weight, bias, y)
    return y, FixedNormCache(normalised, inverse, weight, bias is not None)


def fixed_norm_backward(
    dy: Array, cache: FixedNormCache
) -> tuple[Array, Array | None, Array | None]:
    r"""Carry the gradient through a scale and a shift: :math:`dx = dy\,\gamma / \sigma`.

    Args:
        dy: The shape of ``y``.
        cache: What :func:`fixed_norm` returned.

    Returns:
        ``dx`` of the shape of ``x``; ``dweight`` and ``dbias`` ``(C,)``, None for what was left
        out.

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    >>> one = np.array([1.0])
    >>> _, cache = fixed_norm(np.array([[7.0]]), 10 * one, 2 * one, 3 * one, 4 * one, eps=0.0)
    >>> [gradient.tolist() for gradient in fixed_norm_backward(np.array([[3.0]]), cache)]
    [[[15.0]], [6.0], [3.0]]
    """
    normalised, inverse, weight, biased = cache
    checks.gradient(dy, normalised.shape, normalised.dtype)
    factor = inverse if weight is None else inverse * weight
    dweight = None if weight is None else channel_sum(dy * normalised)
    return dy * _per_channel(factor, dy), dweight, channel_sum(dy) if biased else None


def running(old: Array, new: Array, momentum: float) -> Array:
    """Move a running statistic towards a new value: ``(1 - momentum) old + momentum new``.

    The momentum is the weight of the new value, as in torch.

    >>> running(np.array([1.0]), np.array([5.0]), 0.25).tolist()
    [2.0]
    """
    moved: Array = (1 - momentum) * old + momentum * new
    return moved


def unbiased(variance: Array, x: Array) -> Array:
    """Return the estimate of the variance behind the batch: m / (m - 1) times the one inside it.

    Args:
        variance: Biased, ``(C,)``.
        x: The batch it was taken of; m is its number of values per channel.

    >>> unbiased(np.array([4.0]), np.array([[1.0], [5.0]])).tolist()
    [8.0]
    """
    m = _count(x)
    estimate: Array = variance * (m / (m - 1))
    return estimate


def _check(x: Array, weight: Array | None, bias: Array | None, *more: Array) -> None:
    given = [values for values in (weight, bias, *more) if values is not None]
    channels = len(given[0]) if given else "C"
    checks.shape(x, "N", channels, *(f"axis {k}" for k in range(2, x.ndim)))
    checks.floating(x)
    for values in given:
        checks.shape(values, channels)
        checks.same_dtype(values, x.dtype)


def _count(x: Array) -> int:
    """Return the number of values per channel."""
    return x.size // x.shape[1]


def _per_channel(values: Array, x: Array) -> Array:
    """Return one value per channel in a shape that broadcasts to ``x``."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def _affine(normalised: Array, weight: Array | None, bias: Array | None, y: Array) -> None:
    """Write scale times normalised plus shift to ``y``."""
    if weight is None:
        y[...] = normalised
    else:
        np.multiply(normalised, _per_channel(weight, y), out=y)
    if bias is not None:
        y += _per_channel(bias, y)
