"""ZFNet (step 8)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.imagenet import CLASSES, NOT_TRAINED, UNTRAINED, descent, images
from scratch.spec.schema import Chapter, Facts, Source, Tiny

_PAPER = Source(
    "Zeiler and Fergus: Visualizing and understanding convolutional networks",
    "ECCV 2014, section 3 and figure 3",
    "https://arxiv.org/abs/1311.2901",
)

ZFNET = Chapter(
    id="zfnet",
    title="ZFNet",
    title_zh="ZFNet 卷积神经网络",
    step=8,
    book="ch18",
    sources=(_PAPER, Source(BOOK, "18.0")),
    file="zfnet",
    model="ZFNet",
    arguments={"classes": CLASSES},
    tiny=Tiny(
        arguments={"classes": 9, "width": 1, "hidden": 29, "side": 1, "dropout": 0.125},
        shape=(3, 48, 48),
    ),
    # The normalisation rounds; two dropouts would leave most integers without a gradient.
    exact={"response_norm": False, "dropout": 0.0},
    data=images(),
    train=descent(lr=0.01, batch_size=128, epochs=69, decay=5e-4),
    expected=UNTRAINED,
    facts=Facts(
        # Figure 3 gives every layer's size, whence 14,208 + 614,656 + 885,120 + 1,327,488 +
        # 884,992 for conv1 to conv5 and 37,752,832 + 16,781,312 + 4,097,000 for fc6 to fc8.
        parameters=62_357_608,
        shapes={
            "features.conv1": (96, 110, 110),
            "features.pool1": (96, 55, 55),
            "features.conv2": (256, 26, 26),
            "features.pool2": (256, 13, 13),
            "features.conv3": (384, 13, 13),
            "features.conv4": (384, 13, 13),
            "features.conv5": (256, 13, 13),
            "features.pool5": (256, 6, 6),
            "classifier.fc6": (4096,),
            "classifier.fc7": (4096,),
            "classifier.fc8": (CLASSES,),
        },
        source=_PAPER,
    ),
    deviations=(
        NOT_TRAINED,
        "The paper gives no padding: a border of 1 around the image and last windows of the "
        "poolings that hang over make the maps of its figure 3.",
        "The contrast normalisation across maps has AlexNet's numbers; the paper gives none.",
        "Weights start from N(0, 2/fan-in) instead of a fixed deviation of 0.01; filters of the "
        "first layer are not renormalised during training; the paper names no weight decay, "
        "AlexNet's is taken; the rate falls on a fixed schedule.",
        "The exact-arithmetic form has neither contrast normalisation nor dropout.",
    ),
)
