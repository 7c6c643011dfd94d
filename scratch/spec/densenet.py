"""DenseNet-121, 161, 169 and 201 (step 8)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.imagenet import CLASSES, NOT_TRAINED, UNTRAINED, descent, images
from scratch.spec.schema import Chapter, Facts, Source, Tiny

_PAPER = Source(
    "Huang, Liu, van der Maaten and Weinberger: Densely connected convolutional networks",
    "CVPR 2017, table 1",
    "https://arxiv.org/abs/1608.06993",
)
_COUNTS = Source(
    "torchvision: model weights",
    "tables of densenet121 ... densenet201, num_params and GFLOPS",
    "https://docs.pytorch.org/vision/stable/models.html",
)

# Layers with weights: growth, dense layers per block, maps of the stem, maps behind each block,
# parameters, multiply-adds in thousand millions, dense layers per block of the tiny size.
_TABLE = {
    121: (32, (6, 12, 24, 16), 64, (256, 512, 1024, 1024), 7_978_856, 2.834, (2, 1, 1, 1)),
    161: (48, (6, 12, 36, 24), 96, (384, 768, 2112, 2208), 28_681_000, 7.728, (1, 2, 1, 1)),
    169: (32, (6, 12, 32, 32), 64, (256, 512, 1280, 1664), 14_149_480, 3.360, (1, 1, 1, 2)),
    201: (32, (6, 12, 48, 32), 64, (256, 512, 1792, 1920), 20_013_928, 4.291, (1, 1, 1, 2)),
}
_SIDES = (56, 28, 14, 7)


def _densenet(depth: int) -> Chapter:
    growth, layers, width, maps, parameters, multiply_adds, fewer = _TABLE[depth]
    blocks = {
        f"features.denseblock{number}": (channels, side, side)
        for number, (channels, side) in enumerate(zip(maps, _SIDES, strict=True), 1)
    }
    transitions = {
        f"features.transition{number}": (maps[number - 1] // 2, side, side)
        for number, side in enumerate(_SIDES[1:], 1)
    }
    return Chapter(
        id=f"densenet{depth}",
        title=f"DenseNet-{depth}",
        title_zh=f"DenseNet-{depth} 稠密连接网络",
        step=8,
        book="ch18",
        sources=(_PAPER, Source(BOOK, "18.0")),
        file="densenet",
        model="DenseNet",
        arguments={"growth": growth, "layers": layers, "width": width, "classes": CLASSES},
        tiny=Tiny(
            arguments={"growth": 5, "layers": fewer, "width": 7, "bottleneck": 3, "classes": 9},
            shape=(3, 61, 61),
        ),
        data=images(),
        train=descent(lr=0.1, batch_size=32, epochs=9, decay=1e-4),
        expected=UNTRAINED,
        facts=Facts(
            parameters=parameters,
            shapes={
                "features.conv0": (width, 112, 112),
                "features.pool0": (width, 56, 56),
                **blocks,
                **transitions,
                "avgpool": (maps[-1], 1, 1),
                "classifier": (CLASSES,),
            },
            source=_COUNTS,
            multiply_adds=multiply_adds,
        ),
        deviations=(
            NOT_TRAINED,
            "A step takes 32 samples in place of 256, and the descent has no Nesterov momentum.",
        ),
    )


CHAPTERS = tuple(_densenet(depth) for depth in _TABLE)
