"""Variants of images, samples for bagging, and the vote."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scratch import spec
from scratch.data import augment as variants
from scratch.data import load
from scratch.data.augment import augment
from scratch.data.bagging import bootstrap, majority
from scratch.data.streams import stream
from scratch.spec.errors import UserError


def images(n: int = 4, high: int = 20, wide: int = 24) -> np.ndarray:
    inner = stream(0, "images").uniform(0.2, 0.8, (n, high - 12, wide - 12))
    return np.pad(inner, ((0, 0), (6, 6), (6, 6))).astype(np.float32)


def with_options(id: str, **options) -> spec.Chapter:
    chapter = spec.get(id)
    return dataclasses.replace(chapter, data=dataclasses.replace(chapter.data, options=options))


def test_originals_come_first_and_the_seed_decides():
    x, labels = images(), np.array([3, 1, 4, 1])
    more, repeated = augment(x, labels, 12, seed=1)
    assert more.shape == (48, 20, 24)
    assert more.dtype == np.float32
    assert np.array_equal(more[:4], x)
    assert repeated.tolist() == [3, 1, 4, 1] * 12
    assert np.array_equal(more, augment(x, labels, 12, seed=1)[0])
    assert not np.array_equal(more, augment(x, labels, 12, seed=2)[0])
    assert (more.min(), more.max()) == (0.0, 1.0)
    copies = more.reshape(12, 4, -1)
    for image in range(4):
        assert len({copy[image].tobytes() for copy in copies}) == 12


def test_each_variant_does_what_its_name_says():
    x = images().astype(np.float64)
    generator = stream(0, "noise")
    found = [variant(x, generator) for variant in variants.VARIANTS]
    for variant, (axis, by) in zip(found[2:6], ((1, 2), (1, -2), (2, 2), (2, -2)), strict=True):
        assert np.array_equal(variant, np.roll(x, by, axis))
    high, wide = (np.array(x.shape[1:]) - 1) / 2
    rows, columns = np.arange(20) - high, np.arange(24) - wide

    def spread(image: np.ndarray) -> np.ndarray:
        mass = image.sum()
        return np.sqrt(
            np.array(
                [
                    (image.sum(axis=1) * rows**2).sum() / mass,
                    (image.sum(axis=0) * columns**2).sum() / mass,
                ]
            )
        )

    for variant, (up, across) in zip(
        found[6:10], ((1.2, 1), (0.8, 1), (1, 1.2), (1, 0.8)), strict=True
    ):
        for before, after in zip(x, variant, strict=True):
            ratio = spread(after) / spread(before)
            assert np.max(np.abs(ratio - [up, across])) < 0.05
    # A bright pixel right of the middle moves by ten degrees, up or down.
    dot = np.zeros((1, 41, 41))
    dot[0, 20, 38] = 1
    for variant in variants.VARIANTS[:2]:
        turned = variant(dot, generator)[0]
        row, column = np.indices(turned.shape) - 20
        at = np.array([(turned * row).sum(), (turned * column).sum()]) / turned.sum()
        assert abs(abs(np.rad2deg(np.arctan2(at[0], at[1]))) - 10) < 1
    signs = [
        np.sign((v(dot, generator)[0] * (np.indices((41, 41))[0] - 20)).sum())
        for v in variants.VARIANTS[:2]
    ]
    assert sorted(signs) == [-1, 1]
    noise = found[10] - x
    assert abs(noise.std() - np.sqrt(0.1)) < 4 * np.sqrt(0.1) / np.sqrt(2 * noise.size)


def test_the_value_range_is_kept():
    x = -0.1 + 1.275 * images()
    more, _ = augment(x.astype(np.float32), np.arange(4), 12, 0, (-0.1, 1.175))
    assert more.min() == np.float32(-0.1)
    assert more.max() == np.float32(1.175)
    assert (np.median(more.reshape(48, -1)[4:], axis=1) <= np.float32(0.5)).all()


@pytest.mark.parametrize(
    ("shape", "labels", "factor", "message"),
    [
        ((4, 20, 24), 4, 0, "1 to 12; 0 are wanted"),
        ((4, 20, 24), 4, 13, "1 to 12; 13 are wanted"),
        ((4, 480), 4, 2, r"got \(4, 480\)"),
        ((4, 20, 24), 3, 2, "N labels"),
        ((0, 20, 24), 0, 2, "N labels"),
    ],
)
def test_impossible_augmentation_is_refused(shape, labels, factor, message):
    with pytest.raises(UserError, match=message):
        augment(np.zeros(shape), np.zeros(labels, int), factor, 0)


def test_a_chapter_asks_for_few_images_and_many_variants():
    plain = load(spec.get("mlp_mnist"))
    few = load(with_options("mlp_mnist", samples=50))
    many = load(with_options("mlp_mnist", samples=50, augment=10))
    assert few.train.x.shape == (50, 1, 28, 28)
    assert many.train.x.shape == (500, 1, 28, 28)
    assert np.array_equal(many.train.x[:50], few.train.x)
    assert np.array_equal(many.train.y, np.tile(few.train.y, 10))
    held = {image.tobytes() for image in plain.train.x}
    assert all(image.tobytes() in held for image in few.train.x)
    for data in (few, many):
        assert np.array_equal(data.test.x, plain.test.x)
        assert np.array_equal(data.val.x, plain.val.x)
    with pytest.raises(UserError, match='did you mean "samples"'):
        load(with_options("mlp_mnist", sample=50))
    with pytest.raises(UserError, match="5000 are wanted"):
        load(with_options("mlp_mnist", samples=5000))


def test_bootstrap_draws_with_replacement():
    draws = bootstrap(1000, 9, seed=0)
    assert draws.shape == (9, 1000)
    assert draws.dtype == np.int64
    assert np.array_equal(draws[:3], bootstrap(1000, 3, seed=0))
    assert not np.array_equal(draws, bootstrap(1000, 9, seed=1))
    # A sample stays out of a round with probability (1 - 1/n)^n, about 1/e.
    for row in draws:
        assert row.min() >= 0
        assert row.max() < 1000
        assert abs(1 - len(set(row.tolist())) / 1000 - np.exp(-1)) < 4 * 0.01
    for arguments in ((0, 1, 0), (1, 0, 0), (1, 1, -1)):
        with pytest.raises(ValueError, match=r"got n|not negative"):
            bootstrap(*arguments)


def test_the_majority_decides_and_ties_go_to_the_smallest():
    votes = stream(0, "votes").integers(0, 10, (9, 500))
    expected = [np.unique(column, return_counts=True) for column in votes.T]
    assert majority(votes).tolist() == [names[counts.argmax()] for names, counts in expected]
    assert majority(np.array([[3], [1], [3], [1]])).tolist() == [1]
    for wrong in (np.zeros((0, 3), int), np.zeros(3, int), np.full((2, 2), -1), np.ones((2, 2))):
        with pytest.raises(ValueError, match="expects votes"):
            majority(wrong)
