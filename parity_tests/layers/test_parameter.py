"""The gradient of a parameter: the first term is taken as it is, and is added to from then on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scratch import nn
from scratch.nn import Parameter
from scratch.ops import conv_taps

Array = np.ndarray[Any, np.dtype[Any]]


def test_the_first_gradient_is_taken_and_the_second_is_added() -> None:
    parameter, first = Parameter(np.zeros(3)), np.arange(3.0)
    parameter.add_grad(first)
    assert parameter.grad is first
    parameter.add_grad(np.ones(3))
    assert parameter.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_gradient_that_somebody_holds_outlives_zero_grad() -> None:
    """Also one that was asked for while it was zero: from then on it is that array."""
    parameter = Parameter(np.zeros(2))
    parameter.add_grad(np.ones(2))
    held = parameter.grad
    parameter.zero_grad()
    zeros = parameter.grad
    assert zeros.tolist() == [0.0, 0.0]
    parameter.add_grad(np.full(2, 5.0))
    assert parameter.grad is zeros
    assert held.tolist() == [1.0, 1.0]
    assert zeros.tolist() == [5.0, 5.0]


@pytest.mark.parametrize(
    "term",
    [
        np.ones((4, 32, 3, 3), np.float32),  # another order of the axes in memory
        conv_taps.kernels((4, 32, 3, 3)).astype(np.int32) + 1,  # other numbers of the same size
    ],
    ids=["layout", "dtype"],
)
def test_a_gradient_lies_in_memory_like_its_parameter(term: Array) -> None:
    parameter = Parameter(conv_taps.kernels((4, 32, 3, 3)))
    parameter.add_grad(term)
    assert parameter.grad is not term
    assert parameter.grad.strides == parameter.data.strides != np.ones((4, 32, 3, 3)).strides
    assert parameter.grad.dtype == parameter.data.dtype
    assert np.array_equal(parameter.grad, np.ones(parameter.shape))


def test_a_gradient_of_another_shape_is_no_gradient() -> None:
    parameter = Parameter(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="broadcast"):
        parameter.add_grad(np.zeros((4, 3)))
    assert parameter.grad.shape == (2, 3)


def test_converting_a_parameter_converts_the_gradient_that_it_has() -> None:
    parameter = Parameter(np.zeros(2))
    parameter.add_grad(np.array([1.0, 2.0]))
    parameter.astype(np.float32)
    assert parameter.grad.dtype == np.float32
    assert parameter.grad.tolist() == [1.0, 2.0]
    parameter.zero_grad()
    parameter.astype(np.float64)
    assert parameter.grad.dtype == np.float64


LAYERS = {
    "linear": (lambda: nn.Linear(3, 4), (2, 3)),
    "convolution": (lambda: nn.Conv2d(2, 4, 3), (2, 2, 5, 5)),
    "pointwise convolution": (lambda: nn.Conv2d(2, 4, 1), (2, 2, 5, 5)),
    "kernel as large as the image": (lambda: nn.Conv2d(2, 4, 5), (64, 2, 5, 5)),
    "table": (lambda: nn.TableConv2d(2, [[0], [0, 1]], 3), (2, 2, 5, 5)),
    "scale": (lambda: nn.ChannelScale(2), (2, 2, 5, 5)),
    "batch normalisation": (lambda: nn.BatchNorm2d(2), (2, 2, 5, 5)),
}


@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("mode", ["direct", "winograd"])
def test_a_layer_hands_its_gradients_over(make: Any, shape: tuple[int, ...], mode: str) -> None:
    """What it hands over it keeps no hold of: no later pass writes there, nor is it given twice."""
    rng = np.random.default_rng(0)
    layer, x = make(), rng.standard_normal(shape).astype(np.float32)
    held: list[Array] = []
    with nn.conv_mode(mode):
        for _ in range(3):
            layer.zero_grad()
            y = layer(x)
            dy = rng.standard_normal(y.shape).astype(np.float32)
            dx = layer.backward(dy)
            held += [p.grad for p in layer.parameters()] + [dx, y, dy]
    copies = [array.copy() for array in held]
    layer.zero_grad()
    y = layer(x)
    layer.backward(np.ones_like(y))
    for parameter in layer.parameters():
        parameter.grad[...] = 7  # as an accumulating backward would
    assert all(np.array_equal(a, b) for a, b in zip(held, copies, strict=True))
    mine = [p.grad for p in layer.parameters()] + [p.data for p in layer.parameters()] + [x, y]
    for number, one in enumerate(mine):
        assert not any(np.may_share_memory(one, other) for other in mine[:number])
