"""Twice torch's distance from itself is allowed a deep network, and nothing beyond."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness import bounds, reordered, report
from parity_tests.harness.compare import compare
from parity_tests.harness.local import as_check, judge
from parity_tests.harness.pair import Pair
from parity_tests.harness.run import Result, run_torch
from parity_tests.harness.verdict import SETTLED, Check, Verdict
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]


class Rounds(torch.nn.Module):
    """Returns its input, the first image a little too large, in units of the bound."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x, its first row larger by `by` of the bound of the whole."""
        more = torch.zeros_like(x)
        more[0] = self.by * bounds.whole(x.detach().numpy())
        return x + more


def _settled(off: float, torch_off: float, images: int = 3) -> Check:
    """Return the check of an output that is `off` bounds from torch's."""
    x = np.random.default_rng(0).uniform(0.5, 1.0, (images, 4))
    x[-1, -1] = 1.0  # the largest, so that the bound is known
    module = Rounds(torch_off)
    truth = run_torch(module, (x,), np.ones_like(x))
    limits = {name: bounds.whole(value) for name, value in truth.tensors().items()}
    output = truth.output + off * bounds.whole(truth.output)
    found = Result(output, truth.dx, {})
    checks = judge("L2", "deep", "", "scratch float64", found, truth, limits, {}, "float64")
    checks = reordered.settle(checks, module, (x,), np.ones_like(x), found, truth, limits)
    return next(check for check in checks if check.tensor == "output")


@pytest.mark.parametrize(("off", "torch_off"), [(2.1, 0.6), (8.9, 3.97)])
def test_what_torch_differs_from_itself_by_is_allowed_twice(off: float, torch_off: float) -> None:
    check = _settled(off, torch_off)
    assert check.verdict is Verdict.PASS
    assert check.note.startswith(f"{SETTLED} by the order of the images: scratch {off:.2g} ")
    assert len(report.settled_lines([check])) == 1


@pytest.mark.parametrize(
    ("off", "torch_off"),
    [
        (1.1, 0.0),  # torch is as good as itself
        (2.3, 0.6),  # by more than twice
        (1.1, 4.2),  # the order matters: that is not rounding
        (9.3, 3.97),
    ],
)
def test_what_that_does_not_explain_fails(off: float, torch_off: float) -> None:
    assert _settled(off, torch_off).verdict is Verdict.FAIL


def test_one_image_has_no_other_order() -> None:
    assert _settled(2.1, 0.6, images=1).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("off", "torch_off", "verdict"),
    [(2.1, 0.6, Verdict.PASS), (2.3, 0.6, Verdict.FAIL), (1.1, 4.2, Verdict.FAIL)],
)
def test_a_tap_of_a_whole_run_is_judged_likewise(
    off: float, torch_off: float, verdict: Verdict
) -> None:
    x = np.random.default_rng(0).uniform(0.5, 1.0, (3, 4))
    x[-1, -1] = 1.0
    pair = Pair("deep", nn.Module(), Rounds(torch_off), (x,), np.ones_like(x))
    want = run_torch(pair.torch, (x,), pair.d_output).output
    got = want + off * bounds.whole(want)
    found = compare(got, want, bounds.whole(want))
    check = as_check(found, "L2", "deep", "", "output", "scratch float64 in the whole run")
    tap = reordered.Tap(("", 0), "output", "output", got, want)
    (settled,) = reordered.settle_taps([check], [tap], pair)
    assert check.verdict is Verdict.FAIL
    assert settled.verdict is verdict
