"""The chapters of the book, in the book's order.

>>> ids()[:3]
('backprop_linear', 'backprop_log', 'descent_1d')
>>> get("lenet5").data.shape
(1, 32, 32)
"""

from __future__ import annotations

from scratch.spec import (
    alexnet,
    beginnings,
    cifar,
    cnn,
    curves,
    deep,
    densenet,
    fourier,
    gates,
    googlenet,
    kernels,
    lenet,
    linear,
    mlp,
    recurrent,
    resnet,
    rows,
    vgg,
    zfnet,
)
from scratch.spec.arguments import arguments, named_classes
from scratch.spec.errors import UserError, unknown
from scratch.spec.schema import Chapter, Data, Expected, Facts, Onnx, Source, Stop, Tiny, Train

SIZES = ("full", "tiny")

CHAPTERS: tuple[Chapter, ...] = (
    *beginnings.CHAPTERS,
    linear.LINEAR_REGRESSION,
    linear.HOUSE_PRICE,
    gates.LOGIC_NOT,
    gates.LOGIC_AND,
    gates.LOGIC_NAND,
    gates.LOGIC_OR,
    gates.LOGIC_NOR,
    linear.LOGISTIC_REGRESSION,
    linear.TANH_CLASSIFIER,
    linear.SOFTMAX_REGRESSION,
    curves.POLYNOMIAL_SINE,
    curves.POLYNOMIAL_COMPLEX,
    curves.MLP_SINE,
    curves.MLP_COMPLEX,
    mlp.MLP_XOR,
    mlp.MLP_ARC,
    mlp.MLP_COIN,
    mlp.MLP_MNIST,
    deep.DNN_HOUSE,
    deep.DNN_INCOME,
    deep.DNN_MNIST,
    deep.DNN_MNIST_BN,
    fourier.FOURIER_PLAIN,
    fourier.FOURIER_L2,
    fourier.FOURIER_L1,
    fourier.FOURIER_EARLY_STOP,
    fourier.FOURIER_DROPOUT,
    deep.MNIST_SMALL,
    kernels.KERNELS,
    kernels.LEARN_KERNEL,
    lenet.LENET5,
    *cnn.CHAPTERS,
    cifar.CNN_CIFAR,
    alexnet.ALEXNET,
    zfnet.ZFNET,
    *vgg.PLAIN,
    *vgg.NORMALISED,
    *resnet.IMAGENET,
    *resnet.CIFAR,
    *densenet.CHAPTERS,
    googlenet.GOOGLENET,
    recurrent.RNN_ECHO,
    recurrent.RNN_SUBTRACT,
    rows.RNN_ROWS,
    rows.BIRNN_ROWS,
    recurrent.LSTM_SUBTRACT,
    recurrent.GRU_SUBTRACT,
    rows.LSTM_ROWS,
)


def ids() -> tuple[str, ...]:
    """Return the id of every chapter, in the book's order."""
    return tuple(chapter.id for chapter in CHAPTERS)


def get(id: str, size: str = "full") -> Chapter:
    """Return a chapter at a size.

    Args:
        id: one of `ids()`.
        size: "full" as published, "tiny" for the proofs.

    Raises:
        UserError: unknown id or size.
    """
    if size not in SIZES:
        raise unknown("size", size, SIZES)
    for chapter in CHAPTERS:
        if chapter.id == id:
            return chapter.at(size)
    raise unknown_chapter(id)


def unknown_chapter(id: str) -> UserError:
    """Return the error for an id that no chapter has."""
    return unknown("chapter", id, ids(), listed="python scripts/list.py")


__all__ = [
    "CHAPTERS",
    "SIZES",
    "Chapter",
    "Data",
    "Expected",
    "Facts",
    "Onnx",
    "Source",
    "Stop",
    "Tiny",
    "Train",
    "UserError",
    "arguments",
    "get",
    "ids",
    "named_classes",
    "unknown",
    "unknown_chapter",
]
