from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import ref_torch
import scratch
from parity_tests.sizes import SMALL_IDS
from scratch import spec

Case = tuple[str, str]
CASES: list[Case] = [
    (id, size) for id in spec.ids() for size in spec.SIZES if size == "tiny" or id in SMALL_IDS
]


def _twins(case: Case, seed: int = 0) -> tuple[Any, Any]:
    return scratch.build(*case, seed=seed), ref_torch.build(*case, seed=seed)


def _arrays(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in state.items()}


def _assert_equal(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert value.shape == theirs[name].shape, name
        assert value.dtype == theirs[name].dtype, name
        assert np.array_equal(value, theirs[name]), name


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_names_order_shapes_and_initial_values_are_equal(case: Case) -> None:
    ours, theirs = _twins(case, seed=3)
    _assert_equal(ours.state_dict(), _arrays(theirs.state_dict()))
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_trees_of_modules_are_equal(case: Case) -> None:
    ours, theirs = (
        [(path, type(module).__name__) for path, module in twin.named_modules()]
        for twin in _twins(case)
    )
    assert ours == theirs


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_state_loads_both_ways_as_it_is(case: Case) -> None:
    ours, theirs = _twins(case)
    rng = np.random.default_rng(1)
    moved = {
        name: rng.standard_normal(value.shape).astype(value.dtype)
        for name, value in ours.state_dict().items()
    }
    ours.load_state_dict(moved, strict=True)
    theirs.load_state_dict(
        {name: torch.from_numpy(value) for name, value in ours.state_dict().items()}, strict=True
    )
    _assert_equal(_arrays(theirs.state_dict()), moved)
    fresh, _ = _twins(case, seed=5)
    fresh.load_state_dict(_arrays(theirs.state_dict()), strict=True)
    _assert_equal(fresh.state_dict(), moved)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_loading_casts_to_the_dtype_of_the_model(case: Case) -> None:
    ours, theirs = _twins(case)
    ours.astype(np.float64).load_state_dict(_arrays(theirs.state_dict()))
    kinds = {value.dtype for value in ours.state_dict().values()}
    assert kinds - {np.dtype(np.int64)} == {np.dtype(np.float64)}  # a counter stays a counter


@pytest.mark.parametrize("id", spec.ids())
@pytest.mark.parametrize("fault", ["missing", "unexpected", "shape"])
def test_both_refuse_a_state_that_does_not_fit_and_load_nothing(id: str, fault: str) -> None:
    ours, theirs = _twins((id, "tiny"))
    before = ours.state_dict()
    state = {name: np.asarray(value + 1) for name, value in before.items()}
    name = list(state)[-1]
    if fault == "missing":
        del state[name]
    elif fault == "unexpected":
        state["extra.weight"] = state[name]
    else:
        state[name] = np.zeros((1, *state[name].shape), np.float32)
    with pytest.raises((KeyError, ValueError), match=name if fault != "unexpected" else "extra"):
        ours.load_state_dict(state)
    with pytest.raises(RuntimeError):
        theirs.load_state_dict({n: torch.from_numpy(v) for n, v in state.items()})
    _assert_equal(ours.state_dict(), before)


@pytest.mark.parametrize("id", spec.ids())
def test_a_handed_out_state_is_a_copy(id: str) -> None:
    ours, _ = _twins((id, "tiny"))
    state = ours.state_dict()
    for value in state.values():
        value += 1
    assert not any(np.array_equal(state[n], v) for n, v in ours.state_dict().items())
