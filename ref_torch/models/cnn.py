"""The small convolutional networks of chapter 18: colours, shapes, digits, clothes, CIFAR-10."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import (
    BatchNorm1d,
    Conv2d,
    Dropout,
    Flatten,
    Identity,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
)

from ref_torch import nn


class TwoConvNet(Module):
    """Two convolutions, each with ReLU and a pool of 2 x 2, then two linear layers (18.2 to 18.5).

    The input is an image of S x S pixels (`image_size`). Only the first convolution has a border
    (`padding`), and `activation` behind it; batch normalisation stands before the last ReLU unless
    `batch_norm` is False.
    """

    def __init__(
        self,
        in_channels: int = 1,
        image_size: int = 28,
        channels: Sequence[int] = (8, 16),
        kernels: Sequence[int] = (3, 3),
        padding: int = 1,
        hidden: int = 32,
        classes: int = 10,
        batch_norm: bool = True,
        activation: str = "ReLU",
    ) -> None:
        super().__init__()
        first = (image_size + 2 * padding - kernels[0] + 1) // 2
        second = (first - kernels[1] + 1) // 2
        self.conv1 = Conv2d(in_channels, channels[0], kernels[0], padding=padding)
        self.act1 = getattr(nn, activation)()
        self.pool1 = MaxPool2d(2)
        self.conv2 = Conv2d(channels[0], channels[1], kernels[1])
        self.relu2 = ReLU()
        self.pool2 = MaxPool2d(2)
        self.flatten = Flatten()
        self.fc1 = Linear(channels[1] * second * second, hidden)
        self.bn = BatchNorm1d(hidden) if batch_norm else Identity()
        self.relu3 = ReLU()
        self.fc2 = Linear(hidden, classes)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, S, S) to logits (N, classes)."""
        x = self.pool1(self.act1(self.conv1(input)))  # (N, channels[0], first, first)
        x = self.pool2(self.relu2(self.conv2(x)))  # (N, channels[1], second, second)
        x = self.relu3(self.bn(self.fc1(self.flatten(x))))  # (N, hidden)
        return self.fc2(x)


class OneConvNet(Module):
    """One convolution with ReLU and a pool of 2 x 2, then two linear layers (18.6)."""

    def __init__(
        self,
        in_channels: int = 1,
        image_size: int = 28,
        channels: int = 32,
        hidden: int = 128,
        classes: int = 10,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        pooled = (image_size - 2) // 2
        self.conv = Conv2d(in_channels, channels, 3)
        self.relu1 = ReLU()
        self.pool = MaxPool2d(2)
        self.flatten = Flatten()
        self.fc1 = Linear(channels * pooled * pooled, hidden)
        self.bn = BatchNorm1d(hidden) if batch_norm else Identity()
        self.relu2 = ReLU()
        self.fc2 = Linear(hidden, classes)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, S, S) to logits (N, classes)."""
        x = self.pool(self.relu1(self.conv(input)))  # (N, channels, pooled, pooled)
        x = self.relu2(self.bn(self.fc1(self.flatten(x))))  # (N, hidden)
        return self.fc2(x)


class Stage(Module):
    """Two 3 x 3 convolutions, the first with a border, a pool of 2 x 2 and dropout.

    Maps of S x S pixels become maps of (S - 2) // 2.
    """

    def __init__(self, in_channels: int, channels: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, channels, 3, padding=1)
        self.relu1 = ReLU()
        self.conv2 = Conv2d(channels, channels, 3)
        self.relu2 = ReLU()
        self.pool = MaxPool2d(2)
        self.drop = Dropout(dropout) if dropout else Identity()

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, S, S) to (N, channels, (S - 2) // 2, (S - 2) // 2)."""
        x = self.relu1(self.conv1(input))  # (N, channels, S, S)
        x = self.relu2(self.conv2(x))  # (N, channels, S - 2, S - 2)
        return self.drop(self.pool(x))


class CifarNet(Module):
    """Two stages of two convolutions and two linear layers, with dropout after each part (18.7)."""

    def __init__(
        self,
        in_channels: int = 3,
        image_size: int = 32,
        channels: Sequence[int] = (32, 64),
        hidden: int = 512,
        classes: int = 10,
        dropout: Sequence[float] = (0.25, 0.25, 0.5),
    ) -> None:
        super().__init__()
        side = ((image_size - 2) // 2 - 2) // 2
        self.stage1 = Stage(in_channels, channels[0], dropout[0])
        self.stage2 = Stage(channels[0], channels[1], dropout[1])
        self.flatten = Flatten()
        self.fc1 = Linear(channels[1] * side * side, hidden)
        self.relu = ReLU()
        self.drop = Dropout(dropout[2]) if dropout[2] else Identity()
        self.fc2 = Linear(hidden, classes)

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, S, S) to logits (N, classes)."""
        x = self.stage2(self.stage1(input))  # (N, channels[1], side, side)
        x = self.drop(self.relu(self.fc1(self.flatten(x))))  # (N, hidden)
        return self.fc2(x)
