"""Networks that torchvision has: the names of their weights are its names, written out by rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
