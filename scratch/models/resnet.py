"""Residual networks (He, Zhang, Ren and Sun 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from scratch.nn import (
    AdaptiveAvgPool2d,
    Add,
    Affine,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Flatten,
    Identity,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
)
from scratch.nn.parameter import Array


class PaddedShortcut(Module):
    """Option A: every second pixel, and as many maps of zeros again; no parameters (3.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = AvgPool2d(1, 2)
        self.zero = Affine(0.0)
        self.join = Concat()

    def forward(self, input: Array) -> Array:
        """Map (N, C, H, W) to (N, 2 C, ceil(H / 2), ceil(W / 2))."""
        x = self.pool(input)  # (N, C, ceil(H / 2), ceil(W / 2))
        return self.join(x, self.zero(x))

    def backward(self, d_output: Array) -> Array:
        """Map the gradient of the output to that of the input: forward, read upwards."""
        d, d_zero = self.join.backward(d_output)  # (N, C, ceil(H / 2), ceil(W / 2)), twice
        return self.pool.backward(d + self.zero.backward(d_zero))


def shortcut(in_channels: int, channels: int, stride: int, padded: bool) -> Module:
    """Return the identity where it fits, and elsewhere a projection or the padded maps."""
    if stride == 1 and in_channels == channels:
        return Identity()
    if padded:
        if stride != 2 or channels != 2 * in_channels:
            raise ValueError(
                f"a padded shortcut doubles the maps at stride 2; got {in_channels} to {channels} "
                f"at stride {stride}"
            )
        return PaddedShortcut()
    return Sequential(
        Conv2d(in_channels, channels, 1, stride=stride, bias=False), BatchNorm2d(channels)
    )


class BasicBlock(Module):
    """Two 3 x 3 convolutions and a shortcut past them (figure 5, left)."""

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        stride_on: str = "3x3",
        padded: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.relu1 = ReLU()
        self.conv2 = Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.downsample = shortcut(in_channels, width, stride, padded)
        self.add = Add()
        self.relu2 = ReLU()

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to (N, width, ceil(H / stride), ceil(W / stride))."""
        x = self.relu1(self.bn1(self.conv1(input)))  # (N, width, ceil(H / stride), ...)
        x = self.bn2(self.conv2(x))
        return self.relu2(self.add(x, self.downsample(input)))

    def backward(self, d_output: Array) -> Array:
        """Map the gradient of the output to that of the input: forward, read upwards.

        The input went two ways, so the gradients of both ways are added.
        """
        d, d_shortcut = self.add.backward(self.relu2.backward(d_output))
        d_input = self.downsample.backward(d_shortcut)  # (N, in_channels, H, W)
        d = self.conv2.backward(self.bn2.backward(d))
        return d_input + self.conv1.backward(self.bn1.backward(self.relu1.backward(d)))


class Bottleneck(Module):
    """A 1 x 1, a 3 x 3 and a 1 x 1 convolution to 4 width maps, and a shortcut (figure 5, right).

    The stride stands on the 3 x 3 convolution, as in torchvision, or where the paper has it, on the
    first 1 x 1 convolution.
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        width: int,
        stride: int = 1,
        stride_on: str = "3x3",
        padded: bool = False,
    ) -> None:
        super().__init__()
        if stride_on not in STRIDE_ON:
            raise ValueError(f'stride_on "{stride_on}": expects one of {", ".join(STRIDE_ON)}')
        out = self.expansion * width
        first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
        self.conv1 = Conv2d(in_channels, width, 1, stride=first, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.relu1 = ReLU()
        self.conv2 = Conv2d(width, width, 3, stride=second, padding=1, bias=False)
        self.bn2 = BatchNorm2d(width)
        self.relu2 = ReLU()
        self.conv3 = Conv2d(width, out, 1, bias=False)
        self.bn3 = BatchNorm2d(out)
        self.downsample = shortcut(in_channels, out, stride, padded)
        self.add = Add()
        self.relu3 = ReLU()

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to (N, 4 width, ceil(H / stride), ceil(W / stride))."""
        x = self.relu1(self.bn1(self.conv1(input)))  # (N, width, H, W), or smaller by the stride
        x = self.relu2(self.bn2(self.conv2(x)))  # (N, width, ceil(H / stride), ...)
        x = self.bn3(self.conv3(x))  # (N, 4 width, ceil(H / stride), ...)
        return self.relu3(self.add(x, self.downsample(input)))

    def backward(self, d_output: Array) -> Array:
        """Map the gradient of the output to that of the input: forward, read upwards."""
        d, d_shortcut = self.add.backward(self.relu3.backward(d_output))
        d_input = self.downsample.backward(d_shortcut)  # (N, in_channels, H, W)
        d = self.conv3.backward(self.bn3.backward(d))  # (N, width, ceil(H / stride), ...)
        d = self.conv2.backward(self.bn2.backward(self.relu2.backward(d)))
        return d_input + self.conv1.backward(self.bn1.backward(self.relu1.backward(d)))


STRIDE_ON = ("3x3", "1x1")
BLOCKS: dict[str, type[BasicBlock] | type[Bottleneck]] = {
    "BasicBlock": BasicBlock,
    "Bottleneck": Bottleneck,
}


def stage(
    block: str,
    in_channels: int,
    width: int,
    blocks: int,
    stride: int,
    stride_on: str = "3x3",
    padded: bool = False,
) -> Sequential:
    """Return blocks of one width, of which the first has the stride."""
    make = BLOCKS[block]
    first = make(in_channels, width, stride, stride_on, padded)
    out = make.expansion * width
    return Sequential(first, *(make(out, width) for _ in range(blocks - 1)))


class ResNet(Module):
    """A stem that quarters the image, four stages of residual blocks, and a mean (table 1).

    The maps are `width` in the first stage and twice as many in each further one. Keys are
    torchvision's.
    """

    def __init__(
        self,
        block: str = "BasicBlock",
        layers: Sequence[int] = (2, 2, 2, 2),
        in_channels: int = 3,
        classes: int = 1000,
        width: int = 64,
        stride_on: str = "3x3",
    ) -> None:
        super().__init__()
        if block not in BLOCKS:
            raise ValueError(f'block "{block}": expects one of {", ".join(BLOCKS)}')
        grown = BLOCKS[block].expansion * width
        self.conv1 = Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, stride=2, padding=1)
        self.layer1 = stage(block, width, width, layers[0], 1, stride_on)
        self.layer2 = stage(block, grown, 2 * width, layers[1], 2, stride_on)
        self.layer3 = stage(block, 2 * grown, 4 * width, layers[2], 2, stride_on)
        self.layer4 = stage(block, 4 * grown, 8 * width, layers[3], 2, stride_on)
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.flatten = Flatten()
        self.fc = Linear(8 * grown, classes)

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to logits (N, classes)."""
        x = self.relu(self.bn1(self.conv1(input)))  # (N, width, H / 2, W / 2)
        x = self.layer1(self.maxpool(x))  # (N, grown, H / 4, W / 4)
        x = self.layer4(self.layer3(self.layer2(x)))  # (N, 8 grown, H / 32, W / 32)
        return self.fc(self.flatten(self.avgpool(x)))

    def backward(self, d_output: Array) -> Array:
        """Map (N, classes) to (N, in_channels, H, W): forward, read upwards."""
        d = self.flatten.backward(self.fc.backward(d_output))  # (N, 8 grown, 1, 1)
        d = self.layer4.backward(self.avgpool.backward(d))
        d = self.layer2.backward(self.layer3.backward(d))  # (N, grown, H / 4, W / 4)
        d = self.maxpool.backward(self.layer1.backward(d))
        return self.conv1.backward(self.bn1.backward(self.relu.backward(d)))


class CifarResNet(Module):
    """A 3 x 3 convolution, three stages of basic blocks, and a mean, for small images (4.2).

    The maps are `width`, twice and four times as many; shortcuts have no parameters (option A).
    """

    def __init__(
        self,
        layers: Sequence[int] = (3, 3, 3),
        in_channels: int = 3,
        classes: int = 10,
        width: int = 16,
    ) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = BatchNorm2d(width)
        self.relu = ReLU()
        self.layer1 = stage("BasicBlock", width, width, layers[0], 1, padded=True)
        self.layer2 = stage("BasicBlock", width, 2 * width, layers[1], 2, padded=True)
        self.layer3 = stage("BasicBlock", 2 * width, 4 * width, layers[2], 2, padded=True)
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.flatten = Flatten()
        self.fc = Linear(4 * width, classes)

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to logits (N, classes)."""
        x = self.relu(self.bn1(self.conv1(input)))  # (N, width, H, W)
        x = self.layer3(self.layer2(self.layer1(x)))  # (N, 4 width, H / 4, W / 4)
        return self.fc(self.flatten(self.avgpool(x)))

    def backward(self, d_output: Array) -> Array:
        """Map (N, classes) to (N, in_channels, H, W): forward, read upwards."""
        d = self.flatten.backward(self.fc.backward(d_output))  # (N, 4 width, 1, 1)
        d = self.layer3.backward(self.avgpool.backward(d))
        d = self.layer1.backward(self.layer2.backward(d))  # (N, width, H, W)
        return self.conv1.backward(self.bn1.backward(self.relu.backward(d)))
