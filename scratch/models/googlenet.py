"""GoogLeNet (Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich 2015)."""

from __future__ import annotations

from typing import Any, NamedTuple

from scratch.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    Identity,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
)
from scratch.nn.parameter import Array

# Table 1 of the paper, maps of each module: 1 x 1; 3 x 3 and 5 x 5, each with the reduction before
# it; projection of the pooling.
TABLE = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class GoogLeNetOutputs(NamedTuple):
    """What a GoogLeNet with heads returns in training, each (N, classes); torchvision's order."""

    logits: Array
    aux_logits2: Array
    aux_logits1: Array


class BasicConv2d(Module):
    """A convolution that keeps the size at a stride of 1, and a ReLU.

    With `batch_norm` a batch normalisation stands between them and the convolution has no bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        self.conv = Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=not batch_norm,
        )
        self.bn = BatchNorm2d(out_channels, eps=0.001) if batch_norm else Identity()
        self.relu = ReLU()

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        return self.relu(self.bn(self.conv(input)))

    def backward(self, d_output: Array) -> Array:
        """Map the gradient of the output to that of the input."""
        return self.conv.backward(self.bn.backward(self.relu.backward(d_output)))


class Inception(Module):
    """Four branches side by side: 1 x 1, 3 x 3, 5 x 5 and a pooling (figure 2b of the paper).

    `maps` is a row of table 1. `large` is the kernel of the third branch: 5, torchvision's is 3.
    """

    def __init__(
        self,
        in_channels: int,
        maps: tuple[int, ...],
        large: int = 5,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, projection = maps
        norm = batch_norm
        self.branch1 = BasicConv2d(in_channels, one, 1, batch_norm=norm)
        self.branch2 = Sequential(
            BasicConv2d(in_channels, reduce3, 1, batch_norm=norm),
            BasicConv2d(reduce3, three, 3, batch_norm=norm),
        )
        self.branch3 = Sequential(
            BasicConv2d(in_channels, reduce5, 1, batch_norm=norm),
            BasicConv2d(reduce5, five, large, batch_norm=norm),
        )
        self.branch4 = Sequential(
            MaxPool2d(3, stride=1, padding=1),
            BasicConv2d(in_channels, projection, 1, batch_norm=norm),
        )
        self.join = Concat()

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to (N, one + three + five + projection, H, W)."""
        one = self.branch1(input)
        three = self.branch2(input)
        five = self.branch3(input)
        return self.join(one, three, five, self.branch4(input))

    def backward(self, d_output: Array) -> Array:
        """Add up what the branches return for the input that they share."""
        d1, d2, d3, d4 = self.join.backward(d_output)
        d = self.branch4.backward(d4)
        d = d + self.branch3.backward(d3)
        d = d + self.branch2.backward(d2)
        return d + self.branch1.backward(d1)


class InceptionAux(Module):
    """A classifier on the side, which only training uses (section 5 of the paper).

    `window` and `stride` of its mean leave `side` x `side` places. With `batch_norm` it is
    torchvision's, whose mean is adaptive.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        maps: int = 128,
        hidden: int = 1024,
        window: int = 5,
        stride: int = 3,
        side: int = 4,
        dropout: float = 0.7,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        adaptive = AdaptiveAvgPool2d((side, side))
        self.avgpool = adaptive if batch_norm else AvgPool2d(window, stride)
        self.conv = BasicConv2d(in_channels, maps, 1, batch_norm=batch_norm)
        self.flatten = Flatten()
        self.fc1 = Linear(maps * side * side, hidden)
        self.relu = ReLU()
        self.dropout = Dropout(dropout)
        self.fc2 = Linear(hidden, classes)

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to logits (N, classes)."""
        x = self.flatten(self.conv(self.avgpool(input)))  # (N, side side maps)
        return self.fc2(self.dropout(self.relu(self.fc1(x))))

    def backward(self, d_output: Array) -> Array:
        """Map (N, classes) to (N, in_channels, H, W)."""
        d = self.dropout.backward(self.fc2.backward(d_output))  # (N, hidden)
        d = self.fc1.backward(self.relu.backward(d))  # (N, side side maps)
        d = self.conv.backward(self.flatten.backward(d))  # (N, in_channels, side, side)
        return self.avgpool.backward(d)


class GoogLeNet(Module):
    """Table 1 of the paper: a stem, nine inception modules, the mean of each map, a linear layer.

    "paper" has response normalisations in its stem and kernels of 5 in its modules. "torchvision"
    has batch normalisations in their place, kernels of 3 where the paper has 5, and a pooling of
    2 x 2 before module 5a; both go by torchvision's keys. All numbers of maps shrink with `width`,
    which is 64 in the publications, down to `least` within a module. Of the `modules` those not
    named pass their input on. With `aux_logits` modules 4a and 4d have a classifier each, of
    `hidden` units, whose logits are returned beside the network's own in training only; `window`,
    `stride` and `side` are those of its mean.
    """

    def __init__(
        self,
        variant: str = "paper",
        in_channels: int = 3,
        classes: int = 1000,
        width: int = 64,
        least: int = 1,
        modules: tuple[str, ...] = tuple(TABLE),
        dropout: float = 0.4,
        response_norm: bool = True,
        aux_logits: bool = True,
        hidden: int = 1024,
        window: int = 5,
        stride: int = 3,
        side: int = 4,
        dropout_aux: float = 0.7,
    ) -> None:
        super().__init__()
        if variant not in ("paper", "torchvision"):
            raise ValueError(f'variant "{variant}": expects "paper" or "torchvision"')
        if not set(modules) <= set(TABLE):
            raise ValueError(f"modules {modules}: expects some of {', '.join(TABLE)}")
        norm = variant == "torchvision"
        between = response_norm and not norm
        stem = 3 * width
        self.conv1 = BasicConv2d(in_channels, width, 7, stride=2, batch_norm=norm)
        self.maxpool1 = MaxPool2d(3, 2, ceil_mode=True)
        self.norm1 = LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0) if between else Identity()
        self.conv2 = BasicConv2d(width, width, 1, batch_norm=norm)
        self.conv3 = BasicConv2d(width, stem, 3, batch_norm=norm)
        self.norm2 = LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0) if between else Identity()
        self.maxpool2 = MaxPool2d(3, 2, ceil_mode=True)
        made: dict[str, Module] = {name: Identity() for name in TABLE}
        heads: dict[str, Module] = {}
        maps = stem
        for name, row in TABLE.items():
            if name in modules:
                counts = tuple(max(least, count * width // 64) for count in row)
                made[name] = Inception(maps, counts, 3 if norm else 5, norm)
                maps = counts[0] + counts[2] + counts[4] + counts[5]
            heads[name] = Identity()
            if aux_logits and name in ("4a", "4d"):
                heads[name] = InceptionAux(
                    maps, classes, 2 * width, hidden, window, stride, side, dropout_aux, norm
                )
        self.inception3a = made["3a"]
        self.inception3b = made["3b"]
        self.maxpool3 = MaxPool2d(3, 2, ceil_mode=True)
        self.inception4a = made["4a"]
        self.aux1 = heads["4a"]
        self.inception4b = made["4b"]
        self.inception4c = made["4c"]
        self.inception4d = made["4d"]
        self.aux2 = heads["4d"]
        self.inception4e = made["4e"]
        self.maxpool4 = MaxPool2d(2 if norm else 3, 2, ceil_mode=True)
        self.inception5a = made["5a"]
        self.inception5b = made["5b"]
        self.avgpool = AdaptiveAvgPool2d((1, 1))
        self.flatten = Flatten()
        self.dropout = Dropout(dropout)
        self.fc = Linear(maps, classes)
        self.aux_logits = aux_logits

    def forward(self, input: Array) -> Array | GoogLeNetOutputs:
        """Map (N, in_channels, H, W) to logits (N, classes), in training with those of the heads.

        `aux_logits1` and `aux_logits2` are those of the heads on modules 4a and 4d.
        """
        heads = self.training and self.aux_logits
        x = self.norm1(self.maxpool1(self.conv1(input)))  # (N, width, H/4, W/4)
        x = self.norm2(self.conv3(self.conv2(x)))  # (N, 3 width, H/4, W/4)
        x = self.maxpool2(x)  # (N, 3 width, H/8, W/8)
        x = self.inception3b(self.inception3a(x))
        x = self.inception4a(self.maxpool3(x))  # (N, 8 width, H/16, W/16)
        aux1: Any = self.aux1(x) if heads else None
        x = self.inception4c(self.inception4b(x))
        x = self.inception4d(x)  # (N, 8.25 width, H/16, W/16)
        aux2: Any = self.aux2(x) if heads else None
        x = self.maxpool4(self.inception4e(x))  # (N, 13 width, H/32, W/32)
        x = self.inception5b(self.inception5a(x))
        x = self.flatten(self.avgpool(x))  # (N, 16 width)
        logits = self.fc(self.dropout(x))
        return GoogLeNetOutputs(logits, aux2, aux1) if heads else logits

    def backward(self, d_output: Any) -> Array:
        """Map a gradient for every output that forward returned to (N, in_channels, H, W).

        A head hangs on a module whose output goes on: there the two gradients add up.
        """
        heads = isinstance(d_output, tuple)
        d_logits, d_aux2, d_aux1 = d_output if heads else (d_output, None, None)
        d = self.dropout.backward(self.fc.backward(d_logits))  # (N, 16 width)
        d = self.avgpool.backward(self.flatten.backward(d))  # (N, 16 width, H/32, W/32)
        d = self.inception5a.backward(self.inception5b.backward(d))
        d = self.inception4e.backward(self.maxpool4.backward(d))  # (N, 8.25 width, H/16, W/16)
        d = d + self.aux2.backward(d_aux2) if heads else d
        d = self.inception4d.backward(d)
        d = self.inception4b.backward(self.inception4c.backward(d))  # (N, 8 width, H/16, W/16)
        d = d + self.aux1.backward(d_aux1) if heads else d
        d = self.maxpool3.backward(self.inception4a.backward(d))  # (N, 7.5 width, H/8, W/8)
        d = self.inception3a.backward(self.inception3b.backward(d))
        d = self.maxpool2.backward(d)  # (N, 3 width, H/4, W/4)
        d = self.conv2.backward(self.conv3.backward(self.norm2.backward(d)))
        return self.conv1.backward(self.maxpool1.backward(self.norm1.backward(d)))
