"""What training does to be fast: no gradient of the data, and freed memory stays."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from scratch import nn, optim, spec, train
from scratch.build import build
from scratch.data import load
from scratch.run import memory
from scratch.train import build_loss

CHAPTERS = ("linear_regression", "mlp_mnist", "lenet5")


@pytest.mark.parametrize("id", CHAPTERS)
@pytest.mark.parametrize("count", [3, 17])
def test_parameters_get_the_same_gradients(id: str, count: int) -> None:
    chapter = spec.get(id)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((count, *chapter.data.shape)).astype(np.float32)
    target = np.arange(count) % 10 if chapter.data.task == "multiclass" else x[:, :1]
    found = []
    for left_out in (False, True):
        model, criterion = build(id), build_loss(chapter.train)
        with nn.no_gradient_of(x if left_out else np.empty(0)):
            criterion(model(x), target)
        dx = model.backward(criterion.backward(1.0))
        assert dx.shape == x.shape
        assert bool(np.isnan(dx).all()) is left_out
        found.append([parameter.grad for parameter in model.parameters()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_the_data_alone() -> None:
    layer = nn.Linear(3, 2)
    x = np.ones((4, 3), np.float32)
    for input, left_out in ((x, True), (x[1:], True), (x.copy(), False)):
        with nn.no_gradient_of(x):
            layer(input)
        dx = layer.backward(np.ones((len(input), 2), np.float32))
        assert bool(np.isnan(dx).any()) is left_out
    layer(x)  # the block is over
    assert not np.isnan(layer.backward(np.ones((4, 2), np.float32))).any()


PAGES = """
import json, resource
import numpy as np
from scratch.run import memory

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(1 << 23)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

kept = memory.keep_freed_memory()
first, again = new_pages(), new_pages()
handed_back = memory.hand_back_freed_memory()
print(json.dumps([kept, handed_back, first, again, new_pages()]))
"""


def test_pages_are_made_once_until_they_are_handed_back() -> None:
    """Counted by the system, in a process of its own; only glibc has the setting."""
    run = subprocess.run([sys.executable, "-c", PAGES], capture_output=True, text=True, check=True)
    kept, handed_back, first, again, after = json.loads(run.stdout)
    assert kept == handed_back
    assert min(first, after) > 0
    if kept:
        assert again < min(first, after) / 8, (first, again, after)


@pytest.mark.parametrize("ends", [None, KeyboardInterrupt, MemoryError])
def test_training_hands_its_memory_back_however_it_ends(
    ends: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(memory, "keep_freed_memory", lambda: done.append("kept"))
    monkeypatch.setattr(memory, "hand_back_freed_memory", lambda: done.append("handed back"))

    def step(self: Any) -> None:
        done.append("step")
        if ends is not None:
            raise ends

    monkeypatch.setattr(optim.SGD, "step", step)
    chapter = spec.get("linear_regression")
    ended = contextlib.nullcontext() if ends is None else pytest.raises(ends)
    with ended:
        train.fit(chapter, build(chapter.id), load(chapter), epochs=1, progress=False)
    assert [done[0], done[1], done[-1]] == ["kept", "step", "handed back"]
    assert done.count("handed back") == 1
