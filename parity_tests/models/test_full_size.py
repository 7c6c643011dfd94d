"""The published networks at their published size: every tap against float64, time and memory."""

from __future__ import annotations

import resource
import time

import pytest

from parity_tests.harness import report, runner
from parity_tests.harness.levels import judge
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.pair import of_chapter
from parity_tests.harness.verdict import Check, Verdict, worst
from parity_tests.sizes import LARGE_IDS

BATCH = 2


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("id", LARGE_IDS)
def test_every_tap_at_full_size(id: str, dtype: str, capsys: pytest.CaptureFixture[str]) -> None:
    """L2 or L3: output, input gradient and all parameter gradients of every module."""

    def run(seed: int) -> list[Check]:
        return judge.run(of_chapter(id, "full", seed, dtype, batch=BATCH), dtype)

    start = time.perf_counter()
    checks = runner.redrawn(run, 0)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    settled = report.settled_lines(checks)
    with capsys.disabled():
        print(
            f"\n{id} {dtype}: {len(checks)} tensors, {seconds:.0f} s, "
            f"largest share of a bound {max(check.used for check in checks):.2f}, "
            f"most memory of this process so far {peak:.1f} GB"
        )
        print("\n".join(settled), end="\n" if settled else "")
    assert worst(checks) is Verdict.PASS, [c.divergence() for c in first_divergences(checks)]
