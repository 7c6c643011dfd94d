"""What training does to be fast: no gradient of the data, and freed memory stays."""

from __future__ import annotations

import numpy as np
import pytest

from scratch import nn, spec
from scratch.build import build
from scratch.run.memory import keep_freed_memory
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


def test_freed_memory_can_be_kept_again_and_again() -> None:
    assert keep_freed_memory() == keep_freed_memory()
