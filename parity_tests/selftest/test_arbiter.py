"""Long double says who is off where two float64 sides disagree, and excuses no fault of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness import arbiter, bounds, cases, inputs, planting, report
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.levels import judge
from parity_tests.harness.local import tolerances
from parity_tests.harness.pair import Pair, load
from parity_tests.harness.run import is_buffer, run_torch
from parity_tests.harness.verdict import SETTLED, Check, Verdict, worst
from scratch import nn
from scratch.ops import norm

Array = np.ndarray[Any, np.dtype[Any]]

SHAPE = (2, 3, 56, 56)
ON = 120  # one entry in so many is not zero
SEEDS = range(5)


def _nearly_shut(seed: int) -> Pair:
    """Return a batch normalisation of channels that a rectifier has shut almost everywhere."""
    rng = np.random.default_rng(seed)
    ours, theirs = nn.BatchNorm2d(SHAPE[1]), torch.nn.BatchNorm2d(SHAPE[1])
    load(ours, theirs, inputs.moved(ours.state_dict(), rng))
    x = np.zeros(SHAPE)
    on = rng.permutation(x.size)[: x.size // ON]
    x.reshape(-1)[on] = rng.uniform(0.01, 0.3, on.size)
    return Pair("nearly shut", ours, theirs, (x,), inputs.signed(rng, SHAPE))


def _output(checks: list[Check]) -> Check:
    return next(c for c in checks if c.tensor == "output" and "whole run" not in c.engine)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_that_is_off_is_named_and_we_are_not_blamed(seed: int) -> None:
    checks = judge.run(_nearly_shut(seed), "float64")
    assert worst(checks) is Verdict.PASS
    settled = _output(checks)
    assert settled.note.startswith(SETTLED)
    assert settled.used <= 1
    line = report.settled_lines(checks)[0]
    assert line.startswith(
        f"forward (nearly shut) output: {SETTLED} in long double, torch is off: scratch 0."
    )


@pytest.mark.parametrize("seed", [0, 2, 3, 4])  # with seed 1 it errs as torch does, and by less
def test_sums_like_the_reference_s_are_no_excuse(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours adds number by number too, from the other end: then both are off, and ours fails."""

    def channel_sum(x: Array, of: Callable[[slice], Array] | None = None) -> Array:
        values = x if of is None else of(slice(0, len(x)))
        rows = np.moveaxis(values, 1, -1).reshape(-1, x.shape[1])
        total: Array = np.add.accumulate(rows[::-1])[-1]
        return total

    monkeypatch.setattr(norm, "channel_sum", channel_sum)
    found = _output(judge.run(_nearly_shut(seed), "float64"))
    assert found.verdict is Verdict.FAIL
    assert "in long double scratch" in found.note


@pytest.mark.parametrize("size", [1e-11, 1e-3])
def test_a_fault_of_ours_beside_one_of_the_reference_still_fails(size: float) -> None:
    pair = _nearly_shut(0)
    planting.swap(pair.scratch, forward=lambda own, self, x: own(self, x) * (1 + size))
    found = _output(judge.run(pair, "float64"))
    assert found.verdict is Verdict.FAIL
    assert "in long double scratch" in found.note


def test_a_reference_that_errs_by_more_than_rounding_settles_nothing() -> None:
    """Then the formula in long double is as suspect as the reference."""
    pair = _nearly_shut(0)

    class BatchNorm2d(torch.nn.BatchNorm2d):
        """torch's with an output that is off."""

        def forward(self, input: torch.Tensor) -> torch.Tensor:
            """Return a little more."""
            return super().forward(input) * (1 + 1e-9)

    pair.torch.__class__ = BatchNorm2d
    found = _output(judge.run(pair, "float64"))
    assert found.verdict is Verdict.FAIL
    assert "in long double scratch 0." in found.note


@pytest.mark.parametrize(
    "case", [case for name in arbiter.FORMULAS for case in cases.of_layer(name)], ids=str
)
def test_the_formulas_are_torch_s(case: Any) -> None:
    """In every setting, and each tensor within the bound of one side."""
    pair = of_case(case)
    (x,), module = pair.inputs, pair.torch
    truth = run_torch(module, (x,), pair.d_output)
    limits = tolerances(module, (x,), pair.d_output, truth, "float64", 1)
    wide = (x.astype(arbiter.Wide), pair.d_output.astype(arbiter.Wide))
    _, exact = arbiter.FORMULAS[type(module).__name__](module, *wide)
    counted = {n for n in truth.tensors() if module.training or not is_buffer(n)}
    counted -= {"num_batches_tracked"}
    assert counted <= set(exact)
    for name in counted:
        error = np.abs(truth.tensors()[name] - exact[name])
        assert (error <= limits[name]).all(), name


def _under_a_mean(seed: int) -> Pair:
    """Return a convolution whose cotangent is one number a map, shut in four places of ten."""
    rng = np.random.default_rng(seed)
    ours, theirs = nn.Conv2d(3, 64, 3, padding=1), torch.nn.Conv2d(3, 64, 3, padding=1)
    load(ours, theirs, inputs.moved(ours.state_dict(), rng))
    x, per_map = inputs.signed(rng, (2, 3, 14, 14)), inputs.signed(rng, (2, 64, 1, 1))
    d_output = per_map * (rng.random((2, 64, 14, 14)) < 0.6)
    x, d_output = (value.astype(np.float32).astype(np.float64) for value in (x, d_output))
    for value in theirs.state_dict().values():
        value.copy_(value.float())
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    return Pair("under a mean", ours, theirs, (x,), d_output)


def _of_bias(checks: list[Check], twin: str) -> Check:
    engine = f"{twin} float32"
    return next(c for c in checks if c.tensor == "bias" and c.engine == engine)


@pytest.mark.parametrize("seed", SEEDS)
def test_equal_terms_of_a_bias_are_judged_by_the_worst_case_on_torch_s_side_only(seed: int) -> None:
    checks = judge.run(_under_a_mean(seed), "float32")
    assert worst(checks) is Verdict.PASS
    settled = _of_bias(checks, "torch")
    assert settled.note.startswith(f"{SETTLED} against float64, torch is off: scratch 0.")
    assert settled.used <= 1
    assert _of_bias(checks, "scratch").used <= 1 / 2
    assert len(report.settled_lines(checks)) == 1


@pytest.mark.parametrize("size", [1e-5, 1e-2])
def test_a_bias_that_is_off_in_scratch_settles_nothing(size: float) -> None:
    pair = _under_a_mean(0)

    def backward(own: Any, self: Any, dy: Array) -> Array:
        dx: Array = own(self, dy)
        self.bias.grad *= np.float32(1 + size)
        return dx

    planting.swap(pair.scratch, backward=backward)
    checks = judge.run(pair, "float32")
    assert _of_bias(checks, "scratch").verdict is Verdict.FAIL
    assert _of_bias(checks, "torch").verdict is Verdict.FAIL


def test_a_bias_that_torch_gets_wrong_by_more_than_rounding_still_fails() -> None:
    pair = _under_a_mean(0)
    checks = judge.run(pair, "float32")
    ours = [c for c in checks if c.engine == "scratch float32"]
    theirs = [_of_bias(checks, "torch")]
    K, maps = 2 * 14 * 14, 64
    worst_case = bounds.worst_over_probable(K, maps)
    for used, verdict in ((worst_case * 0.99, Verdict.PASS), (worst_case * 1.01, Verdict.FAIL)):
        failing = [replace(c, verdict=Verdict.FAIL, used=used) for c in theirs]
        found = arbiter.settle_torch(ours, failing, pair.torch, pair.d_output)
        assert [c.verdict for c in found] == [verdict]
    other = [replace(c, verdict=Verdict.FAIL, used=2.0, tensor="weight") for c in theirs]
    assert arbiter.settle_torch(ours, other, pair.torch, pair.d_output) == other
