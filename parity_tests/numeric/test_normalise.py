"""The seven normalisations: definitions, inverses within a derived bound, weights in raw units."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from scratch import spec
from scratch.data import load
from scratch.data.denormalise import denormalise_linear
from scratch.data.normalise import NORMALISATIONS, fit, forward, inverse
from scratch.data.preprocess import apply, apply_target, fit_target, invert, invert_target
from scratch.data.preprocess import fit as fit_record
from scratch.data.streams import stream
from scratch.spec.errors import UserError

U = 2.0**-53
FUNCTION = 8  # units in which log, exp, arctan and tan may be off, as in the layers' bounds
NAMES = ("km", "rooms", "price")
AFFINE = [kind for kind in NORMALISATIONS if kind not in ("log", "arctan")]


def table(seed: int, scale: float = 1.0) -> np.ndarray:
    """Positive columns of three magnitudes."""
    x = stream(seed, "normalise").uniform(0.5, 40, (31, 3)) * np.array([1e-3, 1.0, 50.0])
    return x * scale


def round_trip_bound(kind: str, numbers: dict, x: np.ndarray) -> np.ndarray:
    """Return how far rounding may move x on the way there and back.

    Affine: the subtraction, the division and the product are each off by a factor within 1 +- u,
    so x - offset returns within 3 u (1 + u)^2 of itself; the last sum adds u of the result.
    ln and exp: an error e of ln x becomes a factor exp(e). Arctan: the slope of tan at arctan x is
    1 + x^2; the angle itself passes one function and two products with a rounded constant each.
    """
    if kind == "log":
        return (FUNCTION * np.abs(np.log(x)) + FUNCTION + 1) * U * x * (1 + 1e-9)
    if kind == "arctan":
        angle = np.arctan(x)
        return ((FUNCTION + 5) * angle * (1 + x**2) + FUNCTION * x) * U * (1 + 1e-9)
    offset = {"ratio": 0.0, "none": 0.0}.get(kind)
    if offset is None:
        offset = np.asarray(numbers["low"] if kind == "min-max" else numbers["mean"])
    return U * (np.abs(x) + 4 * np.abs(x - offset)) * (1 + 1e-9)


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_the_inverse_gives_back_what_was_normalised(kind):
    for seed in range(20):
        for scale in (1.0, 1e-6, 1e3):
            x, other = table(seed, scale), table(seed + 1000, scale)
            numbers = fit(kind, x, NAMES)
            assert json.loads(json.dumps(numbers)) == numbers
            for samples in (x, other):
                back = inverse(numbers, forward(numbers, samples, NAMES))
                assert back.dtype == np.float64
                assert (np.abs(back - samples) <= round_trip_bound(kind, numbers, samples)).all()


def test_each_is_what_the_book_says():
    x = np.array([[1.0, 8.0], [2.0, 4.0], [6.0, 0.0]])
    by_hand = {
        "none": x,
        "min-max": [[0, 1], [0.2, 0.5], [1, 0]],
        "mean": [[-0.4, 0.5], [-0.2, 0], [0.6, -0.5]],
        "centre": [[-2, 4], [-1, 0], [3, -4]],
        "ratio": [[1 / 9, 8 / 12], [2 / 9, 4 / 12], [6 / 9, 0]],
        "z-score": (x - [3.0, 4.0]) / np.sqrt([14 / 3, 32 / 3]),
        "arctan": 2 / np.pi * np.arctan(x),
    }
    for kind, expected in by_hand.items():
        found = forward(fit(kind, x, NAMES), x, NAMES)
        assert np.max(np.abs(found - expected)) <= 8 * U, kind
    positive = fit("log", x + 1, NAMES)
    assert np.array_equal(forward(positive, x + 1, NAMES), np.log(x + 1))


@pytest.mark.parametrize("kind", ["min-max", "mean", "z-score", "centre"])
def test_a_constant_column_becomes_0_and_comes_back(kind):
    x = np.full((7, 2), 0.1)
    x[:, 1] = [1, 2, 3, 4, 5, 6, 7]
    numbers = fit(kind, x, NAMES)
    y = forward(numbers, x, NAMES)
    assert (y[:, 0] == 0).all()
    assert y[-1, 1] != 0
    assert (inverse(numbers, y)[:, 0] == 0.1).all()


@pytest.mark.parametrize("kind", ["log", "arctan", "ratio"])
def test_a_constant_column_stays_finite(kind):
    x = np.full((3, 1), 4.0)
    numbers = fit(kind, x, NAMES)
    y = forward(numbers, x, NAMES)
    assert np.isfinite(y).all()
    back = inverse(numbers, y)
    assert (np.abs(back - x) <= round_trip_bound(kind, numbers, x)).all()
    zeros = fit("ratio", np.zeros((3, 1)), NAMES)
    assert (forward(zeros, np.zeros((3, 1)), NAMES) == 0).all()


@pytest.mark.parametrize("kind", AFFINE)
def test_extreme_values_neither_overflow_nor_vanish(kind):
    for size in (1e-250, 1e250):
        x = size * np.array([[1.0], [2.0], [5.0]])
        numbers = fit(kind, x, NAMES)
        y = forward(numbers, x, NAMES)
        assert len(set(y.ravel().tolist())) == 3
        assert (np.abs(inverse(numbers, y) - x) <= round_trip_bound(kind, numbers, x)).all()
    if kind in ("min-max", "mean", "z-score"):
        with pytest.raises(UserError, match="too large"):
            fit(kind, np.array([[-1.5e308], [1.5e308]]), NAMES)


def test_what_a_kind_cannot_take_is_named():
    x = np.array([[1.0, 2.0], [3.0, -4.0]])
    with pytest.raises(UserError, match=r"row 2, column 2 \(rooms\) is -4.0; \"log\" takes pos"):
        fit("log", x, NAMES)
    with pytest.raises(UserError, match=r'\(rooms\) is -4.0; "ratio" takes no negative'):
        fit("ratio", x, NAMES)
    with pytest.raises(UserError, match='"log" takes positive values only'):
        forward(fit("log", np.abs(x), NAMES), x, NAMES)
    with pytest.raises(UserError, match='did you mean "z-score"'):
        fit("zscore", x, NAMES)
    with pytest.raises(UserError, match='did you mean "min-max"'):
        dataclasses.replace(spec.get("linear_regression").data, normalise_target="minmax")
    with pytest.raises(UserError, match="no training samples"):
        fit("centre", x[:0], NAMES)
    with pytest.raises(UserError, match=r"row 1, column 1 .* too large for float32"):
        apply(fit_record("none", x, NAMES[:2]), np.full((1, 2), 1e300))


def test_what_no_value_is_normalised_to_becomes_infinite():
    arctan, log = fit("arctan", np.ones((1, 1)), NAMES), fit("log", np.ones((1, 1)), NAMES)
    assert inverse(arctan, np.array([[1.0], [-1.2], [0.5]])).ravel()[:2].tolist() == [
        np.inf,
        -np.inf,
    ]
    assert inverse(log, np.array([[1e4]])) == np.inf


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_records_normalise_samples_and_targets(kind):
    x, y = table(0), table(1)[:, :1]
    record = fit_record(kind, x, NAMES)
    prepared = apply(record, x)
    assert prepared.dtype == np.float32
    assert np.array_equal(prepared, forward(record, x, NAMES).astype(np.float32))
    assert np.array_equal(invert(record, prepared), inverse(record, prepared))
    record["target"] = fit_target(kind, y)
    assert json.loads(json.dumps(record)) == record
    there = apply_target(record, y)
    numbers = {key: v if key == "kind" else [v] for key, v in record["target"].items()}
    assert (np.abs(invert_target(record, there) - y) <= round_trip_bound(kind, numbers, y)).all()


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_a_chapter_is_normalised_as_it_says_by_its_training_split(kind):
    chapter = spec.get("linear_regression")
    changed = dataclasses.replace(chapter.data, normalise=kind, normalise_target=kind)
    chapter, plain = dataclasses.replace(chapter, data=changed), load(chapter)
    data = load(chapter)
    record = data.preprocessing
    assert record["kind"] == kind
    assert ("target" in record) == (kind != "none")
    for split, raw in ((data.train, plain.train), (data.test, plain.test)):
        error = np.abs(invert(record, split.x) - raw.x)
        assert error.max() <= 64 * 2.0**-24 * raw.x.max() * (1 + np.abs(record.get("sum", 1))).max()
    fitted = fit(kind, invert(record, data.train.x), ["servers"])
    assert fitted["kind"] == kind


@pytest.mark.parametrize("target", AFFINE)
@pytest.mark.parametrize("kind", AFFINE)
def test_restored_weights_are_the_same_network(kind, target):
    x, y = table(3), table(4)[:, :1]
    record = {**fit_record(kind, x, NAMES), "target": fit_target(target, y)}
    generator = stream(5, "weights")
    weights, bias = generator.standard_normal((1, 3)), generator.standard_normal(1)
    raw_weights, raw_bias = denormalise_linear(weights, bias, record)
    through = invert_target(record, forward(record, x, NAMES) @ weights.T + bias)
    direct = x @ raw_weights.T + raw_bias
    terms = np.abs(x) @ np.abs(raw_weights).T + np.abs(raw_bias) + np.abs(through)
    # Each path is at most 16 roundings of terms whose sum of absolute values is at most this.
    offset = np.asarray(record.get("mean", record.get("low", 0.0)))
    shifted = (np.abs(raw_weights) * np.abs(offset)).sum() + terms
    assert (np.abs(direct - through) <= 32 * U * shifted).all()


def test_the_books_weights_are_restored():
    # Section 5.4: W (-40.2326, 399.3639), B 244.3912 on features scaled by the ranges of ch05.
    record = {
        "kind": "min-max",
        "shape": [2],
        "low": [2.0248, 40.0],
        "high": [21.9679, 119.0],
    }
    weights, bias = denormalise_linear(
        np.array([[-40.2326, 399.3639]]), np.array([244.3912]), record
    )
    assert abs(weights[0, 0] - -2.01737) < 1e-4
    assert abs(weights[0, 1] - 5.05524) < 1e-4
    assert abs(bias[0] - 46.26647) < 1e-2


def test_no_weights_undo_a_curve():
    for kind in ("log", "arctan"):
        record = fit_record(kind, table(0), NAMES)
        with pytest.raises(UserError, match="not linear"):
            denormalise_linear(np.ones((1, 3)), np.ones(1), record)
    with pytest.raises(UserError, match=r"expects weights \(outputs, 3\)"):
        denormalise_linear(np.ones((1, 2)), np.ones(1), fit_record("none", table(0), NAMES))
