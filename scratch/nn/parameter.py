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
        self._grad: Array | None = None  # zeros that nobody has asked for

    @property
    def grad(self) -> Array:
        """The gradient; zeros before the first backward."""
        if self._grad is None:
            self._grad = np.zeros_like(self.data)
        return self._grad

    @grad.setter
    def grad(self, value: Array) -> None:
        self._grad = value

    def add_grad(self, term: Any) -> None:
        """Add to the gradient an array that the caller has just made and keeps no hold of.

        The first one since `zero_grad` becomes the gradient itself: no zeros are made and no sum,
        2 % of a training step of the perceptron for handwritten digits.

        Args:
            term: an array of the shape and the dtype of the values.
        """
        data = self.data
        alike = term.strides == data.strides and term.shape == data.shape
        if self._grad is None and alike and term.dtype == data.dtype:
            self._grad = term
        else:
            self.grad += term

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return self.data.shape

    def astype(self, dtype: Any) -> None:
        """Convert values and gradient to `dtype` in place."""
        self.data = self.data.astype(dtype)
        if self._grad is not None:
            self._grad = self._grad.astype(dtype)

    def zero_grad(self) -> None:
        """Set the gradient to zeros."""
        self._grad = None

    def __repr__(self) -> str:
        return f"Parameter(shape={self.shape}, dtype={self.data.dtype})"
