"""The dense networks that the book sets beside its convolutional ones (chapter 18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rival:
    """The dense network that the book sets beside a convolutional one; ReLU between its layers.

    Attributes:
        widths: of its layers; the input is the picture in grey.
        lr: learning rate.
        batch_size: samples per step.
        epochs: the book's.
        momentum: of the descent.
        batch_norm: before each ReLU.
        section: of the book, with what it reports.
    """

    widths: tuple[int, ...]
    lr: float
    batch_size: int
    epochs: int
    momentum: float = 0.0
    batch_norm: bool = False
    section: str = ""


RIVALS: Mapping[str, Rival] = {
    "cnn_color": Rival((784, 128, 64, 6), 0.01, 16, 100, section="18.2: 0.816"),
    "cnn_shape": Rival((784, 128, 64, 5), 0.1, 16, 50, section="18.3: 0.898"),
    "cnn_color_shape": Rival(
        (784, 128, 64, 9), 0.01, 16, 50, momentum=0.9, section="18.4: 0.899 to 0.901"
    ),
    "cnn_mnist": Rival((784, 128, 64, 32, 16, 10), 0.1, 64, 10, section="14.6"),
    "cnn_fashion": Rival((784, 128, 64, 10), 0.1, 128, 10, 0.9, True, section="18.6"),
    # Widths of the dense network that the book's code had for CIFAR-10 before print.
    "cnn_cifar": Rival((1024, 128, 64, 32, 16, 10), 0.05, 32, 20, 0.9, True, section="not in it"),
}
