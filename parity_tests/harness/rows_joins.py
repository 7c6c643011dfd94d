"""The rows of the layers with several inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness import bounds
from parity_tests.harness.run import Result

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]


def _add(_: Any, inputs: tuple[Array, ...], __: Array, truth: Result) -> Units:
    a, b = np.abs(inputs[0]), np.abs(inputs[1])
    return {**_moved(truth), "output": bounds.ROUNDED_PRODUCT * (a + b)}


def _multiply(_: Any, __: Any, ___: Array, truth: Result) -> Units:
    return {name: bounds.ROUNDED_PRODUCT * np.abs(value) for name, value in truth.tensors().items()}


def _concat(_: Any, __: Any, ___: Array, truth: Result) -> Units:
    return _moved(truth)


def _moved(truth: Result) -> Units:
    """Zero units: every number is a copy of another one."""
    return {name: np.zeros(value.shape) for name, value in truth.tensors().items()}


ROWS = {"Add": _add, "Multiply": _multiply, "Concat": _concat}
