from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pytest

import scratch
from parity_tests.harness import bounds
from parity_tests.harness.draws import drawn
from parity_tests.harness.traits import normalised
from parity_tests.sizes import EVERY_SIZE
from scratch import nn, spec
from scratch.gradcheck import (
    MORE,
    Pairs,
    complex_step,
    deviation,
    directional,
    finite_difference,
    norm_ratio,
    reading,
)
from scratch.nn.parameter import Array, Parameter
from scratch.reused import Reused


def _moved(module: nn.Module, seed: int = 0) -> nn.Module:
    rng = np.random.default_rng(seed)
    module.astype(np.float64)
    state = module.state_dict()
    # Small enough that nothing saturates: there a derivative is a difference of nearby numbers.
    module.load_state_dict({name: rng.standard_normal(v.shape) / 4 for name, v in state.items()})
    return module


def _assert_right(pairs: Pairs, null: Collection[str] = (), normalised: bool = False) -> None:
    """Hold each pair to the bound; a gradient that is truly zero to that of the largest tensor."""
    assert pairs
    largest = np.concatenate([numeric.reshape(-1) for _, numeric in pairs.values()])
    for name, (analytic, numeric) in pairs.items():
        if name in null:
            assert np.abs([analytic, numeric]).max() <= bounds.complex_step(largest), name
            continue
        assert np.abs(analytic - numeric).max() <= bounds.complex_step(numeric, normalised), name
        assert np.any(numeric), name


class Faulty(nn.Linear):
    """A linear layer whose bias gradient is 0.1 % too large."""

    def backward(self, d_output: Array) -> Array:
        dx = super().backward(d_output)
        assert self.bias is not None
        self.bias.grad *= 1.001
        return dx


class Two(nn.Module):
    """Two inputs and an integer that picks a column."""

    def forward(self, a: Array, b: Array, column: Array) -> Array:
        self.save(a, b, column)
        return a[:, column] * b

    def backward(self, d_output: Array) -> tuple[Array, Array]:
        a, b, column = self.saved()
        da = np.zeros_like(a)
        da[:, column] = d_output * b
        return da, d_output * a[:, column]


@pytest.mark.parametrize(("id", "size"), EVERY_SIZE)
def test_chapters_agree_with_the_complex_step(id: str, size: str) -> None:
    chapter = spec.get(id, size)
    model = _moved(scratch.build(id, size))
    rng = np.random.default_rng(1)
    # A batch normalisation of three samples is too badly conditioned to judge by.
    x = rng.standard_normal((8, *chapter.data.shape))
    if chapter.domain is not None:
        state, x = drawn(chapter, model.state_dict(), x.shape, rng)
        model.load_state_dict(state)
    pairs = complex_step(model, (x,), entries=12)
    assert list(pairs) == ["dx", *dict(model.named_parameters())]
    about = chapter.null_directions, normalised(model)
    _assert_right(pairs, *about)
    _assert_right(directional(model, (x,), count=2), *about)


def test_all_entries_come_back_in_the_shape_of_the_tensor() -> None:
    model = _moved(nn.Linear(3, 2))
    pairs = complex_step(model, (np.ones((5, 3)),), np.ones((5, 2)))
    assert {name: a.shape for name, (a, _) in pairs.items()} == {
        "dx": (5, 3),
        "weight": (2, 3),
        "bias": (2,),
    }
    assert np.array_equal(pairs["bias"][1], [5.0, 5.0])
    assert pairs["weight"][1].shape == (2, 3)


def test_drawn_entries_are_those_of_the_seed() -> None:
    model = _moved(nn.Linear(7, 5))
    x = np.random.default_rng(2).standard_normal((4, 7))
    first, again, other = (complex_step(model, (x,), entries=6, seed=s) for s in (0, 0, 1))
    assert first["weight"][0].shape == (6,)
    assert np.array_equal(first["weight"][1], again["weight"][1])
    assert not np.array_equal(first["weight"][1], other["weight"][1])


def test_where_every_drawn_entry_is_shut_out_others_are_drawn() -> None:
    model = _moved(nn.Sequential(nn.Linear(30, 8), nn.ReLU()))
    bias = np.full(8, -1e3)
    bias[0] = 1e3  # one unit of eight is open: 30 of 240 weights have a derivative
    model.load_state_dict({**model.state_dict(), "0.bias": bias})
    x = np.random.default_rng(2).standard_normal((4, 30))
    drawn = {}
    for seed in range(40):
        analytic, numeric = complex_step(model, (x,), entries=6, seed=seed)["0.weight"]
        assert len(numeric) in range(6, 6 * (1 + MORE) + 1, 6)
        assert not numeric[: len(numeric) - 6].any(), "again though an entry had a derivative"
        assert np.abs(analytic - numeric).max() <= bounds.complex_step(numeric)
        drawn[len(numeric)] = numeric.any()
    assert {6, 12} <= set(drawn)
    assert drawn[12], "what was drawn again has a derivative"


def test_the_module_stays_as_it_is() -> None:
    model = _moved(nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2)))
    before = model.state_dict()
    x = np.ones((2, 3))
    for check in (complex_step, directional, finite_difference):
        check(model, (x,))
    after = model.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert all(value.dtype == np.float64 for value in after.values())
    assert all(not p.grad.any() for p in model.parameters())
    assert np.array_equal(x, np.ones((2, 3)))


class Twice(nn.Module):
    """One layer used twice, and a parameter of the block's own that is a child's input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.scale = Parameter(np.ones((4, 3)))
        self.product = nn.Multiply()
        self.act = nn.Tanh()

    def forward(self, input: Array) -> Array:
        return self.layer(self.product(self.act(self.layer(input)), self.scale.data))

    def backward(self, d_output: Array) -> Array:
        d, d_scale = self.product.backward(self.layer.backward(d_output))
        self.scale.grad += d_scale
        return self.layer.backward(self.act.backward(d))


@pytest.mark.parametrize(
    ("model", "shape"),
    [(Twice(), (4, 3)), (scratch.build("lenet5", "tiny"), None)],
    ids=["a layer used twice", "lenet5"],
)
def test_what_is_reused_changes_no_number(
    model: nn.Module, shape: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _moved(model)
    one = (4, *spec.get("lenet5", "tiny").data.shape)
    x = np.random.default_rng(5).standard_normal(shape or one)
    plain, reused = (complex_step(model, (x,), entries=8, reuse=r) for r in (False, True))
    _assert_right(plain)
    for name, pair in plain.items():
        assert all(map(np.array_equal, pair, reused[name])), name
    # And that it is not for nothing: what has moved is asked for.
    monkeypatch.setattr(Reused, "_reached", lambda self, inputs, moved: False)
    blind = complex_step(model, (x,), entries=8, reuse=True)
    assert any(not np.array_equal(plain[name][1], blind[name][1]) for name in plain)


def test_dropout_keeps_its_mask_through_all_forwards() -> None:
    dropout = nn.Dropout(0.5)
    dropout.generator = np.random.default_rng(3)
    model = _moved(nn.Sequential(nn.Linear(6, 8), dropout, nn.Linear(8, 2)))
    _assert_right(complex_step(model, (np.random.default_rng(4).standard_normal((3, 6)),)))


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (nn.MSELoss(), np.linspace(-1, 1, 6).reshape(3, 2)),
        (nn.HalfMSELoss(), np.linspace(-1, 1, 6).reshape(3, 2)),
        (nn.BCEWithLogitsLoss(), np.linspace(0, 1, 6).reshape(3, 2)),
        (nn.CrossEntropyLoss(), np.array([1, 0, 1])),
        (nn.CrossEntropyLoss(reduction="none"), np.array([1, 0, 1])),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Module) else "",
)
def test_of_a_loss_the_output_alone_is_differentiated(loss: nn.Module, target: Array) -> None:
    x = np.random.default_rng(5).standard_normal((3, 2))
    pairs = complex_step(loss, (x, target))
    assert list(pairs) == ["dx"]
    _assert_right(pairs)


def test_several_inputs_are_told_apart() -> None:
    rng = np.random.default_rng(6)
    inputs = (rng.standard_normal((4, 3)), rng.standard_normal(4), np.array(2))
    pairs = complex_step(Two(), inputs)
    assert list(pairs) == ["dx0", "dx1"]
    _assert_right(pairs)


@pytest.mark.parametrize("check", [complex_step, directional])
def test_a_fault_of_a_tenth_of_a_percent_is_seen(check: object) -> None:
    x = np.random.default_rng(7).standard_normal((4, 3))
    found = deviation(
        (complex_step if check is complex_step else directional)(_moved(Faulty(3, 2)), (x,))
    )
    assert found["bias"] > 1e-4
    assert max(found["dx"], found["weight"]) < 1e-13


def test_finite_differences_are_right_to_ten_digits_and_see_the_same_fault() -> None:
    x = np.random.default_rng(8).standard_normal((4, 3))
    right, skipped = finite_difference(_moved(nn.Sequential(nn.Linear(3, 2), nn.Tanh())), (x,))
    assert skipped == {"dx": 0, "0.weight": 0, "0.bias": 0}
    assert all(norm_ratio(a, n) < 1e-8 for a, n in right.values())
    assert all(norm_ratio(a, n) > 0 for a, n in right.values())
    wrong, _ = finite_difference(_moved(Faulty(3, 2)), (x,))
    assert reading(norm_ratio(*wrong["weight"])) == "right"
    assert reading(norm_ratio(*wrong["bias"])) == "suspect"


@pytest.mark.parametrize(
    ("module", "x", "kinks"),
    [
        (nn.ReLU(), np.array([[-2.0, 0.0, 1.0, -0.0]]), 2),
        (nn.MaxPool2d(2), np.array([[[[1.0, 1.0], [0.5, -1.0]]]]), 2),
    ],
    ids=["ReLU", "MaxPool2d"],
)
def test_entries_at_a_kink_are_left_out_and_counted(
    module: nn.Module, x: Array, kinks: int
) -> None:
    pairs, skipped = finite_difference(module, (x,))
    assert skipped == {"dx": kinks}
    analytic, numeric = pairs["dx"]
    assert len(analytic) == len(numeric) == x.size - kinks
    assert reading(norm_ratio(analytic, numeric)) == "right"


@pytest.mark.parametrize(
    ("ratio", "word"),
    [(0.0, "right"), (1e-7, "acceptable"), (1e-4, "suspect"), (1e-2, "wrong"), (1.0, "wrong")],
)
def test_the_bands_of_the_book(ratio: float, word: str) -> None:
    assert reading(ratio) == word


def test_without_gradient_nothing_deviates() -> None:
    nothing = np.zeros(3)
    assert norm_ratio(nothing, nothing) == 0.0
    assert deviation({"dx": (nothing, nothing)}) == {"dx": 0.0}
    assert deviation({"dx": (nothing + 1, nothing)}) == {"dx": 1.0}
