"""The nine named kernels, given and learnt: what one small window can say (step 8 of the book)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scratch.spec.book import BOOK
from scratch.spec.schema import Chapter, Data, Expected, Facts, Source, Stop, Train

Window = tuple[tuple[float, ...], ...]

NAMED: Mapping[str, Window] = {
    "sharpness": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "vertical edge": ((0, 0, 0), (-1, 2, -1), (0, 0, 0)),
    "surround": ((1, 1, 1), (1, -9, 1), (1, 1, 1)),
    "Sobel y": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "identity": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
    "horizontal edge": ((0, -1, 0), (0, 2, 0), (0, -1, 0)),
    "blur": ((0.11, 0.11, 0.11), (0.11, 0.11, 0.11), (0.11, 0.11, 0.11)),
    "Sobel x": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "embossing": ((2, 0, 0), (0, -1, 0), (0, 0, -1)),
}
"""The 3 x 3 kernels of the book by name, row by row."""

KERNELS = Chapter(
    id="kernels",
    title="Nine kernels learnt from a photo and its filtered copies",
    title_zh="从图像对学习九种卷积核",
    step=8,
    book="ch17",
    sources=(Source(BOOK, "17.1 and 17.3"),),
    file="kernels",
    model="Kernels",
    arguments={"kernels": len(NAMED)},
    data=Data(
        name="photo_patches",
        shape=(1, 3, 3),
        task="regression",
        target="filtered grey level",
        value_range=(0.0, 1.0),
        options={"kernels": tuple(NAMED)},
    ),
    train=Train(
        loss="HalfMSELoss",
        optimizer="SGD",
        lr=0.2,
        batch_size=50,
        epochs=80,
        optimizer_args={"momentum": 0.9},
        init="small",
    ),
    expected=Expected(metric="r2", low=0.9999, note="5 seeds: 1.0; weights within 1.8e-3"),
    facts=Facts(
        parameters=81,
        shapes={"convolution": (9, 1, 1), "flatten": (9,)},
        source=Source(BOOK, "17.1: nine kernels of nine weights, no bias"),
    ),
    presets={
        "book": {
            "optimizer_args": {},
            "lr": 0.5,
            "batch_size": 1000,
            "epochs": 10_000,
            "stop": Stop(loss=1e-7, check_every=10),
        }
    },
    deviations=(
        "The book applies the nine kernels and learns one of them; here all nine are learnt too.",
        "The sum of squares runs over pixels drawn from the photo, a patch of 3 x 3 for each, "
        "instead of over all pixels.",
        "Trained by momentum on small batches; the preset is the book's plain descent.",
    ),
)

LEARN_KERNEL = replace(
    KERNELS,
    id="learn_kernel",
    title="A kernel learnt from a photo and its filtered copy",
    title_zh="从图像对学习一个卷积核",
    sources=(Source(BOOK, "17.3"),),
    arguments={"kernels": 1},
    data=replace(KERNELS.data, options={"kernels": ("horizontal edge",)}),
    expected=Expected(metric="r2", low=0.9999, note="5 seeds: 1.0; weights within 6e-4"),
    facts=Facts(
        parameters=9,
        shapes={"convolution": (1, 1, 1), "flatten": (1,)},
        source=Source(BOOK, "17.3: one kernel of nine weights, no bias"),
    ),
    deviations=KERNELS.deviations[1:],
)
