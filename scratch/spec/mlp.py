"""Multi-layer perceptrons: XOR and handwritten digits (step 5 of the book)."""

from __future__ import annotations

from scratch.spec.book import BOOK, PLAIN_DESCENT
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Stop, Tiny, Train

MLP_XOR = Chapter(
    id="mlp_xor",
    title="Exclusive or with two hidden units",
    title_zh="异或问题",
    step=5,
    book="ch10",
    sources=(Source(BOOK, "chapter 10"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (2, 2, 1), "activations": ("Sigmoid",)},
    exact={"activations": ("ReLU",)},
    data=Data(
        name="xor",
        shape=(2,),
        task="binary",
        classes=("0", "1"),
        features=("a", "b"),
        target="a xor b",
    ),
    train=Train(
        loss="BCEWithLogitsLoss",
        optimizer="SGD",
        lr=0.5,
        batch_size=1,
        epochs=500,
        optimizer_args={"momentum": 0.9, "weight_decay": 0.005},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 500},
        init="xavier",
    ),
    expected=Expected(metric="accuracy", low=1.0, note="100 seeds: 1.0"),
    facts=Facts(
        parameters=9,
        shapes={"layers.fc1": (2,), "layers.fc2": (1,)},
        source=Source(BOOK, "10.2: 2-2-1 with biases"),
    ),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.1, "epochs": 10_000, "stop": Stop(loss=0.005)}},
    deviations=(
        "The network returns the logit; the sigmoid stands inside the loss.",
        "Momentum, a cosine schedule and weight decay instead of plain descent, which leaves about "
        "a third of all starts in a local minimum at accuracy 0.75 or 0.5, where some weights grow "
        "for ever; the decay removes it, at the price of a loss that does not go to 0.",
    ),
)

MLP_ARC = Chapter(
    id="mlp_arc",
    title="Two arcs with two hidden units",
    title_zh="双弧形二分类",
    step=5,
    book="ch10",
    sources=(Source(BOOK, "10.5"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (2, 2, 1), "activations": ("Sigmoid",)},
    exact={"activations": ("ReLU",)},
    data=Data(
        name="arc",
        shape=(2,),
        task="binary",
        classes=("lower", "upper"),
        features=("x1", "x2"),
        target="arc",
    ),
    train=Train(
        loss="BCEWithLogitsLoss",
        optimizer="SGD",
        lr=0.1,
        batch_size=5,
        epochs=200,
        optimizer_args={"momentum": 0.9},
        init="xavier",
    ),
    expected=Expected(metric="accuracy", low=0.95, note="5 seeds: 1.0"),
    facts=Facts(
        parameters=9,
        shapes={"layers.fc1": (2,), "layers.fc2": (1,)},
        source=Source(BOOK, "10.5: 2-2-1 with biases"),
    ),
    presets={"book": {**PLAIN_DESCENT, "epochs": 10_000, "stop": Stop(loss=0.08)}},
    deviations=("The network returns the logit; the sigmoid stands inside the loss.",),
)

MLP_COIN = Chapter(
    id="mlp_coin",
    title="A copper coin with eight hidden units",
    title_zh="铜钱孔形三分类",
    step=5,
    book="ch11",
    sources=(Source(BOOK, "11.2"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (2, 8, 3), "activations": ("Sigmoid",)},
    exact={"activations": ("ReLU",)},
    data=Data(
        name="coin",
        shape=(2,),
        task="multiclass",
        classes=("hole", "metal", "outside"),
        features=("x1", "x2"),
        target="part of the coin",
    ),
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=0.5,
        batch_size=10,
        epochs=300,
        optimizer_args={"momentum": 0.9},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 300},
        init="xavier",
    ),
    expected=Expected(metric="accuracy", low=0.95, note="5 seeds: 0.952 to 0.962"),
    facts=Facts(
        parameters=51,
        shapes={"layers.fc1": (8,), "layers.fc2": (3,)},
        source=Source(BOOK, "11.3: 2-8-3 with biases"),
    ),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.1, "epochs": 5000, "stop": Stop(loss=0.1)}},
    deviations=(
        "The network returns logits; the softmax stands inside the loss.",
        "Eight hidden units, one of the widths that the book compares, instead of three.",
    ),
)

MLP_MNIST = Chapter(
    id="mlp_mnist",
    title="Handwritten digits with two hidden layers",
    title_zh="多层神经网络识别手写数字",
    step=5,
    book="ch12",
    sources=(Source(BOOK, "chapter 12"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (784, 64, 16, 10), "activations": ("Sigmoid", "Tanh")},
    tiny=Tiny(arguments={"widths": (64, 16, 11, 10)}, shape=(1, 8, 8)),
    exact={"activations": ("ReLU", "ReLU")},
    data=Data(
        name="digits",
        shape=(1, 28, 28),
        task="multiclass",
        classes=tuple("0123456789"),
        target="digit",
        value_range=(0.0, 1.0),
    ),
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=0.1,
        batch_size=32,
        epochs=30,
        optimizer_args={"momentum": 0.9},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 30},
        init="xavier",
    ),
    expected=Expected(metric="accuracy", low=0.95, note="5 seeds: 0.967 to 0.986"),
    facts=Facts(
        parameters=51450,
        shapes={"layers.fc1": (64,), "layers.fc2": (16,), "layers.fc3": (10,)},
        source=Source(BOOK, "chapter 13: the exported 784-64-16-10 file holds 51,450 numbers"),
    ),
    presets={
        "book": {
            **PLAIN_DESCENT,
            "lr": 0.2,
            "batch_size": 128,
            "epochs": 40,
            "stop": Stop(loss=0.01),
        }
    },
    deviations=("The network returns logits; the softmax stands inside the loss.",),
)
