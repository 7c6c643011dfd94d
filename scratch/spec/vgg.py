"""VGG-11 to VGG-19, with and without batch normalisation (step 8)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.imagenet import CLASSES, NOT_TRAINED, UNTRAINED, descent, images
from scratch.spec.schema import Chapter, Facts, Source, Tiny

_PAPER = Source(
    "Simonyan and Zisserman: Very deep convolutional networks for large-scale image recognition",
    "ICLR 2015, table 1",
    "https://arxiv.org/abs/1409.1556",
)
_COUNTS = Source(
    "torchvision: model weights",
    "tables of vgg11 ... vgg19_bn, num_params and GFLOPS",
    "https://docs.pytorch.org/vision/stable/models.html",
)

# Layers with weights: the paper's column, its convolutions per stage, parameters without and with
# batch normalisation, multiply-adds in thousand millions.
_TABLE = {
    11: ("A", (1, 1, 2, 2, 2), 132_863_336, 132_868_840, 7.609),
    13: ("B", (2, 2, 2, 2, 2), 133_047_848, 133_053_736, 11.308),
    16: ("D", (2, 2, 3, 3, 3), 138_357_544, 138_365_992, 15.470),
    19: ("E", (2, 2, 4, 4, 4), 143_667_240, 143_678_248, 19.632),
}
_SIDES = ((64, 112), (128, 56), (256, 28), (512, 14), (512, 7))


def _convolutions(stages: tuple[int, ...], batch_norm: bool) -> tuple[list[int], list[int]]:
    """Return the places in `features` of the convolutions and of the poolings."""
    convolutions, poolings, place = [], [], 0
    for count in stages:
        for _ in range(count):
            convolutions.append(place)
            place += 3 if batch_norm else 2
        poolings.append(place)
        place += 1
    return convolutions, poolings


def _vgg(depth: int, batch_norm: bool) -> Chapter:
    column, stages, plain, normalised, multiply_adds = _TABLE[depth]
    convolutions, poolings = _convolutions(stages, batch_norm)
    shapes = {
        f"features.{place}": (maps, side, side)
        for place, (maps, side) in zip(poolings, _SIDES, strict=True)
    }
    return Chapter(
        id=f"vgg{depth}{'_bn' if batch_norm else ''}",
        title=f"VGG-{depth}{' with batch normalisation' if batch_norm else ''}",
        title_zh=f"VGG-{depth} 卷积神经网络{'（批量归一化）' if batch_norm else ''}",
        step=8,
        book="ch18",
        sources=(_PAPER, Source(BOOK, "18.0")),
        file="vgg",
        model="VGG",
        arguments={"configuration": column, "batch_norm": batch_norm, "classes": CLASSES},
        tiny=Tiny(
            arguments={"classes": 9, "width": 2, "hidden": 13, "pool": 1, "dropout": 0.125},
            shape=(3, 40, 40),
        ),
        exact={"dropout": 0.5},
        data=images(),
        train=descent(lr=0.01, batch_size=32, epochs=9, decay=5e-4),
        expected=UNTRAINED,
        facts=Facts(
            parameters=normalised if batch_norm else plain,
            shapes={**shapes, "avgpool": (512, 7, 7), "classifier.6": (CLASSES,)},
            source=_COUNTS,
            multiply_adds=multiply_adds,
        ),
        null_directions=tuple(f"features.{place}.bias" for place in convolutions)
        if batch_norm
        else (),
        deviations=(
            NOT_TRAINED,
            "Averages the last maps to 7 x 7 whatever the image, as torchvision does; at 224 x 224 "
            "they have this size already.",
            *(("Batch normalisation is torchvision's addition.",) if batch_norm else ()),
        ),
    )


PLAIN = tuple(_vgg(depth, False) for depth in _TABLE)
NORMALISED = tuple(_vgg(depth, True) for depth in _TABLE)
