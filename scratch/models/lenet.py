"""LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998; chapter 18 of the book)."""

from __future__ import annotations

from scratch import nn
from scratch.nn import (
    AvgPool2d,
    ChannelScale,
    Conv2d,
    Flatten,
    Identity,
    Linear,
    MaxPool2d,
    Module,
    TableConv2d,
)
from scratch.nn.parameter import Array

# Table I of the paper: the maps of S2 that each of the sixteen maps of C3 sees.
C3_TABLE = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


class Subsampling(Module):
    """Halve each side of a map: a layer S of LeNet-5.

    "trainable" is the paper's: the mean of 2 x 2 values times a trainable coefficient plus a
    trainable bias, squashed. "average" and "max" have no parameters and no squashing.
    """

    def __init__(
        self, channels: int, kind: str = "trainable", activation: str = "ScaledTanh"
    ) -> None:
        super().__init__()
        if kind not in ("trainable", "average", "max"):
            raise ValueError(f'subsampling "{kind}": expects "trainable", "average" or "max"')
        trainable = kind == "trainable"
        self.pool = MaxPool2d(2) if kind == "max" else AvgPool2d(2)
        self.scale = ChannelScale(channels) if trainable else Identity()
        self.squash = getattr(nn, activation)() if trainable else Identity()

    def forward(self, input: Array) -> Array:
        """Map (N, channels, H, W) to (N, channels, H/2, W/2)."""
        return self.squash(self.scale(self.pool(input)))

    def backward(self, d_output: Array) -> Array:
        """Map (N, channels, H/2, W/2) to (N, channels, H, W)."""
        return self.pool.backward(self.scale.backward(self.squash.backward(d_output)))


class LeNet5(Module):
    """Figure 2 of the paper: C1, S2, C3, S4, C5, F6 and an output layer.

    The layers up to F6 have the paper's 60,000 parameters. The image is 32 x 32, so that C5 sees
    the whole of S4.
    """

    def __init__(
        self,
        in_channels: int = 1,
        classes: int = 10,
        c5: int = 120,
        f6: int = 84,
        activation: str = "ScaledTanh",
        connections: str = "table",
        subsampling: str = "trainable",
    ) -> None:
        super().__init__()
        if connections not in ("table", "full"):
            raise ValueError(f'connections "{connections}": expects "table" or "full"')
        squash = getattr(nn, activation)
        self.c1 = Conv2d(in_channels, 6, 5)
        self.c1_squash = squash()
        self.s2 = Subsampling(6, subsampling, activation)
        self.c3 = TableConv2d(6, C3_TABLE, 5) if connections == "table" else Conv2d(6, 16, 5)
        self.c3_squash = squash()
        self.s4 = Subsampling(16, subsampling, activation)
        self.c5 = Conv2d(16, c5, 5)
        self.c5_squash = squash()
        self.flatten = Flatten()
        self.f6 = Linear(c5, f6)
        self.f6_squash = squash()
        self.output = Linear(f6, classes)

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, 32, 32) to logits (N, classes)."""
        x = self.s2(self.c1_squash(self.c1(input)))  # (N, 6, 14, 14)
        x = self.s4(self.c3_squash(self.c3(x)))  # (N, 16, 5, 5)
        x = self.flatten(self.c5_squash(self.c5(x)))  # (N, c5)
        x = self.f6_squash(self.f6(x))  # (N, f6)
        return self.output(x)

    def backward(self, d_output: Array) -> Array:
        """Map (N, classes) to (N, in_channels, 32, 32): forward, read upwards."""
        d = self.output.backward(d_output)
        d = self.f6.backward(self.f6_squash.backward(d))  # (N, c5)
        d = self.c5.backward(self.c5_squash.backward(self.flatten.backward(d)))  # (N, 16, 5, 5)
        d = self.c3.backward(self.c3_squash.backward(self.s4.backward(d)))  # (N, 6, 14, 14)
        return self.c1.backward(self.c1_squash.backward(self.s2.backward(d)))
