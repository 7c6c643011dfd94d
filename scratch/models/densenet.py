"""Densely connected networks (Huang, Liu, van der Maaten and Weinberger 2017)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from scratch.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
)
from scratch.nn.parameter import Array


class DenseLayer(Module):
    """The input, and behind it `growth` new maps that are made from all of it (section 3).

    A 1 x 1 convolution to `bottleneck` x `growth` maps keeps the 3 x 3 convolution small.
    """

    def __init__(self, in_channels: int, growth: int, bottleneck: int = 4) -> None:
        super().__init__()
        self.norm1 = BatchNorm2d(in_channels)
        self.relu1 = ReLU()
        self.conv1 = Conv2d(in_channels, bottleneck * growth, 1, bias=False)
        self.norm2 = BatchNorm2d(bottleneck * growth)
        self.relu2 = ReLU()
        self.conv2 = Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)
        self.join = Concat()

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to (N, in_channels + growth, H, W)."""
        x = self.conv1(self.relu1(self.norm1(input)))  # (N, bottleneck growth, H, W)
        x = self.conv2(self.relu2(self.norm2(x)))  # (N, growth, H, W)
        return self.join(input, x)

    def backward(self, d_output: Array) -> Array:
        """Map the gradient of the output to that of the input: forward, read upwards.

        The input is part of the output, so that slice of the gradient is added to what comes
        through the convolutions.
        """
        d_input, d = self.join.backward(d_output)  # (N, in_channels, ...), (N, growth, H, W)
        d = self.norm2.backward(self.relu2.backward(self.conv2.backward(d)))
        return d_input + self.norm1.backward(self.relu1.backward(self.conv1.backward(d)))


class DenseBlock(Sequential):
    """Dense layers, each of which sees the maps of all before it."""

    def __init__(self, in_channels: int, layers: int, growth: int, bottleneck: int = 4) -> None:
        super().__init__(
            OrderedDict(
                (
                    f"denselayer{number + 1}",
                    DenseLayer(in_channels + number * growth, growth, bottleneck),
                )
                for number in range(layers)
            )
        )


class Transition(Sequential):
    """Between two dense blocks: half of the maps, at half the size.

    Maps (N, in_channels, H, W) to (N, channels, H // 2, W // 2).
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(
            OrderedDict(
                norm=BatchNorm2d(in_channels),
                relu=ReLU(),
                conv=Conv2d(in_channels, channels, 1, bias=False),
                pool=AvgPool2d(2),
            )
        )


class DenseNet(Module):
    """A stem that quarters the image, dense blocks with transitions, and a mean (table 1).

    The stem has `width` maps, every dense layer adds `growth`. Keys are torchvision's.
    """

    def __init__(
        self,
        growth: int = 32,
        layers: Sequence[int] = (6, 12, 24, 16),
        width: int = 64,
        bottleneck: int = 4,
        in_channels: int = 3,
        classes: int = 1000,
    ) -> None:
        super().__init__()
        features: OrderedDict[str, Module] = OrderedDict(
            conv0=Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False),
            norm0=BatchNorm2d(width),
            relu0=ReLU(),
            pool0=MaxPool2d(3, stride=2, padding=1),
        )
        maps = width
        for number, count in enumerate(layers, 1):
            features[f"denseblock{number}"] = DenseBlock(maps, count, growth, bottleneck)
            maps += count * growth
            if number < len(layers):
                features[f"transition{number}"] = Transition(maps, maps // 2)
                maps //= 2
        features[f"norm{len(layers) + 1}"] = BatchNorm2d(maps)
        self.features = Sequential(features)
        self.relu = ReLU()
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.flatten = Flatten()
        self.classifier = Linear(maps, classes)

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to logits (N, classes)."""
        x = self.relu(self.features(input))  # (N, maps, H / 32, W / 32)
        return self.classifier(self.flatten(self.avgpool(x)))

    def backward(self, d_output: Array) -> Array:
        """Map (N, classes) to (N, in_channels, H, W): forward, read upwards."""
        d = self.flatten.backward(self.classifier.backward(d_output))  # (N, maps, 1, 1)
        return self.features.backward(self.relu.backward(self.avgpool.backward(d)))
