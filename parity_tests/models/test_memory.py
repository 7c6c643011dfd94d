"""A training step in NumPy takes bounded memory: less than twice torch's, and no huge array."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.sizes import LARGE_IDS
from scratch import nn
from scratch.ops import linear
from scratch.optim import SGD, base

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
BATCH = 2
MOST_MB = 300  # of one array, at 224 x 224
SMALL = "resnet18 at 64"
SMALL_MOST_MB = MOST_MB * (64 / 224) ** 2
TIMES_TORCH = 2

Measure = Callable[[str, str, int], dict[str, Any]]


@pytest.fixture
def bench_memory(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import _bench_memory

    return _bench_memory


def _within(measured: Measure, name: str, most_mb: float) -> str:
    ours, theirs = (measured(framework, name, BATCH) for framework in ("scratch", "torch"))
    said = (
        f"{name}: {ours['seconds']:.2f} s, {ours['peak_mb']:.0f} MB "
        f"(torch {torch.__version__}: {theirs['seconds']:.2f} s, {theirs['peak_mb']:.0f} MB), "
        f"largest array at most {ours['largest_mb']:.0f} MB, {ours['largest_at']}"
    )
    assert 0 < ours["largest_mb"] < most_mb, said
    assert ours["peak_mb"] < TIMES_TORCH * theirs["peak_mb"], said
    return said


def test_a_step_on_small_images_takes_bounded_memory(bench_memory: Any) -> None:
    _within(bench_memory.measured, SMALL, SMALL_MOST_MB)


@pytest.mark.full
@pytest.mark.parametrize("id", LARGE_IDS)
def test_a_step_at_full_size_takes_bounded_memory(
    id: str, bench_memory: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _within(bench_memory.measured, id, MOST_MB)
    with capsys.disabled():
        print(f"\n{said}")


def test_no_term_of_a_step_is_as_large_as_a_large_parameter(
    bench_memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VGG's first linear layer in small: 4 MB that are worked on a quarter at a time."""
    monkeypatch.setattr(linear, "PART_BYTES", 1 << 20)
    monkeypatch.setattr(base, "BLOCK_BYTES", 1 << 20)
    layer = nn.Linear(1024, 1024)
    optimizer = SGD([layer.weight], 0.1, momentum=0.9, weight_decay=0.1)
    x = np.ones((BATCH, 1024), np.float32)

    def run() -> None:
        layer(x)
        layer.backward(x)
        optimizer.step()

    run()  # which makes the velocity
    size, place = bench_memory.largest_line(run)
    assert 1 << 20 <= size < layer.weight.data.nbytes * 0.75, place


def test_the_largest_array_of_a_run_is_found(bench_memory: Any) -> None:
    """A temporary that is gone at the end of its line, whatever else is kept or small."""

    def deeper() -> float:
        return float((np.zeros(1_000_000) + 2).sum())

    def run() -> float:
        kept = np.zeros(500_000)
        total = kept.sum() + deeper()
        return float(total)

    size, place = bench_memory.largest_line(run)
    assert 8_000_000 <= size < 17_000_000
    assert "deeper" in place


def test_new_gradients_are_no_temporaries(bench_memory: Any) -> None:
    class Layer:
        def zero_grad(self) -> None:
            self.grad = np.zeros_like(np.ones(1_000_000))

    size, _ = bench_memory.largest_line(lambda: (Layer().zero_grad(), np.ones(1000)))
    assert 8000 <= size < 1_000_000
