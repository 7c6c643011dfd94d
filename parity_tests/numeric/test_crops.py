"""Random crops and mirror images: a pure function of seed, epoch and sample."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scratch import spec
from scratch.data import Split, load
from scratch.data.crops import Crops
from scratch.data.streams import stream
from scratch.spec.errors import UserError

N, SIDE, BORDER = 400, 9, 4
X = stream(0, "x").normal(size=(N, 3, SIDE, SIDE)).astype(np.float32)
EMPTY = (-7.0, -8.0, -9.0)
ROWS = np.arange(N)


def ways(x, found):
    """Return for each picture (top, left, mirrored), found by trying all of them."""
    border = ((0, 0), (0, 0), (BORDER, BORDER), (BORDER, BORDER))
    framed = np.pad(x, border)
    for channel, value in enumerate(EMPTY):
        outside = np.ones(framed.shape[2:], bool)
        outside[BORDER:-BORDER, BORDER:-BORDER] = False
        framed[:, channel][:, outside] = value
    seen = []
    for picture, got in zip(framed, found, strict=True):
        fits = [
            (top, left, mirrored)
            for top in range(2 * BORDER + 1)
            for left in range(2 * BORDER + 1)
            for mirrored in (False, True)
            for part in [picture[:, top : top + SIDE, left : left + SIDE]]
            if np.array_equal(part[..., ::-1] if mirrored else part, got)
        ]
        assert len(fits) == 1
        seen += fits
    return np.array(seen)


def test_every_place_and_both_sides_are_equally_likely():
    found = Crops(BORDER, True, EMPTY)(X, ROWS, N, seed=3, epoch=2)
    assert found.dtype == np.float32
    top, left, mirrored = ways(X, found).T
    for places in (top, left):
        counts = np.bincount(places, minlength=9)
        assert counts.min() > 0
        assert ((counts - N / 9) ** 2 / (N / 9)).sum() < 8 + 5 * np.sqrt(2 * 8)
    assert abs(mirrored.mean() - 0.5) < 5 * 0.5 / np.sqrt(N)
    assert abs(np.corrcoef(top, left)[0, 1]) < 5 / np.sqrt(N)


def test_seed_epoch_and_sample_alone_decide():
    crops = Crops(BORDER, True, EMPTY)
    whole = crops(X, ROWS, N, 1, 5)
    part = stream(1, "rows").permutation(N)[:37]
    assert np.array_equal(crops(X[part], part, N, 1, 5), whole[part])
    assert not np.array_equal(crops(X, ROWS, N, 1, 6), whole)
    assert not np.array_equal(crops(X, ROWS, N, 2, 5), whole)
    assert np.array_equal(crops(X.astype(np.float64), ROWS, N, 1, 5), whole.astype(np.float64))


def test_without_a_border_or_without_mirrors():
    only = Crops(0, True, EMPTY)(X, ROWS, N, 0, 0)
    mirrored = (only != X).any(axis=(1, 2, 3))
    assert np.array_equal(only[mirrored], X[mirrored][..., ::-1])
    assert 0.3 < mirrored.mean() < 0.7
    assert not ways(X, Crops(BORDER, False, EMPTY)(X, ROWS, N, 0, 0))[:, 2].any()
    assert np.array_equal(Crops(0, False, EMPTY)(X, ROWS, N, 0, 0), X)


def test_a_split_varies_only_if_it_is_told_to():
    y = np.arange(N)
    rows = np.array([5, 2])
    still, moving = Split(X, y), Split(X, y, Crops(BORDER, True, EMPTY))
    assert np.array_equal(still.batch(rows, 0, 0)[0], X[rows])
    first, again = (moving.batch(rows, 0, 1) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], X[rows])
    assert first[1].tolist() == [5, 2]


def test_the_training_pictures_of_a_chapter_vary_and_the_frame_is_black():
    data = load(spec.get("cnn_cifar", "tiny").with_preset("book"))
    crops = data.train.crops
    assert crops == Crops(4, True, (0.0, 0.0, 0.0))
    assert data.val.crops is None
    assert data.test.crops is None
    assert load(spec.get("cnn_cifar", "tiny")).train.crops is None


def test_a_border_wider_than_the_picture_is_refused():
    chapter = spec.get("cnn_cifar", "tiny")
    data = dataclasses.replace(chapter.data, options={"border": 19})
    chapter = dataclasses.replace(chapter, data=data)
    with pytest.raises(UserError, match="border 19: expects 0 to 18 pixels"):
        load(chapter)
