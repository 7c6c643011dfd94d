"""Losses: `loss = criterion(input, target)`, then `d_input = criterion.backward()`."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import labels, loss, tanh_loss

_REDUCTIONS = ("none", "mean", "sum")


class _Loss(Module):
    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        if reduction not in _REDUCTIONS:
            raise ValueError(f'reduction="{reduction}": expects one of {_REDUCTIONS}')
        self.reduction = reduction

    def _weights(self, **weights: Array | None) -> None:
        """Register the weights that are given, as buffers: they follow the model's dtype."""
        for name, value in weights.items():
            if value is None:
                setattr(self, name, None)
            else:
                self.register_buffer(name, value)


class MSELoss(_Loss):
    """Mean (or sum) of squared differences over every element, torch's meaning."""

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def forward(self, input: Array, target: Array) -> Any:
        """Return the loss of `input` against `target` of the same shape."""
        value, cache = loss.mse_loss(input, target, self.reduction)
        self.save(cache)
        return value

    def backward(self, d_output: Any = 1.0) -> Array:
        """Return the gradient of `input`."""
        return loss.mse_loss_backward(d_output, self.saved())


class HalfMSELoss(Module):
    """The book's regression loss: sum of squares divided by 2m, m the number of samples."""

    def forward(self, input: Array, target: Array) -> Any:
        """Return the loss of `input` against `target` of the same shape."""
        value, cache = loss.half_mse_loss(input, target)
        self.save(cache)
        return value

    def backward(self, d_output: Any = 1.0) -> Array:
        """Return the gradient of `input`."""
        return loss.half_mse_loss_backward(d_output, self.saved())


class BCEWithLogitsLoss(_Loss):
    """Binary cross-entropy of logits against targets in [0, 1]."""

    def __init__(
        self,
        weight: Array | None = None,
        reduction: str = "mean",
        pos_weight: Array | None = None,
    ) -> None:
        super().__init__(reduction)
        self.weight: Array | None
        self.pos_weight: Array | None
        self._weights(weight=weight, pos_weight=pos_weight)

    def forward(self, input: Array, target: Array) -> Any:
        """Return the loss of `input` against `target` of the same shape."""
        value, cache = loss.bce_with_logits(
            input, target, self.weight, self.pos_weight, self.reduction
        )
        self.save(cache)
        return value

    def backward(self, d_output: Any = 1.0) -> Array:
        """Return the gradient of `input`."""
        return loss.bce_with_logits_backward(d_output, self.saved())


class CrossEntropyLoss(_Loss):
    """Negative log-probability of the class, from logits (N, C) or from maps of them, (N, C, ...).

    In maps every place of every sample is one classification.
    """

    def __init__(
        self,
        weight: Array | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.weight: Array | None
        self._weights(weight=weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Array, target: Array) -> Any:
        """Return the loss of `input` against class indices (N, ...) or probabilities (N, C, ...).

        With `reduction="none"` it has the shape (N, ...).
        """
        x, wanted = labels.rows(input, target)
        value, cache = loss.cross_entropy(
            x, wanted, self.weight, self.ignore_index, self.label_smoothing, self.reduction
        )
        self.save(cache, input.shape)
        places = (*input.shape[:1], *input.shape[2:])
        return value.reshape(places) if self.reduction == "none" else value

    def backward(self, d_output: Any = 1.0) -> Array:
        """Return the gradient of `input`."""
        cache, shape = self.saved()
        if len(shape) > 2 and np.shape(d_output) == (shape[0], *shape[2:]):
            d_output = d_output.reshape(-1)
        return labels.maps(loss.cross_entropy_backward(d_output, cache), shape)


class TanhCrossEntropyLoss(Module):
    """The book's cross-entropy of a tanh against labels -1 and +1, summed per sample.

    The input is what the tanh is fed; the mean goes over the samples.
    """

    def forward(self, input: Array, target: Array) -> Any:
        """Return the loss of `input` against `target` of the same shape."""
        value, cache = tanh_loss.tanh_cross_entropy(input, target)
        self.save(cache)
        return value

    def backward(self, d_output: Any = 1.0) -> Array:
        """Return the gradient of `input`."""
        return tanh_loss.tanh_cross_entropy_backward(d_output, self.saved())
