"""GoogLeNet (step 8)."""

from __future__ import annotations

from dataclasses import replace

from scratch.spec.book import BOOK
from scratch.spec.imagenet import CLASSES, NOT_TRAINED, UNTRAINED, descent, images
from scratch.spec.schema import Chapter, Facts, Source, Tiny

_PAPER = Source(
    "Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich: Going deeper "
    "with convolutions",
    "CVPR 2015, section 5, table 1 and figure 3",
    "https://arxiv.org/abs/1409.4842",
)

# Output of each module at 224 x 224: the column "output size" of table 1; the heads by section 5.
_SHAPES = {
    "conv1": (64, 112, 112),
    "maxpool1": (64, 56, 56),
    "conv3": (192, 56, 56),
    "maxpool2": (192, 28, 28),
    "inception3a": (256, 28, 28),
    "inception3b": (480, 28, 28),
    "maxpool3": (480, 14, 14),
    "inception4a": (512, 14, 14),
    "aux1.avgpool": (512, 4, 4),
    "aux1.conv": (128, 4, 4),
    "aux1.fc1": (1024,),
    "aux1.fc2": (CLASSES,),
    "inception4b": (512, 14, 14),
    "inception4c": (512, 14, 14),
    "inception4d": (528, 14, 14),
    "aux2.avgpool": (528, 4, 4),
    "aux2.conv": (128, 4, 4),
    "aux2.fc1": (1024,),
    "aux2.fc2": (CLASSES,),
    "inception4e": (832, 14, 14),
    "maxpool4": (832, 7, 7),
    "inception5a": (832, 7, 7),
    "inception5b": (1024, 7, 7),
    "avgpool": (1024, 1, 1),
    "fc": (CLASSES,),
}

GOOGLENET = Chapter(
    id="googlenet",
    title="GoogLeNet",
    title_zh="GoogLeNet 卷积神经网络",
    step=8,
    book="ch18",
    sources=(_PAPER, Source(BOOK, "18.0")),
    file="googlenet",
    model="GoogLeNet",
    arguments={"classes": CLASSES},
    tiny=Tiny(
        arguments={
            "classes": 9,
            "width": 6,
            "least": 7,
            "modules": ("3a", "4a", "4d"),
            "dropout": 0.125,
            "hidden": 29,
            "window": 2,
            "stride": 1,
            "side": 2,
            "dropout_aux": 0.125,
        },
        shape=(3, 48, 48),
    ),
    # The normalisation rounds; 1 / (1 - 0.7) has no exact value. Means over 2 x 2 do not round.
    exact={"response_norm": False, "dropout": 0.0, "dropout_aux": 0.0},
    data=images(),
    train=replace(
        descent(lr=0.01, batch_size=32, epochs=60, decay=2e-4),
        loss_weights={"logits": 1.0, "aux_logits2": 0.3, "aux_logits1": 0.3},
    ),
    expected=UNTRAINED,
    facts=Facts(
        # The maps of table 1, with biases: stem 124,416; modules 3a to 5b 163,696 + 388,736 +
        # 376,176 + 449,160 + 510,104 + 605,376 + 868,352 + 1,043,456 + 1,444,080; linear layer
        # 1,025,000: 6,998,552. Heads: 3,188,840 on 4a, 3,190,888 on 4d.
        parameters=13_378_280,
        shapes=_SHAPES,
        source=_PAPER,
        # The same maps, in millions: stem 118.0 + 359.7; modules 128.0 + 304.3 + 73.6 + 87.9 + 99.9
        # + 118.5 + 170.0 + 51.1 + 70.7; linear layer 1.0. Evaluation has no heads.
        multiply_adds=1.583,
    ),
    deviations=(
        NOT_TRAINED,
        "Without the heads there are 6,998,552 parameters. The column of table 1 that counts them "
        "adds up to 6.8 million; it leaves out biases, and some of its rows do not follow from "
        "their own maps.",
        "Its column of operations adds up to 1,502 million, the 1.5 billion of the paper's budget: "
        "it has 34 million for the first convolution, whose kernels of 7 x 7 take 118, and 54 for "
        "module 5a, whose maps take 51. The other rows hold.",
        "The response normalisation has AlexNet's numbers; the paper gives none.",
        "Averages the last maps to 1 x 1 whatever the image; at 224 x 224 this is the paper's "
        "window of 7.",
        "Weights start from N(0, 2/fan-in); the rate falls to a tenth after each third of the "
        "epochs, not by 4% every 8 epochs.",
        "The exact-arithmetic form has no response normalisation and no dropout. It is for the "
        "tiny size, whose heads average over windows of 2: means over 5 x 5 round.",
        'Option: torchvision\'s network and keys (variant="torchvision", 13,004,888 parameters, '
        "6,624,904 with aux_logits=False; 1,498 million multiply-adds): batch normalisation, no "
        "response normalisation, kernels of 3 in the branch that the paper calls 5 x 5. Its "
        "dropout is 0.2.",
    ),
)
