"""Multi-layer perceptrons: XOR and handwritten digits (step 5 of the book)."""

from __future__ import annotations

from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Tiny, Train

_BOOK = "Neural networks in nine steps (ai-edu)"

MLP_XOR = Chapter(
    id="mlp_xor",
    title="Exclusive or with two hidden units",
    title_zh="异或问题",
    step=5,
    book="ch10",
    sources=(Source(_BOOK, "chapter 10"),),
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
        source=Source(_BOOK, "10.2: 2-2-1 with biases"),
    ),
    deviations=(
        "The network returns the logit; the sigmoid stands inside the loss.",
        "Momentum, a cosine schedule and weight decay instead of plain descent, which leaves about "
        "a third of all starts in a local minimum at accuracy 0.75 or 0.5, where some weights grow "
        "for ever; the decay removes it, at the price of a loss that does not go to 0.",
    ),
)

MLP_MNIST = Chapter(
    id="mlp_mnist",
    title="Handwritten digits with two hidden layers",
    title_zh="多层神经网络识别手写数字",
    step=5,
    book="ch12",
    sources=(Source(_BOOK, "chapter 12"),),
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
        source=Source(_BOOK, "chapter 13: the exported 784-64-16-10 file holds 51,450 numbers"),
    ),
    deviations=("The network returns logits; the softmax stands inside the loss.",),
)
