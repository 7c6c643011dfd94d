"""Which bound applies to which tensor of which layer: K and the magnitude |A||B|, by class.

The magnitudes are computed by running torch's float64 layer on absolute values; the formulas
belong to `bounds`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from parity_tests.harness import (
    bounds,
    outputs,
    rows_activation,
    rows_functions,
    rows_joins,
    rows_loss,
    rows_norm,
    rows_recurrent,
    rows_winograd,
)
from parity_tests.harness.run import Result, run_torch

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]
Row = Callable[[Any, tuple[Array, ...], Array, Result], Units]


def units(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units | None:
    """Return the units of every tensor of a layer, None for a class without a row.

    Args:
        module: torch's layer in float64.
        inputs: what it was given.
        d_output: cotangent of its output.
        truth: what it made of them.
    """
    row = ROWS.get(type(module).__name__)
    if row is None:
        return None
    with np.errstate(invalid="ignore", over="ignore"):  # no bound where no number is finite
        return row(module, inputs, d_output, truth)


def has_row(module: Any) -> bool:
    """Whether a bound is derived for this class."""
    return type(module).__name__ in ROWS


def magnitudes(module: Any, inputs: tuple[Array, ...], d_output: Array) -> Result:
    """Run a (multi)linear layer on the absolute values of everything."""
    absolute = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in absolute.parameters():
            parameter.abs_()
    return run_torch(
        absolute, tuple(np.abs(value) for value in inputs), outputs.each(np.abs, d_output)
    )


def _sums(
    module: Any, inputs: tuple[Array, ...], d_output: Array, output: int, dx: int, weight: int
) -> Units:
    size = magnitudes(module, inputs, d_output)
    terms = {"output": output, "dx": dx}
    return {
        name: bounds.accumulated(terms.get(name, weight), value)
        for name, value in size.tensors().items()
    }


def _linear(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    rows = math.prod(d_output.shape[:-1])
    return _sums(module, inputs, d_output, module.in_features + 1, module.out_features, rows)


def _conv2d(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    tile = getattr(module, "tile", 0)  # see `in_mode`
    if tile:
        return rows_winograd.units(module, inputs, d_output, tile)
    window = math.prod(module.kernel_size)
    places = d_output.shape[0] * math.prod(d_output.shape[2:])
    return _sums(
        module,
        inputs,
        d_output,
        module.in_channels // module.groups * window + 1,
        module.out_channels // module.groups * window,
        places,
    )


def _table_conv2d(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    window = math.prod(module.kernel_size)
    places = d_output.shape[0] * math.prod(d_output.shape[2:])
    most_in = int(np.bincount(module.targets).max())
    most_out = int(np.bincount(module.sources).max())
    return _sums(module, inputs, d_output, most_in * window + 1, most_out * window, places)


def _channel_scale(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    places = d_output.size // d_output.shape[1]
    return _sums(module, inputs, d_output, 2, 1, places)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _overlap(module: Any) -> int:
    kernel, stride = _pair(module.kernel_size), _pair(module.stride)
    return math.prod(math.ceil(k / s) for k, s in zip(kernel, stride, strict=True))


def _avg_pool2d(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    window = math.prod(_pair(module.kernel_size))
    return _sums(module, inputs, d_output, window + 1, _overlap(module) + 1, 1)


def _adaptive(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    sides = zip(inputs[0].shape[2:], d_output.shape[2:], strict=True)
    window = math.prod(math.ceil(i / o) + 1 for i, o in sides)
    return _sums(module, inputs, d_output, window + 1, 4 + 1, 1)


def _max_pool2d(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    overlap = _overlap(module)
    zero = np.zeros(truth.output.shape)
    if overlap == 1 and _pair(module.dilation) == (1, 1):
        return {"output": zero, "dx": np.zeros(inputs[0].shape)}
    size = run_torch(module, inputs, np.abs(d_output))
    return {
        "output": zero,
        "dx": bounds.accumulated(math.prod(_pair(module.kernel_size)), size.dx[0]),
    }


def _moved_only(_: Any, inputs: tuple[Array, ...], __: Array, truth: Result) -> Units:
    return {"output": np.zeros(truth.output.shape), "dx": np.zeros(inputs[0].shape)}


def _dropout(module: Any, _: Any, __: Array, truth: Result) -> Units:
    exact = math.frexp(1 - module.p)[0] == 0.5
    factor = 0 if exact else bounds.ROUNDED_PRODUCT
    return {"output": factor * np.abs(truth.output), "dx": factor * np.abs(truth.dx[0])}


def _tanh(_: Any, __: Any, d_output: Array, truth: Result) -> Units:
    y = truth.output
    return {"output": bounds.tanh_output(y), "dx": bounds.tanh_dx(y, d_output)}


def _scaled_tanh(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    x, a, s = inputs[0], module.amplitude, module.slope
    return {
        "output": bounds.scaled_tanh_output(x, a, s),
        "dx": bounds.scaled_tanh_dx(x, d_output, a, s),
    }


def _sigmoid(_: Any, __: Any, d_output: Array, truth: Result) -> Units:
    y = truth.output
    return {"output": bounds.sigmoid_output(y), "dx": bounds.sigmoid_dx(y, d_output)}


def _softmax(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    x, y = inputs[0], truth.output
    axis = module.dim
    if axis is None:  # torch's old rule, which its documentation of softmax does not tell
        axis = 0 if x.ndim == 3 else 1
    return {
        "output": bounds.softmax_output(x, y, axis),
        "dx": bounds.softmax_dx(x, y, d_output, axis),
    }


ROWS: dict[str, Row] = {
    "Linear": _linear,
    "Conv2d": _conv2d,
    "TableConv2d": _table_conv2d,
    "ChannelScale": _channel_scale,
    "AvgPool2d": _avg_pool2d,
    "AdaptiveAvgPool2d": _adaptive,
    "MaxPool2d": _max_pool2d,
    "ReLU": _moved_only,
    "Flatten": _moved_only,
    "Identity": _moved_only,
    "Dropout": _dropout,
    "Tanh": _tanh,
    "ScaledTanh": _scaled_tanh,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    **rows_activation.ROWS,
    **rows_norm.ROWS,
    **rows_joins.ROWS,
    **rows_functions.ROWS,
    **rows_loss.ROWS,
    **rows_recurrent.ROWS,
}
