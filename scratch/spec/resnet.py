"""Residual networks: ResNet-18 to ResNet-152, and the small ones for CIFAR-10 (step 8)."""

from __future__ import annotations

from scratch.spec.book import BOOK
from scratch.spec.cifar import CNN_CIFAR
from scratch.spec.imagenet import CLASSES, NOT_TRAINED, UNTRAINED, descent, images
from scratch.spec.schema import Chapter, Expected, Facts, Source, Tiny, Train

_TITLE = "He, Zhang, Ren and Sun: Deep residual learning for image recognition"
_LINK = "https://arxiv.org/abs/1512.03385"
_COUNTS = Source(
    "torchvision: model weights",
    "tables of resnet18 ... resnet152, num_params and GFLOPS",
    "https://docs.pytorch.org/vision/stable/models.html",
)

# Layers with weights: block, blocks per stage, parameters, multiply-adds in thousand millions,
# blocks per stage of the tiny size.
_TABLE = {
    18: ("BasicBlock", (2, 2, 2, 2), 11_689_512, 1.814, (2, 1, 1, 1)),
    34: ("BasicBlock", (3, 4, 6, 3), 21_797_672, 3.664, (1, 1, 2, 1)),
    50: ("Bottleneck", (3, 4, 6, 3), 25_557_032, 4.089, (2, 1, 1, 1)),
    101: ("Bottleneck", (3, 4, 23, 3), 44_549_160, 7.801, (1, 2, 1, 1)),
    152: ("Bottleneck", (3, 8, 36, 3), 60_192_808, 11.513, (2, 1, 1, 1)),
}


def _resnet(depth: int) -> Chapter:
    block, layers, parameters, multiply_adds, fewer = _TABLE[depth]
    bottleneck = block == "Bottleneck"
    maps = 256 if bottleneck else 64
    return Chapter(
        id=f"resnet{depth}",
        title=f"ResNet-{depth}",
        title_zh=f"ResNet-{depth} 残差网络",
        step=8,
        book="ch18",
        sources=(Source(_TITLE, "CVPR 2016, table 1", _LINK), Source(BOOK, "18.0")),
        file="resnet",
        model="ResNet",
        arguments={"block": block, "layers": layers, "classes": CLASSES},
        tiny=Tiny(
            arguments={"layers": fewer, "classes": 9, "width": 3},
            shape=(3, 33, 33),
        ),
        data=images(),
        train=descent(lr=0.1, batch_size=32, epochs=9, decay=1e-4),
        expected=UNTRAINED,
        facts=Facts(
            parameters=parameters,
            shapes={
                "conv1": (64, 112, 112),
                "maxpool": (64, 56, 56),
                "layer1": (maps, 56, 56),
                "layer2": (2 * maps, 28, 28),
                "layer3": (4 * maps, 14, 14),
                "layer4": (8 * maps, 7, 7),
                "avgpool": (8 * maps, 1, 1),
                "fc": (CLASSES,),
            },
            source=_COUNTS,
            multiply_adds=multiply_adds,
        ),
        deviations=(
            NOT_TRAINED,
            "A step takes 32 samples in place of 256.",
            *(
                (
                    "The stride of a bottleneck stands on its 3 x 3 convolution, as in torchvision;"
                    ' the paper has it on the first 1 x 1 convolution (stride_on="1x1").',
                )
                if bottleneck
                else ()
            ),
        ),
    )


# Layers with weights: parameters, blocks per stage of the tiny size. By hand, with n blocks in each
# stage: 464 of the stem, 650 of the last layer; a block between c maps has 2 (9 c^2 + 2 c), but the
# first of the stages of 32 and of 64 maps has 9 c^2 / 2 fewer: 97,216 n - 4,608 - 18,432. He et al.
# count 0.27, 0.46, 0.66, 0.85 and 1.7 million.
_CIFAR = {
    20: (269_722, (1, 1, 2)),
    32: (464_154, (2, 1, 1)),
    44: (658_586, (1, 2, 1)),
    56: (853_018, (2, 2, 1)),
    110: (1_727_962, (2, 1, 2)),
}


def _cifar(depth: int) -> Chapter:
    parameters, fewer = _CIFAR[depth]
    blocks = (depth - 2) // 6
    trained = depth == 20
    return Chapter(
        id=f"resnet{depth}",
        title=f"ResNet-{depth} for small images",
        title_zh=f"ResNet-{depth} 残差网络（小图像）",
        step=8,
        book="ch18",
        sources=(Source(_TITLE, "CVPR 2016, section 4.2", _LINK), Source(BOOK, "18.0")),
        file="resnet",
        model="CifarResNet",
        arguments={"layers": (blocks, blocks, blocks)},
        tiny=Tiny(arguments={"layers": fewer, "width": 3, "classes": 9}, shape=(3, 13, 13)),
        exact={"layers": fewer},  # nine blocks keep all bits in one draw of several, twelve in none
        data=CNN_CIFAR.data,
        train=Train(
            loss="CrossEntropyLoss",
            optimizer="SGD",
            lr=0.02,
            batch_size=16,
            epochs=4,
            optimizer_args={"momentum": 0.9, "weight_decay": 1e-4},
            schedule="CosineAnnealingLR",
            schedule_args={"T_max": 4},
            init="msra",
        ),
        expected=Expected(metric="accuracy", low=0.9, note="3 seeds: 0.987 each")
        if trained
        else UNTRAINED,
        facts=Facts(
            parameters=parameters,
            shapes={
                "conv1": (16, 32, 32),
                "layer1": (16, 32, 32),
                "layer2": (32, 16, 16),
                "layer3": (64, 8, 8),
                "avgpool": (64, 1, 1),
                "fc": (10,),
            },
            source=Source(_TITLE, "table 6, and by hand from section 4.2", _LINK),
        ),
        deviations=(
            "The embedded data are 1,800 coloured shapes of nine classes at 32 x 32, the tenth "
            "output is idle; CIFAR-10 by --data-dir.",
            "The paper takes steps of 128 samples at a rate of 0.1, divides it by ten twice in "
            "64,000 steps and crops and flips its pictures; here a run is short, its steps take 16 "
            "samples, and the rate follows a cosine from 0.02.",
            "The exact-arithmetic form has the blocks of the tiny size: through ResNet-20's nine "
            "only some integers keep to the 24 bits of float32, through twelve none.",
        ),
    )


IMAGENET = tuple(_resnet(depth) for depth in _TABLE)
CIFAR = tuple(_cifar(depth) for depth in _CIFAR)
