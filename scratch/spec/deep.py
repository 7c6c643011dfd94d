"""Deep fully connected networks on tables and digits (step 7 of the book, chapters 14 and 15)."""

from __future__ import annotations

from dataclasses import replace

from scratch.spec.book import BOOK, PLAIN_DESCENT
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Stop, Tiny, Train

_HIDDEN = (32, 16, 8, 4)
_RELU4 = ("ReLU",) * 4
_DIGITS = Data(
    name="digits",
    shape=(1, 28, 28),
    task="multiclass",
    classes=tuple("0123456789"),
    target="digit",
    value_range=(0.0, 1.0),
)
_DIGITS_NET = (784, 128, 64, 32, 16, 10)
_DIGITS_TINY = (64, 16, 13, 12, 11, 10)
_MULTICLASS = "The network returns logits; the softmax stands inside the loss."
_EMBEDDED = "The embedded data are scikit-learn's {n}; the book's {own} by --data-dir."

DNN_HOUSE = Chapter(
    id="dnn_house",
    title="A deep network for regression: house prices",
    title_zh="深度神经网络回归任务：房价预测",
    step=7,
    book="ch14",
    sources=(Source(BOOK, "14.3"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (13, *_HIDDEN, 1), "activations": _RELU4},
    data=Data(
        name="diabetes",
        shape=(13,),
        task="regression",
        target="progression of diabetes after a year",
        normalise="min-max",
        normalise_target="min-max",
    ),
    train=Train(
        loss="HalfMSELoss",
        optimizer="Adam",
        lr=0.003,
        batch_size=16,
        epochs=40,
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 40},
        init="torch",
    ),
    expected=Expected(metric="r2", low=0.35, note="5 seeds: 0.413 to 0.550"),
    facts=Facts(
        parameters=1153,
        shapes={"layers.fc1": (32,), "layers.fc4": (4,), "layers.fc5": (1,)},
        source=Source(BOOK, "14.3: 13-32-16-8-4-1 with biases"),
    ),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.1, "epochs": 1000, "stop": Stop(difference=1e-7)}},
    deviations=(
        _EMBEDDED.format(n="442 diabetes patients", own="21,613 houses of King County are read"),
        "Adam with a cosine schedule, and weights from U(+-1/sqrt(fan-in)): from Xavier's start, "
        "descent leaves one of five networks with a last hidden layer that is 0 for every sample.",
    ),
)

DNN_INCOME = Chapter(
    id="dnn_income",
    title="A deep network for two classes: income",
    title_zh="深度神经网络二分类任务：居民收入",
    step=7,
    book="ch14",
    sources=(Source(BOOK, "14.4"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (14, *_HIDDEN, 1), "activations": _RELU4},
    data=Data(
        name="breast_cancer",
        shape=(14,),
        task="binary",
        classes=("malignant", "benign"),
        target="diagnosis",
        normalise="min-max",
    ),
    train=Train(
        loss="BCEWithLogitsLoss",
        optimizer="SGD",
        lr=0.05,
        batch_size=16,
        epochs=60,
        optimizer_args={"momentum": 0.9},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 60},
        init="msra",
    ),
    expected=Expected(metric="accuracy", low=0.88, note="5 seeds: 0.912 to 0.973"),
    facts=Facts(
        parameters=1185,
        shapes={"layers.fc1": (32,), "layers.fc4": (4,), "layers.fc5": (1,)},
        source=Source(BOOK, "14.4: 14-32-16-8-4-1 with biases"),
    ),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.1, "epochs": 100, "stop": Stop(difference=1e-3)}},
    deviations=(
        "The network returns the logit; the sigmoid stands inside the loss.",
        _EMBEDDED.format(n="569 tumours", own="census of 45,222 adults is read"),
    ),
)

DNN_MNIST = Chapter(
    id="dnn_mnist",
    title="A deep network for ten classes: handwritten digits",
    title_zh="深度神经网络多分类任务：手写数字识别",
    step=7,
    book="ch14",
    sources=(Source(BOOK, "14.6"),),
    file="mlp",
    model="MLP",
    arguments={"widths": _DIGITS_NET, "activations": _RELU4},
    tiny=Tiny(arguments={"widths": _DIGITS_TINY}, shape=(1, 8, 8)),
    data=_DIGITS,
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=0.02,
        batch_size=32,
        epochs=20,
        optimizer_args={"momentum": 0.9},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 20},
        init="msra",
    ),
    expected=Expected(metric="accuracy", low=0.94, note="5 seeds: 0.961 to 0.989"),
    facts=Facts(
        parameters=111514,
        shapes={"layers.fc1": (128,), "layers.fc4": (16,), "layers.fc5": (10,)},
        source=Source(BOOK, "14.6: 784-128-64-32-16-10 with biases"),
    ),
    presets={
        "book": {
            **PLAIN_DESCENT,
            "lr": 0.1,
            "batch_size": 64,
            "epochs": 10,
            "stop": Stop(loss=0.12),
        }
    },
    deviations=(_MULTICLASS,),
)

DNN_MNIST_BN = Chapter(
    id="dnn_mnist_bn",
    title="The same network with batch normalisation",
    title_zh="批量归一化",
    step=7,
    book="ch15",
    sources=(
        Source(BOOK, "15.6"),
        Source(
            "Ioffe and Szegedy: Batch normalization",
            "ICML 2015",
            "https://arxiv.org/abs/1502.03167",
        ),
    ),
    file="mlp",
    model="MLP",
    arguments={"widths": _DIGITS_NET, "activations": _RELU4, "batch_norm": True},
    tiny=Tiny(arguments={"widths": _DIGITS_TINY}, shape=(1, 8, 8)),
    exact={"batch_norm": False},
    data=_DIGITS,
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=0.02,
        batch_size=32,
        epochs=15,
        optimizer_args={"momentum": 0.9},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 15},
        init="msra",
    ),
    expected=Expected(metric="accuracy", low=0.96, note="5 seeds: 0.981 to 0.997"),
    facts=Facts(
        parameters=111514 + 480,
        shapes={"layers.bn1": (128,), "layers.bn4": (16,), "layers.fc5": (10,)},
        source=Source(BOOK, "15.6: 111,514, and a scale and a shift for each of 240 units"),
    ),
    null_directions=tuple(f"layers.fc{k}.bias" for k in range(1, 5)),
    presets={
        "book": {
            **PLAIN_DESCENT,
            "lr": 0.1,
            "batch_size": 64,
            "epochs": 30,
            "stop": Stop(loss=0.12),
        }
    },
    deviations=(
        _MULTICLASS,
        "The bias of a linear layer before a batch normalisation is kept, as in the book, although "
        "it has no effect.",
    ),
)

MNIST_SMALL = Chapter(
    id="mnist_small",
    title="Overfitting on few digits",
    title_zh="小样本过拟合：数据增强与集成学习",
    step=7,
    book="ch16",
    sources=(Source(BOOK, "16.1, 16.6 and 16.7"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (784, 30, 30, 30, 30, 10), "activations": _RELU4},
    tiny=Tiny(arguments={"widths": (64, 15, 14, 13, 12, 10)}, shape=(1, 8, 8)),
    data=replace(_DIGITS, options={"samples": 200}),
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=0.02,
        batch_size=20,
        epochs=40,
        optimizer_args={"momentum": 0.9},
        init="msra",
    ),
    expected=Expected(
        metric="accuracy", low=0.82, note="5 seeds: 0.861 to 0.911; --preset augment 0.889 to 0.914"
    ),
    facts=Facts(
        parameters=26520 + 130,
        shapes={"layers.fc1": (30,), "layers.fc4": (30,), "layers.fc5": (10,)},
        source=Source(BOOK, "16.1: 26,520 weights; four times 30 and 10 biases"),
    ),
    presets={
        "augment": {"data": {"samples": 200, "augment": 10}, "epochs": 10},
        "book": {
            **PLAIN_DESCENT,
            "data": {"samples": 1000},
            "lr": 0.1,
            "batch_size": 100,
            "epochs": 200,
        },
    },
    deviations=(
        _MULTICLASS,
        "200 training images of scikit-learn's digits, which are easier, instead of 1,000 of "
        "MNIST; weights from He's start in every run.",
    ),
)
