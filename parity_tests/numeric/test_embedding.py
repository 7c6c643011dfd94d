"""The lookup table by itself: repeated and padding rows, memory, refusals, initial values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from parity_tests.numeric.recurrent_layers import Several
from parity_tests.numeric.tolerance import assert_close, assert_exact
from scratch import nn
from scratch.gradcheck import complex_step, deviation, directional, finite_difference
from scratch.ops.checks import ShapeError

INDICES = np.array([[3, 0, 3, 1], [0, 3, 5, 3]])


def made(**options: Any) -> nn.Embedding:
    table = nn.Embedding(7, 3, **options).astype(np.float64)
    table.weight.data[...] = np.random.default_rng(0).standard_normal((7, 3))
    return table


@pytest.mark.parametrize("options", [{}, {"padding_idx": 3}, {"padding_idx": -2}], ids=str)
def test_gradients_are_those_of_the_complex_step(options: dict[str, Any]) -> None:
    """To learning the row of the padding is a constant, so none of the checks moves it."""
    table = made(**options)
    for check in (complex_step, directional):
        pairs = check(table, (INDICES,))
        assert list(pairs) == ["weight"]
        assert deviation(pairs)["weight"] < 1e-13
    pairs, _ = finite_difference(table, (INDICES,))
    assert deviation(pairs)["weight"] < 1e-8


@pytest.mark.parametrize("check", [complex_step, directional, finite_difference])
def test_a_padding_row_that_learns_is_seen(check: Any) -> None:
    class Learning(nn.Embedding):
        def backward(self, d_output: Any) -> None:
            super().backward(d_output)
            self.weight.grad[3] += 1e-3

    table = Learning(7, 3, padding_idx=3).astype(np.float64)
    found = check(table, (INDICES,))
    pairs = found[0] if isinstance(found, tuple) else found
    assert deviation(pairs)["weight"] > 1e-5


def test_repeated_indices_add_and_indices_have_no_gradient() -> None:
    table = made()
    table(INDICES)
    assert table.backward(np.ones((2, 4, 3))) is None
    assert table.weight.grad[:, 0].tolist() == [2, 1, 0, 4, 0, 1, 0]
    assert (table.weight.grad == table.weight.grad[:, :1]).all()


@pytest.mark.parametrize("padding", [3, -4])
def test_the_padding_row_is_looked_up_and_gets_nothing(padding: int) -> None:
    table = made(padding_idx=padding)
    assert_exact(table(INDICES)[0, 0], table.weight.data[3])
    table.backward(np.ones((2, 4, 3)))
    assert table.weight.grad[:, 0].tolist() == [2, 1, 0, 0, 0, 1, 0]


def test_two_forwards_before_two_backwards() -> None:
    table, rng = made(), np.random.default_rng(1)
    calls = [INDICES, np.array(4), INDICES[:, 1:]]
    d_outputs = [rng.standard_normal((*indices.shape, 3)) for indices in calls]
    expected = np.zeros((7, 3))
    for indices, d in zip(calls, d_outputs, strict=True):
        np.add.at(expected, indices, d)
    both = Several(table)
    outputs = both(*((indices,) for indices in calls))
    assert [y.shape for y in outputs] == [d.shape for d in d_outputs]
    assert both.backward(tuple(d_outputs)) == (None, None, None)
    assert_close(table.weight.grad, expected)


def test_what_was_looked_up_is_a_copy() -> None:
    table, indices = made(), INDICES.copy()
    y = table(indices)
    before = table.weight.data.copy()
    y += 1
    assert_exact(table.weight.data, before)
    indices[...] = 6  # after forward this changes nothing
    table.backward(np.ones((2, 4, 3)))
    assert not table.weight.grad[6].any()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64"])
def test_any_integers_will_do(dtype: str) -> None:
    table = made()
    assert_exact(table(INDICES.astype(dtype)), table(INDICES))


@pytest.mark.parametrize(
    ("indices", "words"),
    [
        (np.array([7]), "indices from 0 to 6; got 7"),
        (np.array([0, -1]), "indices from 0 to 6; got -1"),
        (INDICES.astype("f4"), "indices of an integer dtype; got float32"),
        (INDICES == 3, "indices of an integer dtype; got bool"),
        (INDICES[:0], "at least one sample and no empty axis; got (0, 4)"),
    ],
)
def test_indices_that_do_not_fit_are_refused(indices: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        made()(indices)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_norm": 1.0}, "max_norm is not offered"),
        ({"norm_type": 1.0}, "max_norm is not offered"),
        ({"scale_grad_by_freq": True}, "scale_grad_by_freq=True is not offered"),
        ({"sparse": True}, "sparse=True is not offered"),
        ({"padding_idx": 7}, "padding_idx=7 lies outside a table of 7 rows"),
        ({"padding_idx": -8}, "padding_idx=-8 lies outside a table of 7 rows"),
        ({"embedding_dim": 0}, "at least 1; got 7, 0"),
    ],
)
def test_arguments_that_are_not_offered_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        nn.Embedding(**{"num_embeddings": 7, "embedding_dim": 3, **options})


def test_torch_s_words() -> None:
    assert repr(nn.Embedding(7, 3)) == "Embedding(7, 3)"
    assert repr(nn.Embedding(7, 3, padding_idx=-1)) == "Embedding(7, 3, padding_idx=6)"
    assert repr(nn.Embedding(7, 3, padding_idx=-7)) == "Embedding(7, 3, padding_idx=0)"


def test_one_row_of_one_number_is_a_table() -> None:
    table = nn.Embedding(1, 1, padding_idx=0)
    table.weight.data[...] = 2.5
    assert table(np.zeros((2, 3), np.int64)).tolist() == [[[2.5]] * 3] * 2
