"""How deep a network may be for integers to keep the 24 bits of float32 from end to end.

Of the draws of weights and inputs that L0 may take, one must be exact at every module, forward and
backward. Measured with seeds 0 to 4, the draw that is: DenseNet with three layers in each block 1,
1, 3, 21, 11 (with four: 8, none, 3, none, none); ResNet-20 8, 7, 2, 4, 4; ResNet-26, which has a
block more in each stage, none of 24 five times: the least of their largest sums is 2^25.2 units.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from parity_tests.harness.levels import exact
from parity_tests.harness.pair import Pair, of_chapter
from parity_tests.harness.runner import DRAWS, redrawn
from parity_tests.harness.verdict import Check, Verdict, worst

WITH_WEIGHTS = ("ConvolutionBackward0", "AddmmBackward0")


def _depth(pair: Pair) -> int:
    """Return the layers with weights on the longest way from the input to an output."""
    output: Any = pair.torch(*map(torch.from_numpy, pair.inputs))
    behind: dict[Any, int] = {}
    waiting = [output.grad_fn]
    while waiting:
        node = waiting[-1]
        before = [other for other, _ in node.next_functions if other is not None]
        if missing := [other for other in before if other not in behind]:
            waiting += missing
            continue
        own = type(node).__name__ in WITH_WEIGHTS
        behind[node] = own + max((behind[other] for other in before), default=0)
        waiting.pop()
    return behind[output.grad_fn]


def _pair(id: str, each: int, parts: int, seed: int) -> Pair:
    deeper = {"layers": (each,) * parts} if parts else {}
    return of_chapter(id, seed=seed, exact=True, **deeper)


def _judged(id: str, each: int, parts: int, draws: int = DRAWS) -> list[Check]:
    return redrawn(lambda at: exact.run(_pair(id, each, parts, at)), 0, draws=draws)


@pytest.mark.parametrize(
    ("id", "each", "parts", "depth"),
    [("densenet121", 3, 4, 29), ("resnet20", 3, 3, 20), ("vgg19", 0, 0, 19)],
)
def test_the_deepest_exact_networks(id: str, each: int, parts: int, depth: int) -> None:
    """A DenseNet of 29 layers; ResNet-20 and VGG-19 with all of their layers."""
    assert _depth(_pair(id, each, parts, 0)) == depth
    checks = _judged(id, each, parts)
    assert worst(checks) is Verdict.PASS
    assert {check.used for check in checks} == {0.0}
    assert {check.engine for check in checks} >= {"scratch float32", "ONNX Runtime float32"}


def test_one_block_more_in_each_stage_needs_more_than_24_bits() -> None:
    checks = _judged("resnet20", 4, 3, draws=8)
    assert {c.verdict for c in checks if c.engine == "torch float64"} == {Verdict.MISTRUSTED}
    assert any("2^24 are exact" in check.note for check in checks)
    assert not any(check.engine.startswith("scratch") for check in checks), "nothing is claimed"
