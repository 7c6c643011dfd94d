"""LeNet-5, the first convolutional network of the book (step 8)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Tiny, Train

_PAPER = Source(
    "LeCun, Bottou, Bengio and Haffner: Gradient-based learning applied to document recognition",
    "Proceedings of the IEEE 86(11), 1998, section II.B, figure 2 and table I",
    "https://doi.org/10.1109/5.726791",
)

LENET5 = Chapter(
    id="lenet5",
    title="LeNet-5",
    title_zh="LeNet-5 卷积神经网络",
    step=8,
    book="ch18",
    sources=(_PAPER, Source(BOOK, "18.0")),
    file="lenet",
    model="LeNet5",
    arguments={"in_channels": 1, "classes": 10},
    tiny=Tiny(arguments={"c5": 20, "f6": 14}),
    exact={"activation": "ReLU", "subsampling": "average"},
    data=Data(
        name="digits",
        shape=(1, 32, 32),
        task="multiclass",
        classes=tuple("0123456789"),
        target="digit",
        value_range=(-0.1, 1.175),
        options={"shifts": 2},
    ),
    train=Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=0.03,
        batch_size=32,
        epochs=6,
        optimizer_args={"momentum": 0.9},
        schedule="CosineAnnealingLR",
        schedule_args={"T_max": 6},
        init="torch",
    ),
    expected=Expected(metric="accuracy", low=0.97, note="5 seeds: 0.981 to 0.992"),
    facts=Facts(
        # 156 + 12 + 1,516 + 32 + 48,120 + 10,164 as printed in the paper, which has no free
        # number in its output layer; ours adds 84 x 10 weights and 10 biases (see deviations).
        parameters=60000 + 850,
        shapes={
            "c1": (6, 28, 28),
            "s2": (6, 14, 14),
            "c3": (16, 10, 10),
            "s4": (16, 5, 5),
            "c5": (120, 1, 1),
            "f6": (84,),
            "output": (10,),
        },
        source=_PAPER,
    ),
    deviations=(
        "The output layer is linear with cross-entropy instead of distances to fixed "
        "bitmaps (Euclidean radial basis functions), which adds 850 parameters to the "
        "paper's 60,000.",
        "Subsampling averages four values where the paper adds them; the trainable "
        "coefficient absorbs the factor of four.",
        "Trained by momentum with a cosine schedule instead of the stochastic diagonal "
        "Levenberg-Marquardt method.",
        "The embedded data hold about 1,260 training images instead of 60,000, and a digit fills "
        "its whole frame; four copies of each, shifted by two pixels, make up for some of it.",
        "Weights start from U(+-1/sqrt(fan-in)), not from the paper's U(+-2.4/fan-in), which "
        'learns too, but slower (the scheme "lecun").',
        'Options: C3 connected to every map of S2 (connections="full") and average or max '
        'pooling without trainable coefficients (subsampling="average", "max").',
    ),
)
