"""The gradient that training has no use for: that of the data themselves.

Only the first layer computes it, and there it costs as much as the gradient of the weights: a fifth
of a training step of the perceptron for handwritten digits, an eighth of one of LeNet-5.
"""

from __future__ import annotations

import contextvars
import functools
from typing import Any

import numpy as np

from scratch.nn.parameter import Array

_data: contextvars.ContextVar[Array | None] = contextvars.ContextVar("data", default=None)


class no_gradient_of:
    """Say that nobody will ask for the gradient of `x`; the forward runs inside this block.

    A layer with weights that is fed `x` itself, or a view of it, then returns NaN from its
    backward instead of that gradient, so that a use of it would be seen. The gradients of all
    parameters stay the same.
    """

    def __init__(self, x: Array) -> None:
        self._x = x

    def __enter__(self) -> None:
        self._token = _data.set(self._x)

    def __exit__(self, *_: object) -> None:
        _data.reset(self._token)


def wants_gradient(input: Array) -> bool:
    """Return whether a layer that is fed this array has to compute its gradient."""
    x = _data.get()
    return x is None or not (input is x or (input.base is not None and input.base is _owner(x)))


def or_nan(dx: Array | None, like: Array) -> Array:
    """Return a gradient, or NaN in the shape of the input if it was not asked for."""
    if dx is not None:
        return dx
    return _nan(like.dtype, like.shape)


@functools.lru_cache  # a tenth of a step of the linear regression; one number, read-only
def _nan(dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Return NaN in any shape."""
    return np.broadcast_to(dtype.type(np.nan), shape)


def _owner(x: Array) -> object:
    """Return the array whose memory a view belongs to."""
    return x if x.base is None else x.base
