"""ZFNet (Zeiler and Fergus 2014)."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor
from torch.nn import (
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


class ZFNet(Module):
    """Figure 3 of the paper: AlexNet in one column, with a finer first layer.

    The first convolution has kernels of 7 at a stride of 2, where AlexNet's has 11 at a stride of
    4; the second has a stride of 2. The maps of the five convolutions are 3, 8, 12, 12 and 8 times
    `width`, the last ones `side` x `side` after their pooling.
    """

    def __init__(
        self,
        in_channels: int = 3,
        classes: int = 1000,
        width: int = 32,
        hidden: int = 4096,
        side: int = 6,
        dropout: float = 0.5,
        response_norm: bool = True,
    ) -> None:
        super().__init__()
        m1, m2, m3, m4, m5 = (width * multiple for multiple in (3, 8, 12, 12, 8))
        norms = [
            LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0) if response_norm else Identity()
            for _ in range(2)
        ]
        self.features = Sequential(
            OrderedDict(
                conv1=Conv2d(in_channels, m1, 7, stride=2, padding=1),
                relu1=ReLU(),
                pool1=MaxPool2d(3, 2, ceil_mode=True),
                norm1=norms[0],
                conv2=Conv2d(m1, m2, 5, stride=2),
                relu2=ReLU(),
                pool2=MaxPool2d(3, 2, ceil_mode=True),
                norm2=norms[1],
                conv3=Conv2d(m2, m3, 3, padding=1),
                relu3=ReLU(),
                conv4=Conv2d(m3, m4, 3, padding=1),
                relu4=ReLU(),
                conv5=Conv2d(m4, m5, 3, padding=1),
                relu5=ReLU(),
                pool5=MaxPool2d(3, 2, ceil_mode=True),
            )
        )
        self.flatten = Flatten()
        self.classifier = Sequential(
            OrderedDict(
                fc6=Linear(m5 * side * side, hidden),
                relu6=ReLU(),
                drop6=Dropout(dropout),
                fc7=Linear(hidden, hidden),
                relu7=ReLU(),
                drop7=Dropout(dropout),
                fc8=Linear(hidden, classes),
            )
        )

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, 224, 224) to logits (N, classes)."""
        x = self.flatten(self.features(input))  # (N, 8 width side side)
        return self.classifier(x)
