"""Every chapter through L0 to L3, from the registry."""

from __future__ import annotations

import pytest

from parity_tests.harness import runner
from parity_tests.harness.levels import trajectory
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.verdict import Verdict, worst
from parity_tests.sizes import EVERY_SIZE, SIBLING_IDS
from scratch import spec

ENGINES = ("scratch float32", "scratch float64", "torch float32", "ONNX Runtime float32")


@pytest.mark.parametrize(("dtype", "levels"), [("float64", "L0 L1 L2"), ("float32", "L3")])
@pytest.mark.parametrize(("id", "size"), EVERY_SIZE)
def test_the_twins_are_one_network(id: str, dtype: str, levels: str, size: str) -> None:
    checks = runner.check_chapter(id, size, dtype, 0, levels.split())
    assert {check.level for check in checks} == _applying(id, levels)
    assert worst(checks) is Verdict.PASS, [c.divergence() for c in first_divergences(checks)]


@pytest.mark.parametrize(("dtype", "levels"), [("float64", "L0 L1 L2 L5"), ("float32", "L3 L6")])
@pytest.mark.parametrize("id", SIBLING_IDS)
def test_a_sibling_passes_every_level_once(
    id: str, dtype: str, levels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trajectory, "usual_steps", lambda *_: 10)
    checks = runner.check_chapter(id, "tiny", dtype, 0, levels.split(), seeds=1)
    assert {check.level for check in checks} == _applying(id, levels)
    assert worst(checks) is Verdict.PASS, [c.divergence() for c in first_divergences(checks)]


def _applying(id: str, levels: str) -> set[str]:
    """Return the levels of a choice that apply to a chapter: L0 to those with an exact form."""
    return {level for level in levels.split() if level != "L0" or spec.get(id).exact is not None}


@pytest.mark.parametrize("size", spec.SIZES)
def test_lenet_is_exact_in_every_engine(size: str) -> None:
    checks = runner.check_chapter("lenet5", size, "float64", 0, ["L0"])
    assert {check.engine for check in checks} == set(ENGINES)
    assert all(check.used == 0 for check in checks)
    for engine in ENGINES[:3]:
        tensors = {(c.module, c.tensor) for c in checks if c.engine == engine}
        assert {("", "output"), ("", "dx"), ("c1", "weight"), ("c3", "weight")} <= tensors
