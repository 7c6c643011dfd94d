"""AlexNet (step 8)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.imagenet import CLASSES, NOT_TRAINED, UNTRAINED, descent, images
from scratch.spec.schema import Chapter, Facts, Source, Tiny

_PAPER = Source(
    "Krizhevsky, Sutskever and Hinton: ImageNet classification with deep convolutional neural "
    "networks",
    "NIPS 2012, sections 3 to 5 and figure 2",
    "https://papers.nips.cc/paper/4824",
)
_ONE_COLUMN = Source(
    "Krizhevsky: One weird trick for parallelizing convolutional neural networks",
    "2014, section 5, the network of torchvision",
    "https://arxiv.org/abs/1404.5997",
)

ALEXNET = Chapter(
    id="alexnet",
    title="AlexNet",
    title_zh="AlexNet 卷积神经网络",
    step=8,
    book="ch18",
    sources=(_PAPER, _ONE_COLUMN, Source(BOOK, "18.0")),
    file="alexnet",
    model="AlexNet",
    arguments={"classes": CLASSES},
    tiny=Tiny(
        arguments={
            "classes": 9,
            "width": 2,
            "hidden": 29,
            "side": 1,
            "dropout": 0.125,
            "ceil_mode": True,  # a pooling of 3 x 3 to 1 leaves too few gradients to judge
        },
        shape=(3, 39, 39),
    ),
    # The normalisation rounds; two dropouts would leave most integers without a gradient.
    exact={"response_norm": False, "dropout": 0.0},
    data=images(227),
    train=descent(lr=0.01, batch_size=128, epochs=90, decay=5e-4),
    expected=UNTRAINED,
    facts=Facts(
        # conv1 to conv5: 34,944 + 307,456 + 885,120 + 663,936 + 442,624; fc6 to fc8: 37,752,832 +
        # 16,781,312 + 4,097,000. The paper says "60 million".
        parameters=60_965_224,
        shapes={
            "features.conv1": (96, 55, 55),
            "features.pool1": (96, 27, 27),
            "features.conv2": (256, 27, 27),
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
        # In millions: 105.4 + 223.9 + 149.5 + 112.1 + 74.8 and 37.7 + 16.8 + 4.1.
        multiply_adds=0.724,
    ),
    deviations=(
        NOT_TRAINED,
        "The image is 227 x 227: the paper says 224, from which kernels of 11 at a stride of 4 do "
        "not make its 55 x 55 maps.",
        "The two devices of the paper are two groups of one convolution.",
        "The paper multiplies the sum of squares by alpha = 1e-4; the layer takes alpha divided by "
        "its size of 5, hence 5e-4.",
        "Weights start from N(0, 2/fan-in) and biases from 0 instead of N(0, 0.01^2) with biases "
        "of 1 in some layers; the rate falls on a fixed schedule, not when the error stops "
        "falling.",
        "The exact-arithmetic form has neither response normalisation nor dropout; the tiny size "
        "lets the last windows of its poolings hang over.",
        'Option: the network of one column with torchvision\'s keys (variant="torchvision", '
        "61,100,840 parameters).",
    ),
)
