"""Layers that take and return tuples, and tuples in tuples, under the complex step."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from parity_tests.numeric.recurrent_layers import random_parameters
from scratch import nn
from scratch.gradcheck import complex_step, deviation, directional, finite_difference
from scratch.nn.parameter import Array, Parameter


class Output(NamedTuple):
    """Two outputs with names."""

    picked: Array
    scaled: Array


class Nested(nn.Module):
    """A tuple among the inputs and one among the outputs; None for an input that is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = Parameter(np.array([2.0, 3.0]))

    def forward(self, a: Array, pair: tuple[Array, Array], c: None = None) -> tuple[Array, Output]:
        b, index = pair
        self.save(a, b, index)
        return a * b, Output(b[index], a * self.weight.data)

    def backward(self, d_output: tuple[Array, Output]) -> tuple[Array, tuple[Array, None]]:
        a, b, index = self.saved()
        dy, (d_picked, d_scaled) = d_output
        db = a * dy
        db[index] += d_picked
        self.weight.grad += a * d_scaled
        return b * dy + self.weight.data * d_scaled, (db, None)


@pytest.mark.parametrize("check", [complex_step, directional, finite_difference])
def test_tuples_in_tuples_are_taken_apart_and_put_together(check: Any) -> None:
    inputs = np.array([1.0, -2.0]), (np.array([4.0, 0.5]), np.array(1)), None
    found = check(Nested(), inputs)
    pairs = found[0] if check is finite_difference else found
    assert list(pairs) == ["dx0", "dx1", "weight"]
    assert max(deviation(pairs).values()) < 1e-8


def test_of_a_nest_of_gradients_some_may_be_given() -> None:
    inputs = np.array([1.0, -2.0]), (np.array([4.0, 0.5]), np.array(1))
    given = np.zeros(2), (np.zeros(()), np.array([10.0, 100.0]))
    pairs = complex_step(Nested(), inputs, given)
    assert pairs["weight"][1].tolist() == [10.0, -200.0]
    assert pairs["dx0"][1].tolist() == [20.0, 300.0]
    assert not pairs["dx1"][1].any()
    some = complex_step(Nested(), inputs, (np.zeros(2), None))
    assert some["dx1"][1].any()
    assert deviation(some)["dx1"] < 1e-13


class Encoder(nn.Module):
    """States and cells go from layer to layer beside the output."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.encoder = nn.LSTM(3, 5)
        self.decoder = nn.LSTM(5, 5)

    def forward(self, input: Array) -> Array:
        output, last = self.encoder(self.first(input))
        y: Array = self.decoder(output, last)[0]
        return y

    def backward(self, d_output: Array) -> Array:
        d, d_last = self.decoder.backward((d_output, None))
        dx: Array = self.first.backward(self.encoder.backward((d, d_last)))
        return dx


def test_what_is_reused_of_tuples_changes_no_number() -> None:
    model = random_parameters(Encoder().astype(np.float64))
    x = np.random.default_rng(5).standard_normal((3, 4, 2))
    plain, reused = (complex_step(model, (x,), entries=8, reuse=r) for r in (False, True))
    assert max(deviation(plain).values()) < 1e-13
    for name, pair in plain.items():
        assert pair[1].any()
        assert all(map(np.array_equal, pair, reused[name])), name
