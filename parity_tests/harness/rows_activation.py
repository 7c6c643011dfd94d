"""The rows of the softer rectifiers, the gates, the book's curves and the powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness import bounds, bounds_layers
from parity_tests.harness.run import Result

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]


def _leaky(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    factor = bounds_layers.scaled_by(module.negative_slope) * ~(inputs[0] > 0)
    return {"output": factor * np.abs(truth.output), "dx": factor * np.abs(truth.dx[0])}


def _elu(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    curved = ~(inputs[0] > 0)
    size = np.abs(truth.output), np.abs(truth.dx[0])
    return {
        "output": curved * bounds_layers.elu(size[0]),
        "dx": curved * bounds_layers.elu(size[1]),
    }


def _softplus(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    t = inputs[0] * module.beta
    curved = ~(t > module.threshold)
    return {
        "output": curved * bounds_layers.softplus_output(t, truth.output, module.beta),
        "dx": curved * bounds_layers.softplus_dx(t, truth.dx[0]),
    }


def _gelu(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    x = inputs[0]
    share, error = bounds_layers.gate(x, module.approximate)
    slope = bounds_layers.gate_slope(x, module.approximate)
    return {
        "output": np.abs(x) * error + 2 * np.abs(truth.output),
        "dx": np.abs(d_output) * (error + share + slope) + 2 * np.abs(truth.dx[0]),
    }


def _silu(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    return {
        "output": bounds_layers.silu_output(truth.output),
        "dx": bounds_layers.silu_dx(inputs[0], d_output),
    }


def _step(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    return {"output": np.zeros(truth.output.shape), "dx": np.zeros(inputs[0].shape)}


def _bent(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    return {
        "output": bounds_layers.bent_output(inputs[0], truth.output),
        "dx": bounds.SMALL_CHAIN * np.abs(d_output) * 1.5,
    }


def _powers(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    exponents = np.arange(1, module.degree + 1)
    terms = exponents * np.abs(inputs[0]) ** (exponents - 1) * np.abs(d_output)
    return {
        "output": exponents * (exponents > 1) * np.abs(truth.output),
        "dx": bounds_layers.polynomial_slope(terms),
    }


ROWS = {
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "Softplus": _softplus,
    "GELU": _gelu,
    "SiLU": _silu,
    "Step": _step,
    "BentIdentity": _bent,
    "Powers": _powers,
}
