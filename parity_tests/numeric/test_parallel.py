"""On two threads the same numbers as on one, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scratch
from parity_tests.numeric.conftest import Claimed
from scratch import nn
from scratch.ops import parallel

Array = np.ndarray[Any, np.dtype[Any]]

LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "patches, dx by turning": (lambda: nn.Conv2d(6, 5, 3, padding=1), (5, 6, 12, 12)),
    "patches, dx by col2im": (lambda: nn.Conv2d(5, 6, 5, 2, 1), (5, 5, 15, 14)),
    "patches in groups": (lambda: nn.Conv2d(8, 4, 3, groups=2), (4, 8, 12, 12)),
    "few channels": (lambda: nn.Conv2d(3, 24, 7, 2, 3), (3, 3, 20, 20)),
    "taps": (lambda: nn.Conv2d(32, 24, 3, padding=1), (6, 32, 4, 4)),
    "taps, pointwise": (lambda: nn.Conv2d(16, 8, 1), (6, 16, 9, 9)),
    "tiles": (lambda: nn.Conv2d(40, 70, 3, padding=1), (3, 40, 9, 9)),
    "tiles, a piece of a row": (lambda: nn.Conv2d(4, 4, 3, padding=1), (3, 4, 30, 30)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(7), (5, 7, 6, 6)),
    "ReLU": (nn.ReLU, (5, 7, 6, 6)),
}
IN_TILES = [name for name in LAYERS if name.startswith("tiles")]


def _image(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    n, c, h, w = shape
    return rng.standard_normal((n, h, w, c)).astype(np.float32).transpose(0, 3, 1, 2)


def _run(model: nn.Module, shape: tuple[int, ...], mode: str) -> dict[str, Array]:
    """Return what a forward and a backward make, of a model that is drawn anew each time."""
    rng = np.random.default_rng(0)
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    model.zero_grad()
    with nn.conv_mode(mode, always=True):
        y = model(_image(rng, shape))
    d_output = rng.standard_normal(y.shape).astype(np.float32)
    found = {"y": y, "dx": model.backward(d_output)}
    found |= {f"d {name}": parameter.grad for name, parameter in model.named_parameters()}
    return found | dict(model.state_dict())


def _same(a: dict[str, Array], b: dict[str, Array]) -> bool:
    return a.keys() == b.keys() and all(a[k].tobytes() == b[k].tobytes() for k in a)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_the_same_bits_on_two_threads(
    name: str, claim: Callable[[int], Claimed]
) -> None:
    build, shape = LAYERS[name]
    mode = "winograd" if name in IN_TILES else "direct"
    claim(1)
    alone = _run(build(), shape, mode)
    for count in (2, 3):
        claimed = claim(count)
        assert _same(_run(build(), shape, mode), alone)
        assert claimed.shared >= 2, "forward and backward"


@pytest.mark.parametrize("mode", nn.conv_modes.CONV_MODES)
def test_a_residual_network_gives_the_same_bits_on_two_threads(
    mode: str, claim: Callable[[int], Claimed]
) -> None:
    def network() -> nn.Module:
        return scratch.build("resnet18", classes=4, width=8)

    claim(1)
    alone = _run(network(), (4, 3, 32, 32), mode)
    claimed = claim(2)
    assert _same(_run(network(), (4, 3, 32, 32), mode), alone)
    assert claimed.shared > 40


def _without_the_last(queue: parallel._Queue) -> None:
    del queue.todo[0]


def _some_twice(queue: parallel._Queue) -> None:
    number, piece = queue.todo[0]
    queue.todo.insert(0, (number + 1, piece))


def _in_another_order(queue: parallel._Queue) -> None:
    queue.todo = [(len(queue.todo) - 1 - number, piece) for number, piece in queue.todo]


@pytest.mark.parametrize("fault", [_without_the_last, _some_twice, _in_another_order])
@pytest.mark.parametrize("name", ["patches, dx by turning", "taps, pointwise", *IN_TILES])
def test_a_fault_in_sharing_pieces_changes_bits(
    name: str,
    fault: Callable[[parallel._Queue], None],
    claim: Callable[[int], Claimed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build, shape = LAYERS[name]
    mode = "winograd" if name in IN_TILES else "direct"
    claim(1)
    alone = _run(build(), shape, mode)
    share = parallel._share

    def faulty(queue: parallel._Queue, count: int) -> None:
        fault(queue)
        share(queue, count)

    monkeypatch.setattr(parallel, "_share", faulty)
    claim(2)
    assert not _same(_run(build(), shape, mode), alone)
