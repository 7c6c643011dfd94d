"""A trainable array and the gradient that belongs to it."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Parameter:
    """An array that an optimiser may change.

    Attributes:
        data: the values, any shape. Optimisers write into it; `Module.state_dict` copies it.
        grad: gradient of the loss, same shape and dtype, never None; only ever added to.

    Both lie in memory alike: a layer may choose an order of the axes that its products want.
    """

    def __init__(self, data: Array) -> None:
        self.data = np.array(data)
        self.grad = np.zeros_like(self.data)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return self.data.shape

    def astype(self, dtype: Any) -> None:
        """Convert values and gradient to `dtype` in place."""
        self.data = self.data.astype(dtype)
        self.grad = self.grad.astype(dtype)

    def zero_grad(self) -> None:
        """Set the gradient to zeros."""
        if self.data.flags.c_contiguous:
            self.grad = np.zeros(self.data.shape, self.data.dtype)  # a quarter of the time
        else:
            self.grad = np.zeros_like(self.data)

    def __repr__(self) -> str:
        return f"Parameter(shape={self.shape}, dtype={self.data.dtype})"
