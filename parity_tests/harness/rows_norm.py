"""The rows of normalisation: output, gradients and running statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness import bounds, bounds_layers
from parity_tests.harness.run import Result

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]


def batch_norm(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    """Take the statistics of the batch or the running ones, as the layer itself does."""
    x, dy = inputs[0], np.abs(d_output)
    axes = (0, *range(2, x.ndim))
    keep = (-1, *[1] * (x.ndim - 2))
    count = x.size // x.shape[1]
    weight, bias = (
        np.full(x.shape[1], default) if value is None else np.abs(value.detach().numpy())
        for value, default in ((module.weight, 1.0), (module.bias, 0.0))
    )
    if module.training or module.running_mean is None:
        mean, variance = x.mean(axes), x.var(axes)
    else:
        mean, variance = module.running_mean.numpy(), module.running_var.numpy()
    deviation = np.sqrt(variance + module.eps)
    wide = {
        "weight": weight.reshape(keep),
        "bias": bias.reshape(keep),
        "deviation": deviation.reshape(keep),
    }
    units: Units = {}
    if module.training or module.running_mean is None:
        size = np.abs(x).mean(axes)
        normalised = np.abs(x - mean.reshape(keep)) / wide["deviation"]
        ratio = (size / deviation).reshape(keep)
        units["output"] = bounds_layers.batch_norm_output(normalised, ratio, count, **wide)
        means = [value.mean(axes).reshape(keep) for value in (dy, dy * normalised)]
        magnitude = dy + means[0] + normalised * means[1]
        units["dx"] = bounds_layers.batch_norm_dx(magnitude, ratio, count, **wide)
        units["weight"] = bounds_layers.batch_norm_sum((dy * (normalised + ratio)).sum(axes), count)
    else:
        size = np.abs(mean)
        spread = (np.abs(x) + size.reshape(keep)) / wide["deviation"]
        units["output"] = bounds_layers.fixed_norm_output(spread, **wide)
        units["dx"] = bounds.SMALL_CHAIN * np.abs(truth.dx[0])
        units["weight"] = bounds_layers.batch_norm_sum((dy * spread).sum(axes), count)
    units["bias"] = bounds.accumulated(count, dy.sum(axes))
    if module.running_mean is not None:
        units |= _running(module, size, variance, count)
    return {name: value for name, value in units.items() if name in truth.tensors()}


def _running(module: Any, size: Array, variance: Array, count: int) -> Units:
    old_mean, old_variance = module.running_mean.numpy(), module.running_var.numpy()
    units = {"num_batches_tracked": np.zeros(())}
    if not module.training:
        zero = np.zeros(old_mean.shape)
        return {**units, "running_mean": zero, "running_var": zero}
    batches = int(module.num_batches_tracked) + 1
    share = 1 / batches if module.momentum is None else module.momentum
    return {
        **units,
        "running_mean": bounds_layers.running_mean(old_mean, size, count, share),
        "running_var": bounds_layers.running_var(
            old_variance, variance + module.eps, size, count, share
        ),
    }


def local_response_norm(
    module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result
) -> Units:
    """Take every sum over the window, squares and products made absolute."""
    x, dy, y = np.abs(inputs[0]), np.abs(d_output), np.abs(truth.output)
    size, beta = module.size, module.beta
    sums = module.k + module.alpha / size * _window(x * x, size // 2, (size - 1) // 2)
    cross = _window(dy * y / sums, (size - 1) // 2, size // 2)
    cross *= 2 * abs(module.alpha * beta) / size * x
    return {
        "output": bounds_layers.local_response_norm_output(y, size, beta),
        "dx": bounds_layers.local_response_norm_dx(dy * sums**-beta, cross, size, beta),
    }


def _window(values: Array, before: int, after: int) -> Array:
    padded = np.pad(values, ((0, 0), (before, after), (0, 0), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(padded, before + after + 1, 1).sum(-1)


ROWS = {
    "BatchNorm1d": batch_norm,
    "BatchNorm2d": batch_norm,
    "LocalResponseNorm": local_response_norm,
}
