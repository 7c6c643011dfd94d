"""Kernels of 3 x 3 without a bias, and nothing else (chapter 17 of the book)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import Conv2d, Flatten, Module


class Kernels(Module):
    """What each kernel says of the patch that it sees."""

    def __init__(self, kernels: int = 9) -> None:
        super().__init__()
        self.convolution = Conv2d(1, kernels, 3, bias=False)
        self.flatten = Flatten()

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, 1, 3, 3) to (N, kernels)."""
        return self.flatten(self.convolution(input))
