"""What the networks of the ImageNet competition have in common: images, loss, descent."""

from __future__ import annotations

from scratch.spec.schema import Data, Expected, Train
from scratch.spec.shapes import COLOUR_SHAPES

CLASSES = 1000  # outputs of the published networks


def images(side: int = 224) -> Data:
    """Return generated coloured shapes at the side that a network was published for.

    A folder of images takes their place with `--data-dir`.
    """
    return Data(
        name="shapes",
        shape=(3, side, side),
        task="multiclass",
        classes=(
            *COLOUR_SHAPES,
            *(f"class {number}" for number in range(len(COLOUR_SHAPES), CLASSES)),
        ),
        target="shape",
        options={"kind": "color_shape"},
    )


def descent(lr: float, batch_size: int, epochs: int, decay: float, init: str = "msra") -> Train:
    """Return stochastic gradient descent with momentum 0.9 and weight decay, as published.

    The rate falls to a tenth after each third of the epochs.
    """
    return Train(
        loss="CrossEntropyLoss",
        optimizer="SGD",
        lr=lr,
        batch_size=batch_size,
        epochs=epochs,
        optimizer_args={"momentum": 0.9, "weight_decay": decay},
        schedule="MultiStepLR",
        schedule_args={"milestones": (epochs // 3, 2 * epochs // 3), "gamma": 0.1},
        init=init,
    )


UNTRAINED = Expected(metric="accuracy", low=None, note="not trained to its end here")
NOT_TRAINED = (
    "The bundled data hold no million photographs: the network is proven, exported and measured at "
    "its published size, and trained on generated shapes or on a folder of images."
)
