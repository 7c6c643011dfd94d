"""Recurrent networks: an echo, and subtraction bit by bit (step 9 of the book)."""

from __future__ import annotations

from dataclasses import replace

from scratch.spec.book import BOOK, PLAIN_DESCENT
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Tiny, Train

ELMAN = Source(
    "Elman: Finding structure in time",
    "Cognitive Science 14, 1990",
    "https://doi.org/10.1207/s15516709cog1402_1",
)
HOCHREITER = Source(
    "Hochreiter and Schmidhuber: Long short-term memory",
    "Neural Computation 9, 1997",
    "https://doi.org/10.1162/neco.1997.9.8.1735",
)
GERS = Source(
    "Gers, Schmidhuber and Cummins: Learning to forget: continual prediction with LSTM",
    "Neural Computation 12, 2000",
    "https://doi.org/10.1162/089976600300015015",
)
_CHO = Source(
    "Cho et al.: Learning phrase representations using RNN encoder-decoder for statistical machine "
    "translation",
    "EMNLP 2014",
    "https://arxiv.org/abs/1406.1078",
)
RELU = {"cell": "RNN_RELU"}
TWO_BIASES = (
    "A state has two biases, b_ih and b_hh, as in torch, where the book has their sum: {n}."
)
NO_EXACT = "Its sigmoids round, so there is no form of it whose arithmetic is exact."

RNN_ECHO = Chapter(
    id="rnn_echo",
    title="The number before: a recurrent network of two units",
    title_zh="两个时间步的循环神经网络：回声",
    step=9,
    book="ch19",
    sources=(Source(BOOK, "chapter 19"), ELMAN),
    file="recurrent",
    model="LastStep",
    arguments={"input_size": 1, "hidden_size": 2, "outputs": 1},
    tiny=Tiny(arguments={"hidden_size": 3}),
    exact=RELU,
    data=Data(
        name="echo",
        shape=(2, 1),
        task="regression",
        features=("number at step 1", "number at step 2"),
        target="number at step 1",
    ),
    train=Train(
        loss="HalfMSELoss",
        optimizer="Adam",
        lr=0.05,
        batch_size=10,
        epochs=150,
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 150},
        init="torch",
    ),
    expected=Expected(metric="r2", low=0.99, note="16 seeds: 0.9989 to 0.9997"),
    facts=Facts(
        parameters=13,
        shapes={"rnn": (2, 2), "fc": (1,)},
        source=Source(
            BOOK,
            "chapter 19: 1-h-1 with biases is h + h h + h + h + 1, here with h = 2; a second bias "
            "of 2",
        ),
    ),
    presets={
        "book": {**PLAIN_DESCENT, "lr": 0.1, "batch_size": 1, "epochs": 100, "init": "normal"}
    },
    deviations=(
        TWO_BIASES.format(n="13 parameters instead of 11"),
        "Two hidden units instead of one, with which 3 of 26 starts end at an R2 of 0, the others "
        "between 0.952 and 0.985; the book has 0.953.",
        "Adam instead of plain descent.",
    ),
)

RNN_SUBTRACT = Chapter(
    id="rnn_subtract",
    title="Subtraction of binary numbers, bit by bit",
    title_zh="四个时间步的循环神经网络：二进制减法",
    step=9,
    book="ch19",
    sources=(Source(BOOK, "chapter 19"), ELMAN),
    file="recurrent",
    model="EachStep",
    arguments={"cell": "RNN_TANH", "input_size": 2, "hidden_size": 8, "bias": False},
    tiny=Tiny(arguments={"hidden_size": 3}),
    exact=RELU,
    data=Data(
        name="minus",
        shape=(4, 2),
        task="binary",
        classes=("0", "1"),
        features=tuple(f"{name}{bit}" for bit in range(4) for name in "ab"),
        target="a - b, the least significant bit first",
    ),
    train=Train(
        loss="BCEWithLogitsLoss",
        optimizer="Adam",
        lr=0.03,
        batch_size=4,
        epochs=100,
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 100},
        init="torch",
    ),
    expected=Expected(metric="accuracy", low=1.0, note="10 seeds: 1.0"),
    facts=Facts(
        parameters=88,
        shapes={"rnn": (4, 8), "fc": (4, 1), "flatten": (4,)},
        source=Source(BOOK, "chapter 19: 2-h-1 without biases is 2 h + h h + h, here with h = 8"),
    ),
    presets={"book": {**PLAIN_DESCENT, "lr": 0.4, "batch_size": 1, "epochs": 100}},
    deviations=(
        "Eight hidden units instead of four, with which three of four starts end with some of the "
        "544 bits wrong, most of them with 12.",
        "The network returns logits; the sigmoids stand inside the loss, which is the mean over "
        "four bits: the preset's rate is four times the book's, which descends on their sum.",
        "The test samples are those of the training, as in the book: there are no other pairs.",
        "The accuracy counts bits; at 1 all differences are right.",
        "Adam instead of plain descent. The preset does not end at the accuracy 1, as the book's "
        "run does.",
    ),
)

LSTM_SUBTRACT = replace(
    RNN_SUBTRACT,
    id="lstm_subtract",
    title="Subtraction of binary numbers by an LSTM",
    title_zh="长短时记忆网络：二进制减法",
    book="ch20",
    sources=(Source(BOOK, "chapter 20"), HOCHREITER, GERS),
    arguments={"cell": "LSTM", "input_size": 2, "hidden_size": 8},
    exact=None,
    facts=Facts(
        parameters=393,
        shapes=RNN_SUBTRACT.facts.shapes,
        source=Source(
            "Gers, Schmidhuber and Cummins: Learning to forget: continual prediction with LSTM",
            "four times 2 h + h h + h with h = 8, and h + 1 of the output; four second biases of h",
        ),
    ),
    deviations=(
        "Eight hidden units instead of four, as in the other two chapters of subtraction.",
        "No gate sees the cell (no peepholes), as in torch.",
        TWO_BIASES.format(n="32 numbers more"),
        *RNN_SUBTRACT.deviations[1:],
        NO_EXACT,
    ),
)

GRU_SUBTRACT = replace(
    RNN_SUBTRACT,
    id="gru_subtract",
    title="Subtraction of binary numbers by a GRU",
    title_zh="门控循环单元网络：二进制减法",
    book="ch20",
    sources=(Source(BOOK, "chapter 20"), _CHO),
    arguments={"cell": "GRU", "input_size": 2, "hidden_size": 8, "bias": False},
    exact=None,
    facts=Facts(
        parameters=248,
        shapes=RNN_SUBTRACT.facts.shapes,
        source=Source(
            "Cho et al.: Learning phrase representations using RNN encoder-decoder",
            "three times 2 h + h h without biases, with h = 8, and h of the output",
        ),
    ),
    deviations=(
        "Eight hidden units instead of four, with which some starts leave a few bits wrong.",
        "The reset gate multiplies behind the matrix, as in torch, not the state before it.",
        *RNN_SUBTRACT.deviations[1:],
        NO_EXACT,
    ),
)
