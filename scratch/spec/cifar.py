"""CIFAR-10 by a small convolutional network (step 8)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Tiny, Train

_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_MULTICLASS = "The network returns logits; the softmax stands inside the loss."

CNN_CIFAR = Chapter(
    id="cnn_cifar",
    title="CIFAR-10 by convolution",
    title_zh="CIFAR-10分类",
    step=8,
    book="ch18",
    sources=(Source(BOOK, "18.7"),),
    file="cnn",
    model="CifarNet",
    arguments={},
    tiny=Tiny(
        arguments={"image_size": 18, "channels": (4, 6), "hidden": 13, "dropout": (0.1, 0.1, 0.3)},
        shape=(3, 18, 18),
    ),
    exact={"dropout": (0.0, 0.0, 0.0)},
    data=Data(
        name="shapes",
        shape=(3, 32, 32),
        task="multiclass",
        classes=_CLASSES,
        target="object",
        options={"kind": "color_shape", "samples": 1800},
    ),
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="RMSprop",
        lr=0.0005,
        batch_size=32,
        epochs=6,
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 6},
        init="xavier",
    ),
    expected=Expected(metric="accuracy", low=0.85, note="5 seeds: 0.873 to 0.970"),
    facts=Facts(
        parameters=1250858,
        shapes={
            "stage1.conv1": (32, 32, 32),
            "stage1.conv2": (32, 30, 30),
            "stage1": (32, 15, 15),
            "stage2.conv1": (64, 15, 15),
            "stage2.conv2": (64, 13, 13),
            "stage2": (64, 6, 6),
            "flatten": (2304,),
            "fc1": (512,),
            "fc2": (10,),
        },
        source=Source("Keras, examples/cifar10_cnn.py", "Total params: 1,250,858"),
    ),
    presets={
        "book": {
            "lr": 0.0001,
            "epochs": 25,
            "schedule": "",
            "schedule_args": {},
            "data": {"border": 4, "flip": True},
        }
    },
    deviations=(
        _MULTICLASS,
        "The embedded data are 1,800 coloured shapes of nine classes at 32 x 32, the tenth output "
        "is idle; CIFAR-10 by --data-dir.",
        "The book shifts its pictures by up to a tenth and flips them; its preset takes random "
        "crops with a border of four pixels, and has no decay of 1e-6 per step.",
    ),
)
