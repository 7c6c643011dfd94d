"""One overfitted curve and five ways to deal with it (step 7 of the book, chapter 16)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scratch.spec.book import BOOK, PLAIN_DESCENT
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Stop, Train

_EPOCHS = 1500
_BOOK_RUN = {
    **PLAIN_DESCENT,
    "lr": 0.1,
    "batch_size": 5,
    "epochs": 20_000,
}

_LINEAR_PIECES = {"activations": ("ReLU",) * 3}

FOURIER_PLAIN = Chapter(
    id="fourier_plain",
    title="A network that overfits 25 points",
    title_zh="过拟合",
    step=7,
    book="ch16",
    sources=(Source(BOOK, "16.1"),),
    file="mlp",
    model="MLP",
    arguments={"widths": (1, 16, 16, 16, 1), "activations": ("Sigmoid", "Tanh", "Tanh")},
    exact=_LINEAR_PIECES,
    data=Data(
        name="fourier",
        shape=(1,),
        task="regression",
        features=("x",),
        target="y",
    ),
    train=Train(
        loss="HalfMSELoss",
        optimizer="Adam",
        lr=0.01,
        batch_size=5,
        epochs=_EPOCHS,
        init="xavier",
    ),
    expected=Expected(metric="r2", low=0.94, note="5 seeds: 0.959 to 0.966"),
    facts=Facts(
        parameters=544 + 49,
        shapes={"layers.fc1": (16,), "layers.fc4": (1,)},
        source=Source(BOOK, "16.3: 544 weights; three times 16 biases and one"),
    ),
    presets={"book": _BOOK_RUN},
    deviations=("Trained by Adam, in a fraction of the book's 20,000 epochs of plain descent.",),
)


def _variant(
    id: str,
    titles: tuple[str, str],
    section: str,
    expected: Expected,
    train: Mapping[str, Any] = {},
    **changes: Any,
) -> Chapter:
    """Return the plain chapter with a remedy: fields of `train`, and others of the chapter."""
    return replace(
        FOURIER_PLAIN,
        id=id,
        title=titles[0],
        title_zh=titles[1],
        sources=(Source(BOOK, section),),
        train=replace(FOURIER_PLAIN.train, **train),
        expected=expected,
        **changes,
    )


FOURIER_L2 = _variant(
    "fourier_l2",
    ("The same network with an L2 penalty", "L2正则"),
    "16.3",
    Expected(metric="r2", low=0.97, note="5 seeds: 0.985 to 0.996"),
    train={"l2": 0.005},
    presets={"book": {**_BOOK_RUN, "l2": 0.01}},
)

FOURIER_L1 = _variant(
    "fourier_l1",
    ("The same network with an L1 penalty", "L1正则"),
    "16.4",
    Expected(metric="r2", low=0.955, note="5 seeds: 0.967 to 0.989"),
    train={"l1": 0.005},
)

FOURIER_EARLY_STOP = _variant(
    "fourier_early_stop",
    ("The same network, stopped early", "早停法"),
    "16.5",
    Expected(metric="r2", low=0.98, note="5 seeds: 0.991 to 0.996"),
    train={"stop": Stop(patience=8, check_every=20)},
    presets={"book": {**_BOOK_RUN, "stop": Stop(patience=8, check_every=100)}},
)

FOURIER_DROPOUT = _variant(
    "fourier_dropout",
    ("The same network with dropout", "丢弃法"),
    "16.6",
    Expected(metric="r2", low=0.9, note="5 seeds: 0.938 to 0.978"),
    arguments={**FOURIER_PLAIN.arguments, "dropout": {1: 0.1, 3: 0.2}},
    exact={**_LINEAR_PIECES, "dropout": None},
    deviations=(
        *FOURIER_PLAIN.deviations,
        "Dropout is inverted: what is kept grows in training, nothing changes in use.",
    ),
)
