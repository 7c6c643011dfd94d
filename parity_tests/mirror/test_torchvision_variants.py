"""Networks whose default is the paper's: with their option they have torchvision's names and sizes.

The names are written out by rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

import ref_torch
from ref_torch.sizes import sizes
from scratch import spec
from scratch.build import construct
from scratch.models.googlenet import TABLE

ALEXNET = (
    *(f"features.{place}" for place in (0, 3, 6, 8, 10)),
    *(f"classifier.{place}" for place in (1, 4, 6)),
)


NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def _with_bias(paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        yield f"{path}.weight"
        yield f"{path}.bias"


def _normalised(path: str) -> Iterator[str]:
    yield f"{path}.conv.weight"
    yield from (f"{path}.bn.{name}" for name in NORM)


def _googlenet(modules: tuple[str, ...]) -> Iterator[str]:
    """Yield the names, a head behind modules 4a and 4d, where they run."""
    for stem in ("conv1", "conv2", "conv3"):
        yield from _normalised(stem)
    heads = {"4a": "aux1", "4d": "aux2"}
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        if name in modules:
            for branch in ("branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1"):
                yield from _normalised(f"inception{name}.{branch}")
            yield from _normalised(f"inception{name}.branch4.1")
        if name in heads:
            yield from _normalised(f"{heads[name]}.conv")
            yield from _with_bias((f"{heads[name]}.fc1", f"{heads[name]}.fc2"))
    yield from _with_bias(("fc",))


KEYS = {
    "alexnet": tuple(_with_bias(ALEXNET)),
    "googlenet": tuple(_googlenet(spec.get("googlenet", "tiny").arguments["modules"])),
}
PARAMETERS = {"alexnet": 61_100_840, "googlenet": 13_004_888}
MULTIPLY_ADDS = {"alexnet": 0.714, "googlenet": 1.498}


@pytest.mark.parametrize("id", KEYS)
def test_the_names_are_torchvisions(id: str) -> None:
    assert tuple(ref_torch.build(id, "tiny", variant="torchvision").state_dict()) == KEYS[id]


def test_all_of_googlenet_has_as_many_names_as_torchvision_has() -> None:
    whole = construct(spec.get("googlenet"), variant="torchvision").state_dict()
    assert tuple(whole) == tuple(_googlenet(tuple(TABLE)))
    # 59 convolutions with their normalisations, 5 linear layers.
    assert len(whole) == 59 * 6 + 5 * 2


def test_googlenet_without_heads_has_the_published_number_of_parameters() -> None:
    model = construct(spec.get("googlenet"), variant="torchvision", aux_logits=False)
    assert sum(math.prod(p.data.shape) for p in model.parameters()) == 6_624_904
    assert not any(name.startswith("aux") for name in model.state_dict())


@pytest.mark.parametrize("id", KEYS)
def test_the_published_number_of_parameters_holds(id: str) -> None:
    model = construct(spec.get(id), variant="torchvision")
    assert sum(math.prod(p.data.shape) for p in model.parameters()) == PARAMETERS[id]


@pytest.mark.parametrize("id", KEYS)
def test_the_published_number_of_multiply_adds_holds(id: str) -> None:
    """Of one image of 224 x 224, in evaluation, to three decimals of a thousand million."""
    chapter = spec.get(id)
    chapter = replace(
        chapter,
        arguments={**chapter.arguments, "variant": "torchvision"},
        data=replace(chapter.data, shape=(3, 224, 224)),
    )
    assert round(sizes(chapter).multiply_adds / 1e9, 3) == MULTIPLY_ADDS[id]
