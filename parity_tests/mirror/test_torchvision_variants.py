"""Networks whose default is the paper's: with their option they have torchvision's names and sizes.

The names are written out by rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

import ref_torch
from scratch import spec
from scratch.build import construct

ALEXNET = (
    *(f"features.{place}" for place in (0, 3, 6, 8, 10)),
    *(f"classifier.{place}" for place in (1, 4, 6)),
)


def _with_bias(paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        yield f"{path}.weight"
        yield f"{path}.bias"


KEYS = {"alexnet": tuple(_with_bias(ALEXNET))}
PARAMETERS = {"alexnet": 61_100_840}


@pytest.mark.parametrize("id", KEYS)
def test_the_names_are_torchvisions(id: str) -> None:
    assert tuple(ref_torch.build(id, "tiny", variant="torchvision").state_dict()) == KEYS[id]


@pytest.mark.parametrize("id", KEYS)
def test_the_published_number_of_parameters_holds(id: str) -> None:
    model = construct(spec.get(id), variant="torchvision")
    assert sum(math.prod(p.data.shape) for p in model.parameters()) == PARAMETERS[id]
