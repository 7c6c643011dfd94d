"""Generated pictures: right shapes, right colours, and nothing else that tells the label."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scratch import spec
from scratch.data import load, shapes
from scratch.data.streams import stream
from scratch.spec.errors import UserError
from scratch.spec.schema import Data


def chapter(shape, kind, classes=None, **options):
    """Return a chapter that takes shapes; its network is of no concern here."""
    data = Data(
        name="shapes",
        shape=shape,
        task="multiclass",
        classes=shapes.CLASSES[kind] if classes is None else classes,
        options={"kind": kind, **options},
    )
    return dataclasses.replace(spec.get("lenet5"), data=data)


def box(mask):
    """Return first and last row and column of the ink."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return rows[0], rows[-1], columns[0], columns[-1]


def orientation(mask):
    """Return which corner of its box a triangle leaves empty: 0 to 3."""
    top, bottom, left, right = box(mask)
    inner = mask[top : bottom + 1, left : right + 1]
    high, wide = (max(1, size // 2) for size in inner.shape)
    quarters = (
        inner[:high, :wide],
        inner[:high, -wide:],
        inner[-high:, :wide],
        inner[-high:, -wide:],
    )
    return int(np.argmin([quarter.mean() for quarter in quarters]))


def drawn(kind, n, side=28, seed=0):
    return shapes.draw(stream(seed, "test"), kind, side, n)


@pytest.mark.parametrize("side", [8, 9, 16, 28, 32, 224])
@pytest.mark.parametrize("kind", shapes.CLASSES)
def test_every_picture_shows_one_colour_on_black(kind, side):
    n = 90 if side < 100 else 18
    images, labels = drawn(kind, n, side)
    assert images.dtype == np.uint8
    assert images.shape == (n, side, side) + (() if kind == "shape" else (3,))
    assert labels.dtype == np.int64
    assert len(labels) == n
    assert set(np.unique(images).tolist()) == {0, 255}
    for image, label in zip(images, labels, strict=True):
        pixels = image.reshape(side * side, -1)
        colours = {tuple(pixel) for pixel in pixels[pixels.any(axis=1)].tolist()}
        assert len(colours) == 1
        if kind != "shape":
            name = list(shapes.COLOURS)[label if kind == "color" else label // 3]
            assert colours == {shapes.COLOURS[name]}


def test_the_shapes_are_what_their_labels_say():
    images, labels = drawn("shape", 1000, 56)
    for image, label in zip(images > 0, labels, strict=True):
        top, bottom, left, right = box(image)
        high, wide = bottom - top + 1, right - left + 1
        share, name = image.sum() / (high * wide), shapes.SHAPES[label]
        if name == "line":
            assert np.hypot(high, wide) >= 56 / 4 - 2
            assert image.sum() <= 5 * np.hypot(high, wide) + 12
            continue
        assert min(high, wide) >= 56 // 4 - 3
        middle = image[(top + bottom) // 2, (left + right) // 2]
        corners = [image[y, x] for y in (top, bottom) for x in (left, right)]
        if name == "rectangle":
            assert share == 1
        if name == "circle":
            assert abs(share - np.pi / 4) < 0.06
        if name == "diamond":
            assert 0.45 < share < 0.65
        if name in ("circle", "diamond"):
            assert middle
            assert not any(corners)
        if name == "triangle":
            assert 0.3 < share < 0.7


def test_corners_of_the_boxes_lie_where_the_book_has_them():
    images, labels = drawn("shape", 4000)
    found = np.array([box(image > 0) for image in images[labels == 1]])
    for first, last in ((found[:, 0], found[:, 1]), (found[:, 2], found[:, 3])):
        assert (first.min(), first.max()) == (0, 13)
        assert (last.min(), last.max()) == (14, 27)
        assert (last - first).min() == 7


@pytest.mark.parametrize("kind", ["color", "color_shape"])
def test_the_orientation_of_a_triangle_does_not_tell_the_colour(kind):
    images, labels = drawn(kind, 18000)
    colour = labels if kind == "color" else labels // 3
    mask = images.any(axis=-1)
    if kind == "color":  # the shape is no label: triangles are told by their share of the box
        ends = [box(m) for m in mask]
        full = [
            m[top : bottom + 1, left : right + 1].mean()
            for m, (top, bottom, left, right) in zip(mask, ends, strict=True)
        ]
        rows = np.flatnonzero((np.array(full) > 0.3) & (np.array(full) < 0.7))
    else:
        rows = np.flatnonzero(labels % 3 == 2)
    ways = np.array([orientation(mask[row]) for row in rows])
    colours = int(colour.max()) + 1
    table = np.array(
        [np.bincount(ways[colour[rows] == c], minlength=4) for c in range(colours)], float
    )
    if kind == "color_shape":
        shares = table.sum(axis=0) / table.sum()
        assert np.abs(shares - 0.25).max() < 0.02  # five standard deviations of 6,000 draws
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    freedom = 3 * (colours - 1)
    chi_square = ((table - expected) ** 2 / expected).sum()
    assert chi_square < freedom + 5 * np.sqrt(2 * freedom)


def test_the_shape_does_not_tell_the_colour():
    images, labels = drawn("color", 9000)
    ink = images.any(axis=-1).sum(axis=(1, 2))
    means = np.array([ink[labels == colour].mean() for colour in range(6)])
    assert np.abs(means - ink.mean()).max() < 5 * ink.std() / np.sqrt(1400)


def test_labels_are_shared_out_evenly_and_shuffled():
    for kind, groups in (("shape", 5), ("color_shape", 9)):
        _, labels = drawn(kind, 100)
        counts = np.bincount(labels)
        assert len(counts) == groups
        assert counts.max() - counts.min() <= 1
        assert len(set(labels[:20].tolist())) > 3


def test_the_three_splits_are_the_books_and_share_no_draw():
    for kind, sizes in shapes.SIZES.items():
        channels = 1 if kind == "shape" else 3
        data = load(chapter((channels, 28, 28), kind))
        train, test = sizes
        assert (len(data.train), len(data.val), len(data.test)) == (train, test, test)
        assert data.classes == shapes.CLASSES[kind]
        assert (data.train.x.min(), data.train.x.max()) == (0, 1)
        assert not np.array_equal(data.val.x, data.test.x)
        assert not np.array_equal(data.train.x[:test], data.test.x)


def test_large_pictures_are_few_unless_more_are_wanted():
    data = load(chapter((3, 224, 224), "color_shape"))
    assert data.train.x.nbytes <= 128 << 20
    assert len(data.train) > 200
    few = load(chapter((3, 32, 32), "color_shape", samples=18))
    assert (len(few.train), len(few.val), len(few.test)) == (18, 9, 9)
    assert np.array_equal(np.bincount(few.train.y), [2] * 9)
    many = load(chapter((3, 28, 28), "color", samples=6000))
    assert (len(many.train), len(many.test)) == (6000, 1200)


def test_outputs_beyond_the_classes_have_names():
    data = load(chapter((3, 28, 28), "color_shape", classes=("?",) * 12, samples=9))
    assert data.classes == (*shapes.CLASSES["color_shape"], "class 9", "class 10", "class 11")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (((3, 28, 28), "color", None, {"kind": "colour"}), 'did you mean "color"'),
        (((1, 28, 28), "color", None, {}), r"are \(3, S, S\); the chapter takes \(1, 28, 28\)"),
        (((3, 28, 28), "shape", None, {}), r"are \(1, S, S\)"),
        (((3, 28, 32), "color", None, {}), r"takes \(3, 28, 32\)"),
        (((3, 4, 4), "color", None, {}), "need 8 x 8 pixels or more; got 4 x 4"),
        (((3, 28, 28), "color", None, {"sample": 9}), 'did you mean "samples"'),
        (((3, 28, 28), "color", None, {"samples": 0}), "samples 0"),
        (((3, 28, 28), "color", None, {"scale": "imagenett"}), 'did you mean "imagenet"'),
        (((3, 28, 28), "color", ("a", "b"), {}), "has 6 classes; the network tells 2 apart"),
    ],
)
def test_what_cannot_be_is_said(arguments, said):
    shape, kind, classes, options = arguments
    wanted = chapter(shape, kind, classes)
    data = dataclasses.replace(wanted.data, options={**wanted.data.options, **options})
    with pytest.raises(UserError, match=said):
        load(dataclasses.replace(wanted, data=data))
