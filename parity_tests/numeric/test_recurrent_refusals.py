"""What recurrent layers refuse, in one sentence, and torch's names, shapes and words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity_tests.numeric.recurrent_layers import HIDDEN, INPUTS, KINDS, SAMPLES, STEPS, made
from scratch import nn
from scratch.nn.recurrence import Recurrent
from scratch.ops.checks import ShapeError

every_kind = pytest.mark.parametrize("kind", KINDS)
X, STATE = np.zeros((STEPS, SAMPLES, INPUTS), "f4"), np.zeros((1, SAMPLES, HIDDEN), "f4")


@every_kind
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (X[0], "(T, N, 3); got (2, 3)"),
        (X[:, :, :2], "(T, N, 3); got (4, 2, 2)"),
        (X[:0], "(T, N, 3) with T >= 1; got (0, 2, 3)"),
        (X[:, :0], "(T, N, 3) with N >= 1; got (4, 0, 3)"),
        (X.astype("f8"), "float32; got float64"),
        (X.astype("i8"), "float32; got int64"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(kind: str, x: Any, words: str) -> None:
    with pytest.raises(ShapeError) as caught:
        made(kind, dtype="float32")(x)
    assert str(caught.value) == f"{kind} expects {words}"


def test_batch_first_says_so_in_its_refusal() -> None:
    with pytest.raises(ShapeError, match=r"GRU expects \(N, T, 3\); got \(4, 2, 5\)"):
        made("GRU", dtype="float32", batch_first=True)(np.zeros((4, 2, 5), "f4"))


@every_kind
@pytest.mark.parametrize(
    ("state", "words"),
    [
        (STATE[0], "(num_layers * directions, N, hidden_size) = (1, 2, 5); got (2, 5)"),
        (STATE[:, :1], "(num_layers * directions, N, hidden_size) = (1, 2, 5); got (1, 1, 5)"),
        (STATE.astype("f8"), "a state of dtype float32; got float64"),
    ],
)
def test_states_that_do_not_fit_are_refused(kind: str, state: Any, words: str) -> None:
    layer = made(kind, dtype="float32")
    with pytest.raises(ShapeError) as caught:
        layer(X, (STATE, state) if kind == "LSTM" else state)
    assert words in str(caught.value)


def test_states_of_another_structure_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"LSTM expects hx as a pair \(h0, c0\); got \(1, 2, 5\)"):
        made("LSTM", dtype="float32")(X, STATE)
    with pytest.raises(ShapeError, match="GRU expects hx as one array h0; got tuple"):
        made("GRU", dtype="float32")(X, (STATE, STATE))


def refused_gradients() -> list[tuple[str, Any, str]]:
    dy = np.zeros((STEPS, SAMPLES, HIDDEN), "f4")
    pair = r"expects a pair of gradients \({}\), None for an unused one; got {}"
    return [
        ("RNN", dy, pair.format("output, h_n", r"ndarray \(4, 2, 5\)")),
        ("GRU", (dy, None, None), pair.format("output, h_n", "a tuple of 3")),
        ("LSTM", dy, pair.format(r"output, \(h_n, c_n\)", r"ndarray \(4, 2, 5\)")),
        ("LSTM", (dy, STATE), pair.format("h_n, c_n", r"ndarray \(1, 2, 5\)")),
        ("RNN", (dy[1:], None), r"a gradient of shape \(4, 2, 5\); got \(3, 2, 5\)"),
        ("GRU", (dy, STATE[0]), r"a gradient of shape \(1, 2, 5\); got \(2, 5\)"),
        ("LSTM", (None, (None, STATE.astype("f8"))), "of dtype float32; got float64"),
    ]


@pytest.mark.parametrize(("kind", "d_output", "words"), refused_gradients())
def test_gradients_of_another_structure_or_shape_are_refused(
    kind: str, d_output: Any, words: str
) -> None:
    layer = made(kind, dtype="float32")
    layer(X)
    with pytest.raises(ShapeError, match=words):
        layer.backward(d_output)
    assert layer.pending() == 0


@every_kind
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dropout": 0.5}, "dropout=0.5 is not offered: .* stack layers .* with Dropout between"),
        ({"num_layers": 0}, "num_layers=0 must be at least 1"),
        ({"hidden_size": 0}, "hidden_size=0 must be at least 1"),
        ({"input_size": -1}, "input_size=-1 must be at least 1"),
    ],
)
def test_arguments_that_are_not_offered_are_refused(
    kind: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        KINDS[kind](**{"input_size": 3, "hidden_size": 4, **options})


def test_what_only_one_kind_takes_is_refused_there() -> None:
    with pytest.raises(ValueError, match=r"proj_size=2 is not offered: put Linear\(4, 2\) behind"):
        nn.LSTM(3, 4, proj_size=2)
    with pytest.raises(ValueError, match='nonlinearity="sin": expects "tanh" or "relu"'):
        nn.RNN(3, 4, nonlinearity="sin")


@every_kind
def test_every_argument_is_an_attribute(kind: str) -> None:
    given = {"num_layers": 2, "bias": False, "batch_first": True, "bidirectional": True}
    layer = KINDS[kind](3, 4, **given)
    expected = {"input_size": 3, "hidden_size": 4, "dropout": 0.0, **given}
    expected |= {"RNN": {"nonlinearity": "tanh"}, "LSTM": {"proj_size": 0}}.get(kind, {})
    assert {name: getattr(layer, name) for name in expected} == expected


def test_a_kind_has_to_say_how_it_runs() -> None:
    class Unfinished(Recurrent):
        pass

    layer = Unfinished(3, 5, 1, True, False, 0.0, False)
    with pytest.raises(NotImplementedError):
        layer.forward_all(X, None)
    with pytest.raises(NotImplementedError):
        layer.run_backward(X, (), None)


def test_torch_s_names_shapes_and_words() -> None:
    layer: Recurrent = nn.LSTM(3, 4, num_layers=2, bidirectional=True, bias=False, batch_first=True)
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        "weight_ih_l0": (16, 3),
        "weight_hh_l0": (16, 4),
        "weight_ih_l0_reverse": (16, 3),
        "weight_hh_l0_reverse": (16, 4),
        "weight_ih_l1": (16, 8),
        "weight_hh_l1": (16, 4),
        "weight_ih_l1_reverse": (16, 8),
        "weight_hh_l1_reverse": (16, 4),
    }
    words = "3, 4, num_layers=2, bias=False, batch_first=True, bidirectional=True"
    assert repr(layer) == f"LSTM({words})"
    assert repr(nn.GRU(3, 4)) == "GRU(3, 4)"
    names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
    assert [name for name, _ in nn.RNN(3, 4).named_parameters()] == names
