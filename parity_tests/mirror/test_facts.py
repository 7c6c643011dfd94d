from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest

import ref_torch
import scratch
from parity_tests.mirror.sources import ROOT
from parity_tests.mirror.taps import Call, leaves, scratch_calls, torch_calls
from parity_tests.sizes import LARGE_IDS
from ref_torch.build import construct as construct_torch
from ref_torch.sizes import sizes
from scratch import spec
from scratch.build import construct

TINY_LIMIT = 22_000
BATCH = 3

Make = Callable[..., Any]


def _construct_torch(chapter: spec.Chapter) -> Any:
    """Make the torch twin with whatever lies in memory, without the minutes of drawing weights."""
    import torch

    with torch.device("meta"):
        model = construct_torch(chapter)
    return model.to_empty(device="cpu")


TWINS: dict[str, tuple[Make, Callable[..., list[Call]]]] = {
    "scratch": (construct, scratch_calls),
    "ref_torch": (_construct_torch, torch_calls),
}


def _parameters(model: Any) -> int:
    return sum(prod(p.shape) for _, p in model.named_parameters())


@functools.cache
def _calls(twin: str, id: str, size: str) -> tuple[list[str], list[Call]]:
    """Return the paths of the leaves and every call, of one sample if the network is large.

    A network with several outputs in training runs in training: evaluation leaves out its heads.
    """
    make, calls = TWINS[twin]
    chapter = spec.get(id, size)
    model = make(chapter)
    batch = 1 if size == "full" and id in LARGE_IDS else BATCH
    x = np.random.default_rng(0).standard_normal((batch, *chapter.data.shape)).astype(np.float32)
    found = [
        (path, (BATCH, *shape[1:]))
        for path, shape in calls(model, x, bool(chapter.train.loss_weights))
    ]
    return leaves(model), found


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("id", spec.ids())
def test_the_published_parameter_count_holds(id: str, twin: str) -> None:
    assert _parameters(TWINS[twin][0](spec.get(id))) == spec.get(id).facts.parameters


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("id", spec.ids())
def test_the_published_shapes_hold(id: str, twin: str) -> None:
    facts = spec.get(id).facts
    measured = dict(_calls(twin, id, "full")[1])
    assert facts.shapes
    for path, shape in facts.shapes.items():
        assert measured[path] == (BATCH, *shape), path


@pytest.mark.parametrize("id", [id for id in spec.ids() if spec.get(id).facts.multiply_adds])
def test_the_published_multiply_adds_hold(id: str) -> None:
    """To one in the third decimal: one publication cuts off where the others round."""
    facts, found = spec.get(id).facts, sizes(spec.get(id))
    assert facts.multiply_adds is not None
    assert abs(found.multiply_adds / 1e9 - facts.multiply_adds) < 1e-3
    assert found.parameters == facts.parameters
    assert found.stages == facts.shapes


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("size", spec.SIZES)
@pytest.mark.parametrize("id", spec.ids())
def test_every_leaf_runs_once_in_the_order_of_registration(id: str, size: str, twin: str) -> None:
    expected, calls = _calls(twin, id, size)
    assert [path for path, _ in calls if path in expected] == expected


@pytest.mark.parametrize("size", spec.SIZES)
@pytest.mark.parametrize("id", spec.ids())
def test_both_twins_make_the_same_shapes(id: str, size: str) -> None:
    assert _calls("scratch", id, size)[1] == _calls("ref_torch", id, size)[1]


@pytest.mark.parametrize("id", spec.ids())
def test_the_tiny_size_is_tiny_and_keeps_every_module(id: str) -> None:
    tiny, full = construct(spec.get(id, "tiny")), construct(spec.get(id))
    assert _parameters(tiny) < TINY_LIMIT
    kinds = [{type(module).__name__ for _, module in m.named_modules()} for m in (tiny, full)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("id", [id for id in spec.ids() if spec.get(id).exact is not None])
def test_the_exact_form_builds_in_both_twins(id: str) -> None:
    exact = spec.get(id, "tiny").exact
    assert exact is not None
    ours, theirs = scratch.build(id, "tiny", **exact), ref_torch.build(id, "tiny", **exact)
    smooth = {"Sigmoid", "Tanh", "ScaledTanh", "Softmax"}
    for twin in (ours, theirs):
        assert not smooth & {type(module).__name__ for _, module in twin.named_modules()}


def test_every_model_has_a_chapter() -> None:
    used = {spec.get(id).file for id in spec.ids()}
    files = {p.stem for p in (ROOT / "scratch/models").glob("*.py")} - {"__init__"}
    assert used == files


def test_ids_are_unique_and_stand_in_the_order_of_the_book() -> None:
    ids = spec.ids()
    assert ids
    assert len(set(ids)) == len(ids)
    steps = [spec.get(id).step for id in ids]
    assert steps == sorted(steps)
    chapters = [int(spec.get(id).book.removeprefix("ch")) for id in ids]
    assert chapters == sorted(chapters)


@pytest.mark.parametrize("id", spec.ids())
def test_a_chapter_says_where_it_comes_from(id: str) -> None:
    chapter = spec.get(id)
    assert chapter.id == id
    assert chapter.title
    assert chapter.title_zh
    assert chapter.sources
    assert chapter.facts.source.title
    assert all(sentence.endswith(".") for sentence in chapter.deviations)
