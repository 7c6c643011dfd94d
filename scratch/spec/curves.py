"""Curves through noisy points: polynomials and one hidden layer (step 4 of the book)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scratch.spec.book import BOOK, PLAIN_DESCENT
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Stop, Tiny, Train

_X = ("x",)

POLYNOMIAL_SINE = Chapter(
    id="polynomial_sine",
    title="A cubic polynomial through a sine",
    title_zh="多项式回归拟合正弦曲线",
    step=4,
    book="ch09",
    sources=(Source(BOOK, "9.2"),),
    file="polynomial",
    model="PolynomialRegression",
    arguments={"degree": 3},
    data=Data(name="sine", shape=(1,), task="regression", features=_X, target="y"),
    train=Train(
        loss="HalfMSELoss",
        optimizer="Adam",
        lr=0.2,
        batch_size=10,
        epochs=200,
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 200},
        init="zeros",
    ),
    expected=Expected(metric="r2", low=0.95, note="5 seeds: 0.978 to 0.985"),
    facts=Facts(
        parameters=4,
        shapes={"powers": (3,), "linear": (1,)},
        source=Source(BOOK, "9.2: three powers and a bias"),
    ),
    presets={"book": {**PLAIN_DESCENT, "epochs": 10_000, "stop": Stop(loss=0.005)}},
    deviations=("Trained by Adam; plain descent, as in the book, takes 2,380 epochs.",),
)

MLP_SINE = Chapter(
    id="mlp_sine",
    title="A sine with two hidden units",
    title_zh="双层神经网络拟合正弦曲线",
    step=4,
    book="ch09",
    sources=(Source(BOOK, "9.4"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (1, 2, 1), "activations": ("Sigmoid",)},
    exact={"activations": ("ReLU",)},
    data=Data(name="sine", shape=(1,), task="regression", features=_X, target="y"),
    train=Train(
        loss="HalfMSELoss",
        optimizer="SGD",
        lr=0.05,
        batch_size=10,
        epochs=500,
        optimizer_args={"momentum": 0.9},
        init="xavier",
    ),
    expected=Expected(metric="r2", low=0.95, note="5 seeds: 0.984 to 0.989"),
    facts=Facts(
        parameters=7,
        shapes={"layers.fc1": (2,), "layers.fc2": (1,)},
        source=Source(BOOK, "9.4: 1-2-1 with biases"),
    ),
    presets={"book": {**PLAIN_DESCENT, "epochs": 5000, "stop": Stop(loss=1e-3)}},
)

POLYNOMIAL_COMPLEX = Chapter(
    id="polynomial_complex",
    title="A polynomial of degree eight through a complex curve",
    title_zh="多项式回归拟合复合函数曲线",
    step=4,
    book="ch09",
    sources=(Source(BOOK, "9.3"),),
    file="polynomial",
    model="PolynomialRegression",
    arguments={"degree": 8},
    tiny=Tiny(arguments={"degree": 3}),
    exact={"degree": 4},  # eighth powers of 8 fill the 24 bits of a float32 alone
    data=Data(name="complex", shape=(1,), task="regression", features=_X, target="y"),
    train=Train(
        loss="HalfMSELoss",
        optimizer="Adam",
        lr=0.2,
        batch_size=10,
        epochs=150,
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 150},
        init="zeros",
    ),
    expected=Expected(metric="r2", low=0.75, note="5 seeds: 0.780 to 0.783"),
    facts=Facts(
        parameters=9,
        shapes={"powers": (8,), "linear": (1,)},
        source=Source(BOOK, "9.3: eight powers and a bias"),
    ),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.2, "epochs": 1_000_000, "stop": Stop(loss=1e-3)}},
    deviations=(
        "Trained by Adam; plain descent, as in the book, takes a million epochs, one or two hours.",
    ),
)

_COMPLEX_RUN: Mapping[str, Any] = {
    **PLAIN_DESCENT,
    "batch_size": 10,
    "epochs": 10_000,
    "stop": Stop(loss=1e-3),
}
"""What 9.5, 15.2 and 15.3 share, which train this network by seven optimisers."""

MLP_COMPLEX = Chapter(
    id="mlp_complex",
    title="A complex curve with three hidden units",
    title_zh="双层神经网络拟合复合函数曲线",
    step=4,
    book="ch09",
    sources=(Source(BOOK, "9.5"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (1, 3, 1), "activations": ("Sigmoid",)},
    exact={"activations": ("ReLU",)},
    data=Data(name="complex", shape=(1,), task="regression", features=_X, target="y"),
    train=Train(
        loss="HalfMSELoss",
        optimizer="Adam",
        lr=0.05,
        batch_size=50,
        epochs=1000,
        init="xavier",
    ),
    expected=Expected(metric="r2", low=0.8, note="5 seeds: 0.834 to 0.993"),
    facts=Facts(
        parameters=10,
        shapes={"layers.fc1": (3,), "layers.fc2": (1,)},
        source=Source(BOOK, "9.5: 1-3-1 with biases"),
    ),
    presets={
        "book": {**_COMPLEX_RUN, "lr": 0.5},
        "book-momentum": {**_COMPLEX_RUN, "optimizer": "BookSGD", "lr": 0.1},
        "book-nag": {
            **_COMPLEX_RUN,
            "optimizer": "BookSGD",
            "lr": 0.1,
            "optimizer_args": {"nesterov": True},
        },
        "book-adagrad": {
            **_COMPLEX_RUN,
            "optimizer": "Adagrad",
            "lr": 0.7,
            "optimizer_args": {"eps": 1e-6},
        },
        "book-adadelta": {
            **_COMPLEX_RUN,
            "optimizer": "Adadelta",
            "lr": 1.0,
            "optimizer_args": {"eps": 1e-5},
        },
        "book-rmsprop": {**_COMPLEX_RUN, "optimizer": "BookRMSprop", "lr": 0.01},
        "book-adam": {**_COMPLEX_RUN, "optimizer": "Adam", "lr": 0.01},
    },
    deviations=(
        "Trained by Adam on larger batches; plain descent, as in the book, takes 4,199 epochs.",
    ),
)
