"""What kind of network it is, as far as a proof has to know. Either twin's will do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

DEEP = 8  # layers with weights, beyond which integers need care to neither die nor grow


def is_deep(state: Mapping[str, Array]) -> bool:
    """Whether a network has more than `DEEP` layers with weights."""
    return sum(value.ndim >= 2 for value in state.values()) > DEEP


def is_convolutional(network: Any) -> bool:
    """Whether a network has a convolution."""
    return any(type(module).__name__ == "Conv2d" for _, module in network.named_modules())


def normalised(network: Any) -> bool:
    """Whether a network has a batch normalisation in training."""
    return any(
        type(module).__name__.startswith("BatchNorm") and module.training
        for _, module in network.named_modules()
    )
