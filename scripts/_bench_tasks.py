"""What bench.py measures: chapters, layers on their own, published networks on small images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

RATE = 1e-6
"""Random images would blow up a large network at its own rate, and infinities are slow."""
MODES = ("train", "infer")


class Case(NamedTuple):
    """A network, a batch size, and which of its steps are measured."""

    name: str
    batch: int
    modes: tuple[str, ...] = MODES


class Network(NamedTuple):
    """A published network at the size of small images."""

    chapter: str
    arguments: dict[str, Any]
    side: int
    stem: tuple[str, str] | None = None
    """The convolution and the pooling that a stem for small images takes the place of: a 3 x 3
    convolution at stride 1 and no pooling, so that the first stage sees the image at full size."""


NETWORKS = {
    "vgg11 at 32": Network("vgg11", {"classes": 10, "hidden": 512, "pool": 1}, 32),
    "resnet18 at 32": Network("resnet18", {"classes": 10}, 32),
    "resnet18 at 64": Network("resnet18", {"classes": 10}, 64),
    "resnet18, small stem, at 32": Network(
        "resnet18", {"classes": 10}, 32, stem=("conv1", "maxpool")
    ),
    "densenet121 at 32": Network("densenet121", {"classes": 10}, 32),
    "dense block at 32": Network(
        "densenet121",
        {"classes": 10, "layers": (6,)},
        32,
        stem=("features.conv0", "features.pool0"),
    ),
    **{
        f"{chapter} at 224": Network(chapter, {"classes": 1000}, 224)
        for chapter in ("resnet18", "resnet50")
    },
}

CASES = (
    Case("linear_regression", 10),
    Case("house_price", 10),
    Case("logistic_regression", 10),
    Case("softmax_regression", 10),
    Case("polynomial_sine", 10),
    Case("mlp_sine", 10),
    Case("mlp_xor", 4),
    Case("mlp_arc", 5),
    Case("mlp_coin", 10),
    Case("mlp_mnist", 64),
    Case("mlp_mnist", 128),
    Case("lenet5", 64),
    Case("lenet5", 256),
    Case("vgg11 at 32", 32),
    Case("resnet18 at 32", 32),
    Case("resnet18, small stem, at 32", 32),
    Case("resnet18 at 64", 4),
    Case("densenet121 at 32", 32),
    Case("dense block at 32", 32),
    Case("resnet18 at 224", 1, ("infer",)),
    Case("resnet18 at 224", 8, ("infer",)),
    Case("resnet50 at 224", 1, ("infer",)),
    Case("resnet50 at 224", 8, ("infer",)),
    Case("conv 3x3, 64 maps", 32),
    Case("conv 1x1, 64 maps", 32),
    Case("conv 7x7 stride 2", 8),
    Case("LSTM 28 to 128, 28 steps", 64, ("train",)),
)

MEMORY = (
    Case("resnet18 at 32", 64, ("train",)),
    Case("resnet18, small stem, at 32", 64, ("train",)),
    *(case._replace(modes=("train",)) for case in CASES if "train" in case.modes),
)
"""Whose training step is weighed: the goal is one of a residual network with 64 images."""


class Growth(NamedTuple):
    """A network whose training step is measured at several sizes, along one axis."""

    network: str
    axis: str
    sizes: tuple[int, ...]
    first: int
    """From here on the time grows with the work; below, calls cost more than numbers."""

    def case(self, size: int) -> Case:
        """Return what is measured at a size."""
        if self.axis == "batch":
            return Case(self.network, size, ("train",))
        return Case(f"{self.network} at {size}", 4, ("train",))


GROWTH = (
    Growth("mlp_mnist", "batch", (1, 8, 64, 512), 8),
    Growth("lenet5", "batch", (1, 8, 64, 512), 8),
    Growth("resnet18", "side", (28, 56, 112, 224), 56),
)
NETWORKS |= {
    growth.case(size).name: Network(growth.network, {"classes": 10}, size)
    for growth in GROWTH
    if growth.axis == "side"
    for size in growth.sizes
    if growth.case(size).name not in NETWORKS
}


def built(build: Callable[..., Any], name: str) -> Any:
    """Return the network of a chapter or of NETWORKS."""
    if name not in NETWORKS:
        return build(name)
    network = NETWORKS[name]
    model = build(network.chapter, **network.arguments)
    if network.stem is not None:
        _give_small_stem(model, network.stem)
    return model


def _give_small_stem(model: Any, stem: tuple[str, str]) -> None:
    """Exchange two children, of either twin, for those of a stem for small images."""
    import importlib

    import numpy as np

    parts = dict(model.named_modules())
    twin = "scratch" if type(model).__module__.startswith("scratch.") else "torch"
    layers = importlib.import_module(f"{twin}.nn")
    maps = parts[stem[0]].out_channels
    conv = layers.Conv2d(3, maps, 3, padding=1, bias=False)
    drawn = np.random.default_rng(0).standard_normal((maps, 3, 3, 3)) / 4
    if twin == "scratch":
        conv.weight.data[...] = drawn
    else:
        conv.weight.data.copy_(importlib.import_module("torch").from_numpy(drawn))
    for path, child in zip(stem, (conv, layers.Identity()), strict=True):
        parent, _, leaf = path.rpartition(".")
        setattr(parts[parent], leaf, child)


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
