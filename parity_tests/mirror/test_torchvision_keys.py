"""Networks that torchvision has: the names of their weights are its names.

Those of ResNet and DenseNet are written out by rule. The fingerprints, of names and shapes, were
taken of torchvision 0.28; `make test-torchvision` takes them anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from parity_tests.models.from_torchvision import OPTIONS, fingerprint
from ref_torch.build import construct as construct_torch
from scratch import spec
from scratch.build import construct

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _norm(path: str) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in NORM)


def _resnet(convolutions: int, layers: tuple[int, ...], projects_first: bool) -> Iterator[str]:
    """Yield the names: `convolutions` in a block, `layers` blocks in the stages."""
    yield "conv1.weight"
    yield from _norm("bn1")
    for stage, blocks in enumerate(layers, 1):
        for block in range(blocks):
            path = f"layer{stage}.{block}"
            for number in range(1, convolutions + 1):
                yield f"{path}.conv{number}.weight"
                yield from _norm(f"{path}.bn{number}")
            if block == 0 and (stage > 1 or projects_first):
                yield f"{path}.downsample.0.weight"
                yield from _norm(f"{path}.downsample.1")
    yield "fc.weight"
    yield "fc.bias"


def _densenet(layers: tuple[int, ...]) -> Iterator[str]:
    """Yield the names, with `layers` dense layers in the blocks."""
    yield "features.conv0.weight"
    yield from _norm("features.norm0")
    for block, count in enumerate(layers, 1):
        for layer in range(1, count + 1):
            path = f"features.denseblock{block}.denselayer{layer}"
            for number in (1, 2):
                yield from _norm(f"{path}.norm{number}")
                yield f"{path}.conv{number}.weight"
        if block < len(layers):
            yield from _norm(f"features.transition{block}.norm")
            yield f"features.transition{block}.conv.weight"
    yield from _norm("features.norm5")
    yield "classifier.weight"
    yield "classifier.bias"


KEYS = {
    "resnet18": tuple(_resnet(2, (2, 2, 2, 2), False)),
    "resnet34": tuple(_resnet(2, (3, 4, 6, 3), False)),
    "resnet50": tuple(_resnet(3, (3, 4, 6, 3), True)),
    "resnet101": tuple(_resnet(3, (3, 4, 23, 3), True)),
    "resnet152": tuple(_resnet(3, (3, 8, 36, 3), True)),
    "densenet121": tuple(_densenet((6, 12, 24, 16))),
    "densenet161": tuple(_densenet((6, 12, 36, 24))),
    "densenet169": tuple(_densenet((6, 12, 32, 32))),
    "densenet201": tuple(_densenet((6, 12, 48, 32))),
}
LENGTHS = {
    "resnet18": 122,
    "resnet34": 218,
    "resnet50": 320,
    "resnet101": 626,
    "resnet152": 932,
    "densenet121": 727,
    "densenet161": 967,
    "densenet169": 1015,
    "densenet201": 1207,
}


@pytest.mark.parametrize("id", KEYS)
def test_the_names_are_torchvisions(id: str) -> None:
    assert tuple(construct(spec.get(id)).state_dict()) == KEYS[id]


@pytest.mark.parametrize("id", KEYS)
def test_the_rule_gives_as_many_names_as_torchvision_has(id: str) -> None:
    assert len(KEYS[id]) == LENGTHS[id]


FINGERPRINTS = {
    "alexnet": "935c1ea73a7869ee",
    "vgg11": "b11acd4f90d9643f",
    "vgg13": "79ca8fd7a1480aa7",
    "vgg16": "ba63c2556d912509",
    "vgg19": "393fac8b08b63fbe",
    "vgg11_bn": "56ed5816909a8132",
    "vgg13_bn": "e4f52ce016e5e82f",
    "vgg16_bn": "86bad13b66635552",
    "vgg19_bn": "faf0fdbb92f698c6",
    "resnet18": "5191d63ec3989592",
    "resnet34": "f8de2a1812ef85e4",
    "resnet50": "a87e91cd6bd1f939",
    "resnet101": "dbc3ca74fffafc72",
    "resnet152": "7d486dbdc941506e",
    "densenet121": "9c659ec278435e95",
    "densenet161": "96e788964c2c431f",
    "densenet169": "03a0accd6e99d8d0",
    "densenet201": "ebf13d018b02ad9d",
    "googlenet": "de3745733576b3b1",
}


@pytest.mark.parametrize("id", FINGERPRINTS)
def test_names_and_shapes_are_torchvisions(id: str) -> None:
    with torch.device("meta"):
        network = construct_torch(spec.get(id), **OPTIONS.get(id, {}))
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert fingerprint(shapes) == FINGERPRINTS[id]
