"""Large parameters are worked on in parts, which must give what the whole gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from scratch import nn, optim
from scratch.nn import Parameter
from scratch.ops import conv_taps, linear
from scratch.ops.checks import ShapeError
from scratch.optim import base

Array = np.ndarray[Any, np.dtype[Any]]

OPTIMISERS: dict[str, Callable[[list[Parameter]], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, 0.1),
    "SGD, everything": lambda p: optim.SGD(p, 0.1, 0.9, 0.3, 0.01),
    "SGD, Nesterov, climbing": lambda p: optim.SGD(p, 0.1, 0.9, nesterov=True, maximize=True),
    "Adam": lambda p: optim.Adam(p, 0.1, weight_decay=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, 0.1),
    "Adagrad": lambda p: optim.Adagrad(p, 0.1, initial_accumulator_value=0.5),
    "Adadelta": lambda p: optim.Adadelta(p, weight_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, 0.1, momentum=0.9, centered=True),
    "BookSGD": lambda p: optim.BookSGD(p, 0.1, 0.9),
    "BookRMSprop": lambda p: optim.BookRMSprop(p, 0.1),
}


def _walked(make: Callable[[list[Parameter]], optim.Optimizer]) -> Iterator[Array]:
    """Yield parameters and state after three steps."""
    rng = np.random.default_rng(0)
    shapes = ((7, 3), (2,), (5, 2, 2))
    parameters = [Parameter(rng.standard_normal(shape)) for shape in shapes]
    optimizer = make(parameters)
    for _ in range(3):
        for parameter in parameters:
            parameter.grad[...] = rng.standard_normal(parameter.shape)
        optimizer.step()
    yield from (parameter.data for parameter in parameters)
    yield from optimizer.state_dict().values()


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("block", [1, 24, 50, 2400])  # a row at a time, two of three, a few, all
def test_an_optimiser_takes_the_same_step_in_blocks(
    make: Callable[[list[Parameter]], optim.Optimizer], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(_walked(make))
    monkeypatch.setattr(base, "BLOCK_BYTES", block)
    parts = list(_walked(make))
    assert len(parts) == len(whole)
    assert all(np.array_equal(a, b) for a, b in zip(parts, whole, strict=True))


@pytest.mark.parametrize("make", OPTIMISERS.values(), ids=OPTIMISERS)
def test_moments_lie_in_memory_like_their_parameter(
    make: Callable[[list[Parameter]], optim.Optimizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a step, in one block or many, and when they come from a file, in the usual order."""
    weight = Parameter(conv_taps.kernels((4, 32, 3, 3)))
    assert not weight.data.flags.c_contiguous
    for block in (1 << 20, 1):
        monkeypatch.setattr(base, "BLOCK_BYTES", block)
        optimizer = make([weight])
        optimizer.step()
        for _ in range(2):
            for moment in optimizer._state[0].values():
                assert moment.strides == weight.data.strides
            optimizer.load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize("part", [1, 60, 1 << 20])
@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3)], ids=str)
def test_a_linear_layer_gives_the_same_gradients_in_parts(
    part: int, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On integers, whose sums do not depend on the order; twice, for gradients add up."""
    rng = np.random.default_rng(0)
    layer = nn.Linear(3, 7).astype(np.float64)
    layer.weight.data[...] = rng.integers(-8, 9, (7, 3))
    x = rng.integers(-8, 9, shape).astype(np.float64)
    dy = rng.integers(-8, 9, (*shape[:-1], 7)).astype(np.float64)
    monkeypatch.setattr(linear, "PART_BYTES", part)
    for _ in range(2):
        layer(x)
        dx = layer.backward(dy)
    assert np.array_equal(dx, dy @ layer.weight.data)
    rows, d_rows = x.reshape(-1, 3), dy.reshape(-1, 7)
    assert np.array_equal(layer.weight.grad, 2 * d_rows.T @ rows)
    assert layer.bias is not None
    assert np.array_equal(layer.bias.grad, 2 * d_rows.sum(0))


def test_parts_cut_no_gradient_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "PART_BYTES", 1)
    layer = nn.Linear(3, 7)
    layer(np.ones((2, 3), np.float32))
    with pytest.raises(ShapeError, match="2, 7"):
        layer.backward(np.ones((2, 8), np.float32))
