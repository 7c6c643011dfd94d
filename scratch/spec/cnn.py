"""The small convolutional networks of chapter 18, but for CIFAR-10's (step 8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scratch.spec.book import BOOK, PLAIN_DESCENT
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Tiny, Train
from scratch.spec.shapes import COLOUR_SHAPES, COLOURS, SHAPES

_DIGITS = tuple("0123456789")
_MULTICLASS = "The network returns logits; the softmax stands inside the loss."
_BIAS = (
    "The bias of the linear layer before batch normalisation is kept, as in the book, although it "
    "has no effect."
)
_TRIANGLES = (
    "A triangle's orientation is drawn independently of the label, and no shape is smaller than a "
    "quarter of the picture; the book's orientation gives the label away."
)
_MOMENTUM = {"momentum": 0.9}


def _train(lr: float, batch_size: int, epochs: int, init: str, **more: Any) -> Train:
    """Return a run with momentum and a cosine schedule."""
    return Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=lr,
        batch_size=batch_size,
        epochs=epochs,
        optimizer_args=_MOMENTUM,
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": epochs},
        init=init,
        **more,
    )


CNN_COLOR = Chapter(
    id="cnn_color",
    title="Telling colours apart by convolution",
    title_zh="颜色分类",
    step=8,
    book="ch18",
    sources=(Source(BOOK, "18.2"),),
    file="cnn",
    model="TwoConvNet",
    arguments={
        "in_channels": 3,
        "channels": (2, 3),
        "kernels": (1, 3),
        "padding": 0,
        "classes": 6,
        "activation": "ELU",
    },
    tiny=Tiny(arguments={"image_size": 20, "channels": (4, 9), "hidden": 7}, shape=(3, 20, 20)),
    exact={"batch_norm": False, "activation": "ReLU"},
    data=Data(
        name="shapes",
        shape=(3, 28, 28),
        task="multiclass",
        classes=COLOURS,
        target="colour",
        options={"kind": "color"},
    ),
    train=_train(0.05, 16, 6, "msra"),
    expected=Expected(metric="accuracy", low=0.95, note="5 seeds: 0.969 to 0.991"),
    facts=Facts(
        parameters=8 + 57 + 3488 + 64 + 198,
        shapes={
            "conv1": (2, 28, 28),
            "pool1": (2, 14, 14),
            "conv2": (3, 12, 12),
            "pool2": (3, 6, 6),
            "flatten": (108,),
            "fc1": (32,),
            "fc2": (6,),
        },
        source=Source(BOOK, "18.2: 2 kernels of 1 x 1, 3 of 3 x 3, 108-32-6"),
    ),
    null_directions=("fc1.bias",),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.1, "epochs": 20}},
    deviations=(
        _MULTICLASS,
        _BIAS,
        _TRIANGLES,
        "ELU behind the first convolution: its two kernels must tell six colours and black apart, "
        "and with the book's ReLU, which is 0 for half of the colours, a start may end at an "
        "accuracy of 0.83, as that of seed 0 does (the argument activation).",
    ),
)

CNN_SHAPE = Chapter(
    id="cnn_shape",
    title="Telling shapes apart by convolution",
    title_zh="几何图形分类",
    step=8,
    book="ch18",
    sources=(Source(BOOK, "18.3"),),
    file="cnn",
    model="TwoConvNet",
    arguments={"in_channels": 1, "classes": 5},
    tiny=Tiny(arguments={"image_size": 16, "channels": (3, 8), "hidden": 7}, shape=(1, 16, 16)),
    exact={"batch_norm": False},
    data=Data(
        name="shapes",
        shape=(1, 28, 28),
        task="multiclass",
        classes=SHAPES,
        target="shape",
        options={"kind": "shape"},
    ),
    train=_train(0.05, 16, 6, "msra"),
    expected=Expected(metric="accuracy", low=0.95, note="5 seeds: 0.996 to 1.0"),
    facts=Facts(
        parameters=80 + 1168 + 18464 + 64 + 165,
        shapes={
            "conv1": (8, 28, 28),
            "pool1": (8, 14, 14),
            "conv2": (16, 12, 12),
            "pool2": (16, 6, 6),
            "flatten": (576,),
            "fc1": (32,),
            "fc2": (5,),
        },
        source=Source(BOOK, "18.3: 8 kernels of 3 x 3 with a border, 16 of 3 x 3, 576-32-5"),
    ),
    null_directions=("fc1.bias",),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.1, "epochs": 50}},
    deviations=(_MULTICLASS, _BIAS, _TRIANGLES),
)

CNN_COLOR_SHAPE = replace(
    CNN_SHAPE,
    id="cnn_color_shape",
    title="Telling colours and shapes apart by convolution",
    title_zh="颜色与形状分类",
    sources=(Source(BOOK, "18.4"),),
    arguments={"in_channels": 3, "classes": 9},
    tiny=Tiny(arguments={"image_size": 20, "channels": (4, 6), "hidden": 7}, shape=(3, 20, 20)),
    data=Data(
        name="shapes",
        shape=(3, 28, 28),
        task="multiclass",
        classes=COLOUR_SHAPES,
        target="colour and shape",
        options={"kind": "color_shape"},
    ),
    train=_train(0.05, 16, 5, "msra"),
    expected=Expected(metric="accuracy", low=0.96, note="5 seeds: 0.988 to 0.996"),
    facts=Facts(
        parameters=224 + 1168 + 18464 + 64 + 297,
        shapes={**CNN_SHAPE.facts.shapes, "fc2": (9,)},
        source=Source(BOOK, "18.4: as 18.3, with 3 channels and 9 classes"),
    ),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.1, "epochs": 20}},
)

CNN_MNIST = Chapter(
    id="cnn_mnist",
    title="Handwritten digits by convolution",
    title_zh="MNIST手写数字分类",
    step=8,
    book="ch18",
    sources=(Source(BOOK, "18.5"),),
    file="cnn",
    model="TwoConvNet",
    arguments={"kernels": (5, 5), "padding": 0},
    tiny=Tiny(arguments={"channels": (3, 8), "hidden": 13}),
    exact={"batch_norm": False},
    data=Data(
        name="digits",
        shape=(1, 28, 28),
        task="multiclass",
        classes=_DIGITS,
        target="digit",
        value_range=(0.0, 1.0),
        options={"shifts": 2},
    ),
    train=_train(0.05, 32, 6, "xavier"),
    expected=Expected(metric="accuracy", low=0.98, note="5 seeds: 0.986 to 1.0"),
    facts=Facts(
        parameters=12042,
        shapes={
            "conv1": (8, 24, 24),
            "pool1": (8, 12, 12),
            "conv2": (16, 8, 8),
            "pool2": (16, 4, 4),
            "flatten": (256,),
            "fc1": (32,),
            "fc2": (10,),
        },
        source=Source(BOOK, "18.5; its table forgets the second kernels' channels (3,216)"),
    ),
    null_directions=("fc1.bias",),
    presets={
        "book": {
            "data": {"shifts": 0},
            "lr": 0.1,
            "batch_size": 128,
            "epochs": 5,
            "schedule": "",
            "schedule_args": {},
        }
    },
    deviations=(
        _MULTICLASS,
        _BIAS,
        "The embedded data are scikit-learn's digits, with four copies of each that are shifted by "
        "two pixels; the book's MNIST by --data-dir.",
    ),
)

CNN_FASHION = Chapter(
    id="cnn_fashion",
    title="Clothes by convolution",
    title_zh="Fashion-MNIST分类",
    step=8,
    book="ch18",
    sources=(Source(BOOK, "18.6"),),
    file="cnn",
    model="OneConvNet",
    arguments={},
    tiny=Tiny(arguments={"image_size": 8, "channels": 4, "hidden": 13}, shape=(1, 8, 8)),
    exact={"batch_norm": False},
    data=replace(CNN_MNIST.data, options={}),
    train=_train(0.01, 32, 6, "xavier"),
    expected=Expected(metric="accuracy", low=0.96, note="5 seeds: 0.972 to 0.986"),
    facts=Facts(
        parameters=320 + 692352 + 256 + 1290,
        shapes={
            "conv": (32, 26, 26),
            "pool": (32, 13, 13),
            "flatten": (5408,),
            "fc1": (128,),
            "fc2": (10,),
        },
        source=Source(BOOK, "18.6: 32 kernels of 3 x 3, 5408-128-10"),
    ),
    null_directions=("fc1.bias",),
    presets={
        "book": {
            "lr": 0.01,
            "batch_size": 128,
            "epochs": 10,
            "schedule": "",
            "schedule_args": {},
        }
    },
    deviations=(
        _MULTICLASS,
        _BIAS,
        "Batch normalisation stands in the book's program, not in its text.",
        "The embedded data are scikit-learn's digits; the book's clothes by --data fashion_mnist "
        "--data-dir DIR.",
    ),
)

CHAPTERS = (CNN_COLOR, CNN_SHAPE, CNN_COLOR_SHAPE, CNN_MNIST, CNN_FASHION)
