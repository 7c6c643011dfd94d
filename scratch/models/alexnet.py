"""AlexNet (Krizhevsky, Sutskever and Hinton 2012)."""

from __future__ import annotations

from collections import OrderedDict

from scratch.nn import (
    AdaptiveAvgPool2d,
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

# Maps of the five convolutions as multiples of `width`, which is 32 in the publications.
MAPS = {"paper": (3, 8, 12, 12, 8), "torchvision": (2, 6, 12, 8, 8)}


class AlexNet(Module):
    """Five convolutions and three linear layers.

    "paper" is figure 2 of the paper: `conv2`, `conv4` and `conv5` in two groups, as on its two
    devices, and a response normalisation behind the first two convolutions. "torchvision" is the
    later network of one column (Krizhevsky 2014), with torchvision's keys: other numbers of maps,
    no groups, no response normalisation, and last maps averaged to `side` x `side`.
    `ceil_mode` lets the last windows of the poolings hang over: at 227 x 227 ("torchvision": 224 x
    224) none does.
    """

    def __init__(
        self,
        variant: str = "paper",
        in_channels: int = 3,
        classes: int = 1000,
        width: int = 32,
        hidden: int = 4096,
        side: int = 6,
        dropout: float = 0.5,
        response_norm: bool = True,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        if variant not in MAPS:
            raise ValueError(f'variant "{variant}": expects one of {", ".join(MAPS)}')
        m1, m2, m3, m4, m5 = (width * multiple for multiple in MAPS[variant])
        last = m5 * side * side
        if variant == "paper":
            norms = [
                LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0) if response_norm else Identity()
                for _ in range(2)
            ]
            self.features = Sequential(
                OrderedDict(
                    conv1=Conv2d(in_channels, m1, 11, stride=4),
                    relu1=ReLU(),
                    norm1=norms[0],
                    pool1=MaxPool2d(3, 2, ceil_mode=ceil_mode),
                    conv2=Conv2d(m1, m2, 5, padding=2, groups=2),
                    relu2=ReLU(),
                    norm2=norms[1],
                    pool2=MaxPool2d(3, 2, ceil_mode=ceil_mode),
                    conv3=Conv2d(m2, m3, 3, padding=1),
                    relu3=ReLU(),
                    conv4=Conv2d(m3, m4, 3, padding=1, groups=2),
                    relu4=ReLU(),
                    conv5=Conv2d(m4, m5, 3, padding=1, groups=2),
                    relu5=ReLU(),
                    pool5=MaxPool2d(3, 2, ceil_mode=ceil_mode),
                )
            )
            self.avgpool: Module = Identity()
            self.flatten = Flatten()
            self.classifier = Sequential(
                OrderedDict(
                    fc6=Linear(last, hidden),
                    relu6=ReLU(),
                    drop6=Dropout(dropout),
                    fc7=Linear(hidden, hidden),
                    relu7=ReLU(),
                    drop7=Dropout(dropout),
                    fc8=Linear(hidden, classes),
                )
            )
        else:
            self.features = Sequential(
                Conv2d(in_channels, m1, 11, stride=4, padding=2),
                ReLU(),
                MaxPool2d(3, 2, ceil_mode=ceil_mode),
                Conv2d(m1, m2, 5, padding=2),
                ReLU(),
                MaxPool2d(3, 2, ceil_mode=ceil_mode),
                Conv2d(m2, m3, 3, padding=1),
                ReLU(),
                Conv2d(m3, m4, 3, padding=1),
                ReLU(),
                Conv2d(m4, m5, 3, padding=1),
                ReLU(),
                MaxPool2d(3, 2, ceil_mode=ceil_mode),
            )
            self.avgpool = AdaptiveAvgPool2d((side, side))
            self.flatten = Flatten()
            self.classifier = Sequential(
                Dropout(dropout),
                Linear(last, hidden),
                ReLU(),
                Dropout(dropout),
                Linear(hidden, hidden),
                ReLU(),
                Linear(hidden, classes),
            )

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, 227, 227) to logits (N, classes)."""
        x = self.avgpool(self.features(input))  # (N, 8 width, side, side)
        return self.classifier(self.flatten(x))

    def backward(self, d_output: Array) -> Array:
        """Map (N, classes) to (N, in_channels, 227, 227)."""
        d = self.flatten.backward(self.classifier.backward(d_output))  # (N, 8 width, side, side)
        return self.features.backward(self.avgpool.backward(d))
