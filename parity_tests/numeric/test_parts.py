"""A batch that is worked on in parts gives what it gives as a whole, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scratch import nn
from scratch.ops import parts

Array = np.ndarray[Any, np.dtype[Any]]
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "BatchNorm2d": (lambda: nn.BatchNorm2d(7), (5, 7, 6, 6)),
    "BatchNorm2d without scale": (lambda: nn.BatchNorm2d(7, affine=False), (5, 7, 6, 6)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(9), (23, 9)),
    "ReLU": (nn.ReLU, (5, 7, 6, 6)),
}


def _run(layer: nn.Module, shape: tuple[int, ...], order: str) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape)).astype(np.float32)
    if order == "channels last":
        x, dy = (np.moveaxis(np.ascontiguousarray(np.moveaxis(v, 1, -1)), -1, 1) for v in (x, dy))
    for parameter in layer.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    found = {"y": layer(x), "dx": layer.backward(dy), **layer.state_dict()}
    return found | {f"d {name}": parameter.grad for name, parameter in layer.named_parameters()}


@pytest.mark.parametrize("order", ["channels first", "channels last"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_the_same_bits_in_parts(
    name: str, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, shape = LAYERS[name]
    whole = _run(build(), shape, order)
    empty_like = np.empty_like
    monkeypatch.setattr(np, "empty_like", lambda *a, **k: _spoilt(empty_like(*a, **k)))
    for size in (1, 64, 500):
        monkeypatch.setattr(parts, "PART", size)
        found = _run(build(), shape, order)
        assert found.keys() == whole.keys()
        for key, value in whole.items():
            assert found[key].tobytes() == value.tobytes(), (key, size)


def _spoilt(array: Array) -> Array:
    """Fill what nobody has written with NaN: an earlier result must not show through."""
    array.fill(np.nan)
    return array


def test_every_image_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART", 10)
    for x in (np.zeros((7, 3)), np.zeros((7, 30)), np.zeros((2, 5)), np.zeros((3, 7)).T):
        asked: list[slice] = []
        parts.over_batch(asked.append, x)
        assert [row for part in asked for row in range(len(x))[part]] == list(range(len(x)))
    assert asked == [slice(0, 7)], "the batch lies innermost"
