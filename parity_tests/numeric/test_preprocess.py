"""Splits and the preprocessing record."""

from __future__ import annotations

import numpy as np
import pytest

from scratch import spec
from scratch.data import load
from scratch.data.preprocess import apply, fit, fit_target, invert_target
from scratch.data.splits import three_ways
from scratch.data.streams import stream
from scratch.spec.errors import UserError


def test_splits_share_nothing_and_keep_proportions():
    labels = np.repeat([0, 1, 2], [100, 40, 20])
    parts = three_ways(160, 7, labels)
    assert sorted(np.concatenate(parts).tolist()) == list(range(160))
    assert [np.bincount(labels[part]).tolist() for part in parts] == [
        [70, 28, 14],
        [10, 4, 2],
        [20, 8, 4],
    ]
    with pytest.raises(UserError, match="2 samples are too few"):
        three_ways(2, 0)


def test_min_max_by_hand_and_a_constant_column():
    table = np.array([[1.0, 5.0, -2.0], [3.0, 5.0, 2.0], [2.0, 5.0, 0.0]])
    record = fit("min-max", table, ["a", "b", "c"])
    assert apply(record, table).tolist() == [[0, 0, 0], [1, 0, 1], [0.5, 0, 0.5]]
    assert apply(record, np.array([[5.0, 9.0, 0.0]])).tolist() == [[2.0, 0.0, 0.5]]
    target = {"target": fit_target("min-max", np.array([[4.0], [4.0]]))}
    assert invert_target(target, np.array([0.0])).tolist() == [4.0]
    assert invert_target({}, np.array([7.0])).tolist() == [7.0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(value):
    table = np.ones((3, 2))
    record = fit("min-max", np.array([[0.0, 0.0], [1.0, 1.0]]), ["km", "rooms"])
    table[2, 1] = value
    message = rf"row 3, column 2 \(rooms\) is {value}"
    with pytest.raises(UserError, match=message):
        fit("min-max", table, ["km", "rooms"])
    with pytest.raises(UserError, match=message):
        apply(record, table)


@pytest.mark.parametrize("shape", [(2,), (3, 3), (0, 2), (1, 2, 2)])
def test_tables_of_another_shape_are_refused(shape):
    record = fit("min-max", np.array([[0.0, 0.0], [1.0, 1.0]]), ["km", "rooms"])
    with pytest.raises(UserError, match=r"expects \(N, 2\)"):
        apply(record, np.ones(shape))


def test_an_ordinary_picture_repeats_the_preprocessing():
    record = dict(load(spec.get("lenet5")).preprocessing)
    small = stream(0, "picture").integers(0, 17, (8, 8))
    whole = apply(record, small)
    assert whole.shape == (1, 1, 32, 32)
    enlarged = small.repeat(4, 0).repeat(4, 1)
    assert np.array_equal(apply(record, enlarged), whole)
    assert np.array_equal(apply(record, enlarged[None] / 16, full=1.0), whole)
    grey = apply(record, np.full((2, 32, 32), 255, dtype=np.uint8), full=255)
    assert grey.shape == (2, 1, 32, 32)
    assert (grey == np.float32(1.175)).all()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.zeros((1, 9, 9)), r"\(N, 8, 8\) or \(N, 32, 32\); got \(1, 9, 9\)"),
        (np.zeros((0, 8, 8)), r"got \(0, 8, 8\)"),
        (np.full((8, 8), 17), "between 0 and 16; got 17 to 17"),
        (np.full((8, 8), -1), "between 0 and 16; got -1 to -1"),
        (np.full((8, 8), np.nan), "between 0 and 16; got nan"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(raw, message):
    with pytest.raises(UserError, match=message):
        apply(load(spec.get("lenet5")).preprocessing, raw)
