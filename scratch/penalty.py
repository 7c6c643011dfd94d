"""L1 and L2 penalties on the weights: what they add to the loss and to the gradients.

Krogh and Hertz, "A simple weight decay can improve generalization", 1992 (L2); Tibshirani,
"Regression shrinkage and selection via the lasso", 1996 (L1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scratch.nn import Parameter


class Penalty:
    """l1 sum|w| / m + l2 sum w^2 / (2 m) over all weights of a network, m samples in the batch.

    Weights are the parameters with two or more axes: biases and the scales of a normalisation,
    which have one, stay free.

    Args:
        parameters: of the network.
        l1: factor of the absolute values.
        l2: factor of the squares.
    """

    def __init__(self, parameters: Iterable[Parameter], l1: float, l2: float) -> None:
        self.weights = [parameter for parameter in parameters if parameter.data.ndim > 1]
        self.l1, self.l2 = l1, l2

    def value(self, samples: int) -> float:
        """Return what is added to the loss of a batch of `samples`."""
        total = 0.0
        if self.l1:
            total += self.l1 * sum(float(np.abs(w.data).sum()) for w in self.weights)
        if self.l2:
            total += self.l2 / 2 * sum(float(np.square(w.data).sum()) for w in self.weights)
        return total / samples

    def backward(self, samples: int) -> None:
        """Add (l1 sign(w) + l2 w) / samples to the gradient of every weight; sign(0) is 0."""
        for weight in self.weights:
            if self.l1:
                weight.grad = weight.grad + self.l1 / samples * np.sign(weight.data)
            if self.l2:
                weight.grad = weight.grad + self.l2 / samples * weight.data
