"""Real tables give as many features as a chapter takes, the first ones of a fixed order."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import scratch
from parity_tests.numeric.table_chapter import chapter
from scratch import spec, train
from scratch.data import load
from scratch.data.bundled import TABLES
from scratch.spec.errors import UserError

COUNTS = {"diabetes": (19, 442), "breast_cancer": (30, 569), "iris": (4, 150), "wine": (13, 178)}


@pytest.mark.parametrize("name", TABLES)
def test_fewer_features_are_the_first_ones(name):
    count, rows = COUNTS[name]
    whole = TABLES[name](count)
    assert whole.x.shape == (rows, count)
    assert len(set(whole.features)) == count
    assert len(np.unique(whole.x, axis=1)) == rows
    for features in (1, 2, count - 1):
        part = TABLES[name](features)
        assert np.array_equal(part.x, whole.x[:, :features])
        assert part.features == whole.features[:features]
        assert np.array_equal(part.y, whole.y)
    for features in (0, count + 1):
        with pytest.raises(UserError, match=f"has {count} features; the chapter takes {features}"):
            TABLES[name](features)


def test_the_first_features_are_those_that_are_documented():
    assert TABLES["diabetes"](1).features == ("body mass index (kg/m2)",)
    assert TABLES["breast_cancer"](2).features[1] == "mean texture (grey levels)"
    assert TABLES["iris"](2).features == ("petal length (cm)", "petal width (cm)")
    assert TABLES["wine"](2).features == ("flavanoids", "color intensity")
    squares = TABLES["diabetes"](19)
    assert np.array_equal(squares.x[:, 10], squares.x[:, 0] ** 2)
    assert squares.features[10] == "square of body mass index (kg/m2)"
    assert set(squares.x[:, 4].tolist()) == {1.0, 2.0}


@pytest.mark.parametrize(
    ("name", "features", "task"),
    [
        ("diabetes", 10, "regression"),
        ("diabetes", 13, "regression"),
        ("breast_cancer", 14, "binary"),
        ("breast_cancer", 30, "binary"),
    ],
)
def test_deep_networks_take_many_features(name, features, task):
    data = load(chapter(name, features, task, ("a", "b") if task == "binary" else ()))
    assert data.train.x.shape[1] == features
    assert (data.train.x.min(), data.train.x.max()) == (0, 1)
    assert ("target" in data.preprocessing) == (task == "regression")


def test_the_own_set_is_left_alone_where_the_chapter_says_none():
    plain = chapter("diabetes", 1, "regression")
    changed = dataclasses.replace(plain.data, normalise="none", normalise_target="none")
    data = load(dataclasses.replace(plain, data=changed))
    assert data.preprocessing["kind"] == "none"
    assert "target" not in data.preprocessing
    assert data.train.y.min() > 20
    other = load(spec.get("linear_regression"), "diabetes")
    assert other.preprocessing["kind"] == "min-max"
    assert other.preprocessing["target"]["kind"] == "min-max"


def test_labels_may_be_minus_one_and_one():
    base = spec.get("logistic_regression")
    signed = dataclasses.replace(base.data, options={"labels": (-1, 1)})
    data, plain = load(dataclasses.replace(base, data=signed)), load(base)
    assert data.preprocessing["labels"] == [-1.0, 1.0]
    for part, other in ((data.train, plain.train), (data.test, plain.test)):
        assert np.array_equal(part.x, other.x)
        assert np.array_equal(part.y, 2 * other.y - 1)


def test_options_change_the_training_samples():
    base = spec.get("linear_regression")
    fewer = dataclasses.replace(base.data, options={"n": 30, "noise": 0.0})
    data = load(dataclasses.replace(base, data=fewer))
    assert len(data.train) == 30
    assert np.abs(data.train.y - 2 * data.train.x - 3).max() < 1e-6


def test_softmax_regression_tells_three_growers_of_wine_apart():
    chosen = spec.get("softmax_regression")
    data = load(chosen, "wine")
    assert data.classes == ("grower 1", "grower 2", "grower 3")
    assert [entry.shape[1:] for entry in (data.train.x, data.test.x)] == [(2,), (2,)]
    model = scratch.build(chosen.id)
    train.fit(chosen, model, data, progress=False)
    split, plan = data.test, chosen.train
    found = train.evaluate(model, split, plan.loss, chosen.data.task)["accuracy"]
    assert found > 2 * max(np.mean(split.y == grower) for grower in range(3))
