"""VGG (Simonyan and Zisserman 2015)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
)

# Table 1 of the paper: convolutions in each of the five stages, which end with a max pooling.
STAGES = {
    "A": (1, 1, 2, 2, 2),
    "B": (2, 2, 2, 2, 2),
    "D": (2, 2, 3, 3, 3),
    "E": (2, 2, 4, 4, 4),
}


class VGG(Module):
    """Stages of 3 x 3 convolutions, each followed by a max pooling, and three linear layers.

    The maps are `width` at first and twice as many after each of the first three poolings. The last
    maps are averaged to `pool` x `pool`, which changes nothing at 224 x 224; `batch_norm` puts a
    batch normalisation after each convolution. Keys are torchvision's.
    """

    def __init__(
        self,
        configuration: str = "A",
        batch_norm: bool = False,
        in_channels: int = 3,
        classes: int = 1000,
        width: int = 64,
        hidden: int = 4096,
        pool: int = 7,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if configuration not in STAGES:
            raise ValueError(f'configuration "{configuration}": expects one of {", ".join(STAGES)}')
        layers: list[Module] = []
        maps = in_channels
        for stage, convolutions in enumerate(STAGES[configuration]):
            after = width * min(2**stage, 8)
            for _ in range(convolutions):
                layers.append(Conv2d(maps, after, 3, padding=1))
                if batch_norm:
                    layers.append(BatchNorm2d(after))
                layers.append(ReLU())
                maps = after
            layers.append(MaxPool2d(2))
        self.features = Sequential(*layers)
        self.avgpool = AdaptiveAvgPool2d((pool, pool))
        self.flatten = Flatten()
        self.classifier = Sequential(
            Linear(maps * pool * pool, hidden),
            ReLU(),
            Dropout(dropout),
            Linear(hidden, hidden),
            ReLU(),
            Dropout(dropout),
            Linear(hidden, classes),
        )

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) with sides of at least 32 to logits (N, classes)."""
        x = self.avgpool(self.features(input))  # (N, 8 width, pool, pool)
        return self.classifier(self.flatten(x))
