"""The rows of the book's functions of one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness import bounds, bounds_layers
from parity_tests.harness.run import Result

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]


def _affine(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    size = abs(module.scale) * np.abs(inputs[0]) + abs(module.shift)
    return {
        "output": bounds_layers.affine_output(size),
        "dx": bounds.ROUNDED_PRODUCT * np.abs(module.scale * d_output),
    }


def _square(_: Any, __: Any, ___: Array, truth: Result) -> Units:
    return _times(truth, bounds.ROUNDED_PRODUCT, bounds.ROUNDED_PRODUCT)


def _log(_: Any, __: Any, ___: Array, truth: Result) -> Units:
    return _times(truth, bounds.TRANSCENDENTAL, bounds.ROUNDED_PRODUCT)


def _sqrt(_: Any, __: Any, ___: Array, truth: Result) -> Units:
    return _times(truth, bounds.ROUNDED_PRODUCT, bounds.SMALL_CHAIN)


def _sin(_: Any, __: Any, ___: Array, truth: Result) -> Units:
    return _times(truth, bounds.TRANSCENDENTAL, bounds.TRANSCENDENTAL + 1)


def _times(truth: Result, output: float, dx: float) -> Units:
    return {"output": output * np.abs(truth.output), "dx": dx * np.abs(truth.dx[0])}


ROWS = {"Affine": _affine, "Square": _square, "Log": _log, "Sqrt": _sqrt, "Sin": _sin}
