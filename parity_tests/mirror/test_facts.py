from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest

import ref_torch
import scratch
from parity_tests.mirror.sources import ROOT
from parity_tests.mirror.taps import Call, leaves, scratch_calls, torch_calls
from scratch import spec

TINY_LIMIT = 20_000
BATCH = 3

Build = Callable[..., Any]
TWINS: dict[str, tuple[Build, Callable[[Any, np.ndarray], list[Call]]]] = {
    "scratch": (scratch.build, scratch_calls),
    "ref_torch": (ref_torch.build, torch_calls),
}


def _parameters(model: Any) -> int:
    return sum(prod(p.shape) for _, p in model.named_parameters())


def _calls(twin: str, id: str, size: str) -> tuple[Any, list[Call]]:
    build, calls = TWINS[twin]
    model = build(id, size)
    shape = spec.get(id, size).data.shape
    x = np.random.default_rng(0).standard_normal((BATCH, *shape)).astype(np.float32)
    return model, calls(model, x)


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("id", spec.ids())
def test_the_published_parameter_count_holds(id: str, twin: str) -> None:
    assert _parameters(TWINS[twin][0](id)) == spec.get(id).facts.parameters


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("id", spec.ids())
def test_the_published_shapes_hold(id: str, twin: str) -> None:
    facts = spec.get(id).facts
    measured = dict(_calls(twin, id, "full")[1])
    assert facts.shapes
    for path, shape in facts.shapes.items():
        assert measured[path] == (BATCH, *shape), path


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("size", spec.SIZES)
@pytest.mark.parametrize("id", spec.ids())
def test_every_leaf_runs_once_in_the_order_of_registration(id: str, size: str, twin: str) -> None:
    model, calls = _calls(twin, id, size)
    expected = leaves(model)
    assert [path for path, _ in calls if path in expected] == expected


@pytest.mark.parametrize("size", spec.SIZES)
@pytest.mark.parametrize("id", spec.ids())
def test_both_twins_make_the_same_shapes(id: str, size: str) -> None:
    assert _calls("scratch", id, size)[1] == _calls("ref_torch", id, size)[1]


@pytest.mark.parametrize("id", spec.ids())
def test_the_tiny_size_is_tiny_and_keeps_every_module(id: str) -> None:
    tiny, full = scratch.build(id, "tiny"), scratch.build(id, "full")
    assert _parameters(tiny) < TINY_LIMIT
    kinds = [{type(module).__name__ for _, module in m.named_modules()} for m in (tiny, full)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("id", spec.ids())
def test_the_exact_form_builds_in_both_twins(id: str) -> None:
    exact = spec.get(id, "tiny").exact
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
