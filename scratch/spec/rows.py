"""Recurrent networks that read handwritten digits row by row (step 9 of the book)."""

from __future__ import annotations

from dataclasses import replace

from scratch.spec.book import BOOK, PLAIN_DESCENT
from scratch.spec.recurrent import ELMAN, GERS, HOCHREITER, NO_EXACT, RELU, TWO_BIASES
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Tiny, Train

_SCHUSTER = Source(
    "Schuster and Paliwal: Bidirectional recurrent neural networks",
    "IEEE Transactions on Signal Processing 45, 1997",
    "https://doi.org/10.1109/78.650093",
)
_LOGITS = "The network returns logits; the softmax stands inside the loss."

RNN_ROWS = Chapter(
    id="rnn_rows",
    title="Handwritten digits, read row by row",
    title_zh="循环神经网络逐行识别手写数字",
    step=9,
    book="ch19",
    sources=(Source(BOOK, "chapter 19"), ELMAN),
    file="recurrent",
    model="LastStep",
    arguments={"input_size": 28, "hidden_size": 32, "outputs": 10},
    tiny=Tiny(arguments={"input_size": 8, "hidden_size": 11}, shape=(1, 8, 8)),
    exact=RELU,
    data=Data(
        name="digits",
        shape=(1, 28, 28),
        task="multiclass",
        classes=tuple("0123456789"),
        target="digit",
        value_range=(-0.1, 1.175),
        options={"shifts": 1},
    ),
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="AdamW",
        lr=0.003,
        batch_size=128,
        epochs=40,
        optimizer_args={"weight_decay": 0.6},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 40},
        init="xavier",
    ),
    expected=Expected(metric="accuracy", low=0.92, note="10 seeds: 0.941 to 0.983"),
    facts=Facts(
        parameters=2314,
        shapes={"rnn": (28, 32), "fc": (10,)},
        source=Source(
            BOOK,
            "chapter 19: 28-32-10 with biases is 28 32 + 32 32 + 32 + 32 10 + 10 = 2282; a second "
            "bias of 32",
        ),
    ),
    presets={
        "book": {
            **PLAIN_DESCENT,
            "lr": 0.005,
            "batch_size": 128,
            "epochs": 100,
            "data": {"shifts": 0},
        }
    },
    deviations=(
        _LOGITS,
        TWO_BIASES.format(n="2314 parameters instead of the 2282 of the book's shapes"),
        "AdamW with a cosine schedule, on the digits and copies of them that are moved by a pixel, "
        "instead of plain descent on MNIST, which is read by --data-dir; without the decay of the "
        "weights some starts end below 0.9.",
        "Pixels lie between -0.1 and 1.175, LeNet-5's range, of which the mean is about 0.",
        "The preset is a run on 55,000 digits: on the 1,259 embedded ones its rate is so small "
        "that it ends near 0.6.",
    ),
)

BIRNN_ROWS = replace(
    RNN_ROWS,
    id="birnn_rows",
    title="Handwritten digits, read downwards and upwards",
    title_zh="双向循环神经网络识别手写数字",
    sources=(Source(BOOK, "chapter 19"), _SCHUSTER),
    model="BothDirections",
    arguments={"input_size": 28, "hidden_size": 20, "outputs": 10},
    expected=Expected(metric="accuracy", low=0.91, note="10 seeds: 0.927 to 0.967"),
    facts=Facts(
        parameters=2210,
        shapes={"rnn": (28, 40), "add": (20,), "fc": (10,)},
        source=Source(
            BOOK,
            "chapter 19: 2 (28 20 + 20 20 + 20) + 20 10 + 10 = 2170, by the shapes; a second bias "
            "of 20 in each direction",
        ),
    ),
    presets={},
    deviations=(
        _LOGITS,
        TWO_BIASES.format(n="2210 parameters instead of the 2170 of the book's shapes"),
        *RNN_ROWS.deviations[2:4],
        "No preset is the book's run, whose rate falls in three uneven steps.",
    ),
)

LSTM_ROWS = replace(
    RNN_ROWS,
    id="lstm_rows",
    title="Handwritten digits, read row by row by an LSTM",
    title_zh="长短时记忆网络逐行识别手写数字",
    book="ch20",
    sources=(Source(BOOK, "chapter 20"), HOCHREITER, GERS),
    model="LastStepLSTM",
    exact=None,
    train=replace(
        RNN_ROWS.train,
        batch_size=64,
        epochs=12,
        optimizer_args={"weight_decay": 0.3},
        schedule_args={"T_max": 12},
        init="torch",
    ),
    expected=Expected(metric="accuracy", low=0.95, note="10 seeds: 0.967 to 0.983"),
    facts=Facts(
        parameters=8266,
        shapes={"lstm": (28, 32), "fc": (10,)},
        source=Source(
            "Gers, Schmidhuber and Cummins: Learning to forget: continual prediction with LSTM",
            "4 (28 32 + 32 32 + 32) + 32 10 + 10 = 8138; a second bias of 32 for each gate",
        ),
    ),
    presets={},
    deviations=(
        _LOGITS,
        "The book has no such run; it is the network of rnn_rows with another layer.",
        "No gate sees the cell (no peepholes), as in torch.",
        "Two biases for each gate, as in torch: 128 numbers more than one needs.",
        "The digits and copies of them that are moved by a pixel; MNIST is read by --data-dir.",
        NO_EXACT,
    ),
)
