"""The definition of :mod:`scratch.ops.norm`: one channel after the other, one number at a time.

The backward pass multiplies by the whole Jacobian of a channel instead of using its closed form.
"""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops.checks import Array


class NormCache(NamedTuple):
    """Everything as it was given, and per channel mean and standard deviation."""

    x: Array
    weight: Array | None
    bias: Array | None
    mean: list[Any]
    deviation: list[Any]


def batch_norm(
    x: Array, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
) -> tuple[Array, NormCache]:
    """Subtract the mean of every channel, divide by its deviation, scale and shift."""
    means, deviations = [], []
    for c in range(x.shape[1]):
        values = list(x[:, c].flat)
        mean = sum(values) / len(values)
        means.append(mean)
        deviations.append(np.sqrt(sum((v - mean) ** 2 for v in values) / len(values) + eps))
    return _normalise(NormCache(x, weight, bias, means, deviations))


def fixed_norm(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    mean: Array,
    variance: Array,
    eps: float = 1e-5,
) -> tuple[Array, NormCache]:
    """Do the same with a mean and a variance that are given."""
    deviations = [np.sqrt(v + eps) for v in variance]
    return _normalise(NormCache(x, weight, bias, list(mean), deviations))


def batch_norm_backward(dy: Array, cache: NormCache) -> tuple[Array, Array | None, Array | None]:
    """Let every input of a channel act on every output of it: d y[i] / d x[j], one by one."""
    x, weight, _, mean, deviation = cache
    dx = np.zeros(x.shape, x.dtype)
    for c in range(x.shape[1]):
        values, gradients = x[:, c].ravel(), dy[:, c].ravel()
        m, s, scale = len(values), deviation[c], 1 if weight is None else weight[c]
        given = np.zeros(m, x.dtype)
        for j in range(m):
            d_deviation = (values[j] - mean[c]) / (m * s)
            for i in range(m):
                direct = ((i == j) - 1 / m) / s
                through_deviation = -(values[i] - mean[c]) / s**2 * d_deviation
                given[j] += gradients[i] * scale * (direct + through_deviation)
        dx[:, c] = given.reshape(x[:, c].shape)
    return dx, *_sums(dy, cache)


def fixed_norm_backward(dy: Array, cache: NormCache) -> tuple[Array, Array | None, Array | None]:
    """Every input acts on its own output alone."""
    x, weight, _, _, deviation = cache
    dx = np.zeros(x.shape, x.dtype)
    for n, c, *place in np.ndindex(x.shape):
        scale = 1 if weight is None else weight[c]
        dx[n, c, *place] = dy[n, c, *place] * scale / deviation[c]
    return dx, *_sums(dy, cache)


def _normalise(cache: NormCache) -> tuple[Array, NormCache]:
    x, weight, bias, mean, deviation = cache
    y = np.zeros(x.shape, x.dtype)
    for n, c, *place in np.ndindex(x.shape):
        normalised = (x[n, c, *place] - mean[c]) / deviation[c]
        scaled = normalised if weight is None else normalised * weight[c]
        y[n, c, *place] = scaled if bias is None else scaled + bias[c]
    return y, cache


def _sums(dy: Array, cache: NormCache) -> tuple[Array | None, Array | None]:
    x, weight, bias, mean, deviation = cache
    dweight, dbias = np.zeros(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)
    for n, c, *place in np.ndindex(x.shape):
        dweight[c] += dy[n, c, *place] * (x[n, c, *place] - mean[c]) / deviation[c]
        dbias[c] += dy[n, c, *place]
    return None if weight is None else dweight, None if bias is None else dbias
