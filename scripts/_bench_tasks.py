"""What bench.py measures: chapters, layers on their own, published networks on small images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

RATE = 1e-6
"""Random images would blow up a large network at its own rate, and infinities are slow."""


class Layer(NamedTuple):
    """A convolution on its own, forward and backward, as it stands inside a large network."""

    shape: tuple[int, int, int]
    out_channels: int
    kernel: int
    stride: int
    padding: int

    @property
    def arguments(self) -> tuple[int, int, int, int, int]:
        """What Conv2d takes."""
        return (self.shape[0], self.out_channels, self.kernel, self.stride, self.padding)


LAYERS = {
    "conv 3x3, 64 maps": Layer((64, 32, 32), 64, 3, 1, 1),
    "conv 1x1, 64 maps": Layer((64, 32, 32), 64, 1, 1, 0),
    "conv 7x7 stride 2": Layer((3, 112, 112), 64, 7, 2, 3),
}


class Network(NamedTuple):
    """A published network at the size of small images."""

    chapter: str
    arguments: dict[str, Any]
    side: int


NETWORKS = {
    "vgg11 at 32": Network("vgg11", {"classes": 10, "hidden": 512, "pool": 1}, 32),
    "resnet18 at 32": Network("resnet18", {"classes": 10}, 32),
    "resnet18 at 64": Network("resnet18", {"classes": 10}, 64),
    "densenet121 at 32": Network("densenet121", {"classes": 10}, 32),
}


def arrays(name: str, batch: int) -> tuple[Any, Any]:
    import numpy as np

    one, rng = LAYERS[name], np.random.default_rng(0)
    weight = rng.standard_normal((one.out_channels, one.shape[0], one.kernel, one.kernel))
    x = rng.standard_normal((batch, *one.shape))
    return weight.astype(np.float32), x.astype(np.float32)


def built(build: Callable[..., Any], name: str) -> Any:
    """Return the network of a chapter or of NETWORKS."""
    if name not in NETWORKS:
        return build(name)
    return build(NETWORKS[name].chapter, **NETWORKS[name].arguments)


def task(name: str, batch: int) -> tuple[Any, Any, Any]:
    import numpy as np

    from scratch import spec

    chapter = spec.get(NETWORKS[name].chapter if name in NETWORKS else name)
    chapter = replace(chapter, train=replace(chapter.train, lr=RATE))
    shape, classes = chapter.data.shape, len(chapter.data.classes)
    if name in NETWORKS:
        side = NETWORKS[name].side
        shape, classes = (shape[0], side, side), NETWORKS[name].arguments["classes"]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *shape)).astype(np.float32)
    if chapter.data.task == "multiclass":
        return chapter, x, rng.integers(0, classes, batch)
    return chapter, x, rng.integers(0, 2, (batch, 1)).astype(np.float32)
