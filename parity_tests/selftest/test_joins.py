"""Residual connections, branches and gates: exact, bounded, and blamed where they break."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import ref_torch.nn
from parity_tests.harness import (
    attribution,
    bounds,
    inputs,
    mutants,
    planting,
    runner,
    small_faults,
)
from parity_tests.harness.compare import compare
from parity_tests.harness.levels import exact, judge, oracle
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.pair import Pair, load, with_cotangent
from parity_tests.harness.verdict import Check, Verdict, worst
from parity_tests.harness.visits import reference_trace
from scratch import nn
from scratch.ops.checks import ShapeError

Array = np.ndarray[Any, np.dtype[Any]]

SIDES = (3, 5)


class Block(nn.Module):
    """x + conv(relu(conv(x)))."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.add = nn.Add()
        self.relu2 = nn.ReLU()

    def forward(self, input: Array) -> Array:
        x = self.conv2(self.relu1(self.conv1(input)))
        return self.relu2(self.add(x, input))

    def backward(self, d_output: Array) -> Array:
        dx, d_shortcut = self.add.backward(self.relu2.backward(d_output))
        dx = self.conv1.backward(self.relu1.backward(self.conv2.backward(dx)))
        return dx + d_shortcut


class Branches(nn.Module):
    """Three branches of different width, joined, and gated by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(4, 3, 1)
        self.three = nn.Conv2d(4, 2, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 1, 1)
        self.join = nn.Concat()
        self.gate = nn.Conv2d(9, 9, 1)
        self.relu = nn.ReLU()
        self.multiply = nn.Multiply()

    def forward(self, input: Array) -> Array:
        x = self.join(self.one(input), self.three(input), self.pool(input))
        return self.multiply(x, self.relu(self.gate(x)))

    def backward(self, d_output: Array) -> Array:
        dx, d_gate = self.multiply.backward(d_output)
        dx = dx + self.gate.backward(self.relu.backward(d_gate))
        d_one, d_three, d_pool = self.join.backward(dx)
        dx = self.pool.backward(d_pool) + self.three.backward(d_three)
        return dx + self.one.backward(d_one)


class Joined(nn.Module):
    """A residual block, branches, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3, padding=1)
        self.block = Block()
        self.branches = Branches()
        self.flatten = nn.Flatten()
        self.output = nn.Linear(9 * 3 * 5, 7)

    def forward(self, input: Array) -> Array:
        x = self.branches(self.block(self.stem(input)))
        return self.output(self.flatten(x))

    def backward(self, d_output: Array) -> Array:
        dx = self.flatten.backward(self.output.backward(d_output))
        return self.stem.backward(self.block.backward(self.branches.backward(dx)))


class TorchBlock(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = torch.nn.Conv2d(4, 4, 3, padding=1)
        self.relu1 = torch.nn.ReLU()
        self.conv2 = torch.nn.Conv2d(4, 4, 3, padding=1)
        self.add = ref_torch.nn.Add()
        self.relu2 = torch.nn.ReLU()

    def forward(self, input: torch.Tensor) -> Any:
        x = self.conv2(self.relu1(self.conv1(input)))
        return self.relu2(self.add(x, input))


class TorchBranches(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = torch.nn.Conv2d(4, 3, 1)
        self.three = torch.nn.Conv2d(4, 2, 3, padding=1)
        self.pool = torch.nn.MaxPool2d(3, 1, 1)
        self.join = ref_torch.nn.Concat()
        self.gate = torch.nn.Conv2d(9, 9, 1)
        self.relu = torch.nn.ReLU()
        self.multiply = ref_torch.nn.Multiply()

    def forward(self, input: torch.Tensor) -> Any:
        x = self.join(self.one(input), self.three(input), self.pool(input))
        return self.multiply(x, self.relu(self.gate(x)))


class TorchJoined(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.block = TorchBlock()
        self.branches = TorchBranches()
        self.flatten = torch.nn.Flatten()
        self.output = torch.nn.Linear(9 * 3 * 5, 7)

    def forward(self, input: torch.Tensor) -> Any:
        x = self.branches(self.block(self.stem(input)))
        return self.output(self.flatten(x))


def _pair(seed: int, dtype: str = "float64", integers: bool = False) -> Pair:
    rng = inputs.generator(seed, "joined", integers)
    ours, theirs = Joined(), TorchJoined()
    state = ours.state_dict()
    shape = (attribution.BATCH, 2, *SIDES)
    if integers:
        state, x = inputs.integer_state(state, rng, 2), inputs.integers(rng, shape, 4)
    else:
        state, x = inputs.moved(state, rng, dtype), inputs.signed(rng, shape, dtype)
    load(ours, theirs, state)
    return with_cotangent(Pair("joined", ours, theirs, (x,), np.empty(0)), rng, dtype, integers)


def _level(level: str, seed: int) -> list[Check]:
    if level == "L0":
        return exact.run(_pair(seed, integers=True))
    if level == "L1":
        return oracle.run(_pair(seed), oracle.ENTRIES)
    dtype = "float64" if level == "L2" else "float32"
    return judge.run(_pair(seed, dtype), dtype)


@pytest.mark.parametrize("level", ["L0", "L1", "L2", "L3"])
def test_the_network_is_torch_s(level: str) -> None:
    checks = runner.over_seeds(lambda seed: _level(level, seed), 0, 3)
    assert worst(checks) is Verdict.PASS, [c.divergence() for c in first_divergences(checks)]
    judged = {f"{c.module} {c.tensor}" for c in checks}
    if level != "L1":
        assert {"block.add dx1", "branches.join dx2", "branches.multiply dx0"} <= judged


@pytest.mark.parametrize("form", ["real", pytest.param("exact", marks=pytest.mark.long)])
def test_every_fault_is_attributed(form: str) -> None:
    attempts = attribution.of_pairs(lambda seed: _pair(seed, integers=form == "exact"), form)
    wrong = [attempt for attempt in attempts if not attempt.skipped and not attempt.right]
    assert not wrong, f"{attribution.counts(attempts)}; first: {wrong[0]}"
    tried = {attempt.fault for attempt in attempts if not attempt.skipped}
    assert {
        "backward of block.add (Add) without the gradient of input 1",
        "forward of block.add (Add) without input 0",
        "backward of branches.join (Concat) cut one place later",
        "forward of branches.join (Concat) with its inputs reversed",
        "backward of branches.multiply (Multiply) with its gradients reversed",
        "dx1 of branches.join (Concat) times 1.001",
    } <= tried


@pytest.mark.parametrize("level", ["L0", "L2"])
@pytest.mark.parametrize(
    ("fault", "module"),
    [
        ("residual gradient forgotten", "block.add"),
        ("gradient of one factor uses the wrong factor", "branches.multiply"),
        ("concat split wrong", "branches.join"),
        ("parts joined in the reverse order", "branches.join"),
    ],
)
def test_a_faulty_join_is_blamed_by_its_path(fault: str, module: str, level: str) -> None:
    (planted,) = (one for one in mutants.FAULTS if one.name == fault)
    with planted.planted():
        found = first_divergences(_level(level, 0))
    assert [check.module for check in found] == [module]
    assert f"{found[0].direction} {found[0].tensor}" == planted.blame


def test_a_forgotten_shortcut_says_where_the_whole_run_first_differs() -> None:
    pair = _pair(0)
    fault = next(
        fault
        for fault in small_faults.wiring_faults(pair)
        if fault.name == "backward of block.add (Add) without the gradient of input 1"
    )
    fault.plant(dict(pair.scratch.named_modules())[fault.path])
    (found,) = first_divergences(judge.run(pair, "float64"))
    assert (found.module, found.direction, found.tensor) == ("block", "backward", "dx")
    assert found.note == "every module inside is right: its wiring is wrong"


def test_a_shortcut_of_another_shape_is_refused_by_path() -> None:
    model = Joined()
    planting.swap(model.block.relu1, forward=lambda own, self, x: own(self, x)[..., :-1])
    with pytest.raises(ShapeError) as caught:
        model(np.ones((1, 2, *SIDES), np.float32))
    words = "expects inputs of one shape; got (1, 4, 3, 4), (1, 4, 3, 5)"
    assert str(caught.value) == f"block.add {words}"


@pytest.mark.parametrize("join", [nn.Add(), nn.Multiply()])
def test_a_join_alone_names_its_class(join: nn.Module) -> None:
    with pytest.raises(ShapeError) as caught:
        join(np.ones((2, 3)), np.ones((2, 4)))
    name = type(join).__name__
    assert str(caught.value) == f"{name} expects inputs of one shape; got (2, 3), (2, 4)"


def test_the_reference_sees_the_whole_cotangent_of_what_is_used_twice() -> None:
    """The stem's output feeds the first convolution and the shortcut: both gradients arrive."""
    pair = _pair(0)
    visits = {visit.path: visit for visit in reference_trace(pair).visits}
    found, d_block = visits["stem"].d_output, visits["block"].d_output
    assert found is not None
    assert d_block is not None
    model = pair.scratch_as("float64")
    model(*pair.inputs)
    want = model.block.backward(d_block)
    assert compare(found, want, bounds.whole(want)).verdict is Verdict.PASS
