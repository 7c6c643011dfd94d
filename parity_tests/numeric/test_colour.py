"""Colour pictures: the record, CIFAR-10, folders of pictures, and reading for prediction."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scratch import spec
from scratch.data import cifar, colour, load
from scratch.data.preprocess import apply
from scratch.data.streams import stream
from scratch.deploy import inputs
from scratch.spec.errors import UserError
from scratch.spec.schema import Data


def chapter(shape=(3, 32, 32), classes=10, value_range=None, **options):
    data = Data(
        name="shapes",
        shape=shape,
        task="multiclass",
        classes=tuple(f"c{number}" for number in range(classes)),
        value_range=value_range,
        options=options,
    )
    return dataclasses.replace(spec.get("lenet5"), data=data)


def pixels(n, side=32, seed=0):
    return stream(seed, "pixels").integers(0, 256, (n, side, side, 3), dtype=np.uint8)


# ---------------------------------------------------------------------------------------- record


def test_the_scale_of_imagenet_is_torchvisions():
    record = colour.record(chapter(scale="imagenet").data)
    assert record["mean"] == [0.485, 0.456, 0.406]
    assert record["std"] == [0.229, 0.224, 0.225]
    raw = pixels(3)
    x = apply(record, raw)
    assert x.shape == (3, 3, 32, 32)
    assert x.dtype == np.float32
    for channel in range(3):
        exact = (raw[2, 5, 7, channel] / 255 - record["mean"][channel]) / record["std"][channel]
        assert x[2, channel, 5, 7] == np.float32(exact)
    assert np.array_equal(colour.invert(record, x), raw)
    assert np.array_equal(apply(record, raw.astype(np.float64)), x)
    assert np.array_equal(apply(record, raw[0]), x[:1])
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (-0.5, 2.0)])
def test_a_value_range_is_reached_at_both_ends(low, high):
    record = colour.record(chapter(value_range=(low, high)).data)
    raw = np.zeros((1, 32, 32, 3), np.uint8)
    raw[..., 1] = 255
    x = apply(record, raw)
    assert (x[:, 0] == low).all()
    assert (x[:, 1] == high).all()
    assert colour.empty(record) == [low] * 3


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (np.zeros((1, 3, 32, 32)), r"\(N, 32, 32, 3\); got \(1, 3, 32, 32\)"),
        (np.zeros((32, 32)), "got"),
        (np.zeros((0, 32, 32, 3)), "got"),
        (np.full((1, 32, 32, 3), 256.0), "between 0 and 255"),
        (np.full((1, 32, 32, 3), np.nan), "between 0 and 255"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(raw, said):
    with pytest.raises(UserError, match=said):
        apply(colour.record(chapter().data), raw)


def test_an_empty_value_range_is_refused():
    with pytest.raises(UserError, match="a lower and a higher number"):
        colour.record(chapter(value_range=(1.0, 1.0)).data)


# ---------------------------------------------------------------------------------- prediction


def test_a_picture_of_the_networks_size_enters_as_it_is(tmp_path: Path):
    record, raw = colour.record(chapter(scale="cifar10").data), pixels(1)
    Image.fromarray(raw[0]).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", raw[0])
    x = apply(record, raw)
    assert np.array_equal(inputs.read(str(tmp_path / "a.png"), record), x)
    assert np.array_equal(inputs.read(str(tmp_path / "a.npy"), record), x)
    inverted = inputs.read(str(tmp_path / "a.png"), record, invert=True)
    assert np.array_equal(inverted, apply(record, 255 - raw))


@pytest.mark.parametrize("size", [(600, 300), (300, 600), (512, 512), (20, 64)])
def test_another_size_is_scaled_and_its_middle_taken(tmp_path: Path, size: tuple[int, int]):
    record = colour.record(chapter(shape=(3, 224, 224)).data)
    assert record["resize"] == [256, 256]
    wide, high = size
    # Red grows from left to right and green from top to bottom, so a colour is a place.
    row, column = np.mgrid[0:high, 0:wide]
    ramp = np.stack([255 * column / (wide - 1), 255 * row / (high - 1), 0 * row], axis=-1)
    Image.fromarray(np.rint(ramp).astype(np.uint8)).save(tmp_path / "a.png")
    x = inputs.read(str(tmp_path / "a.png"), record)
    share = 224 / 256 * min(size)  # of the picture that is seen, in its own pixels
    for plane, length, along in ((x[0, 0], wide, 1), (x[0, 1], high, 0)):
        ends = plane.mean(axis=1 - along)[[0, -1]]
        expected = 0.5 + np.array([-0.5, 0.5]) * share / length
        assert np.abs(ends - expected).max() < 0.02 + 1 / min(size)
    assert (x[0, 2] == 0).all()


def test_grey_and_transparent_pictures_become_colours(tmp_path: Path):
    record = colour.record(chapter().data)
    Image.fromarray(pixels(1)[0, ..., 0]).save(tmp_path / "grey.png")
    x = inputs.read(str(tmp_path / "grey.png"), record)
    assert np.array_equal(x[0, 0], x[0, 2])
    Image.fromarray(np.zeros((32, 32, 4), np.uint8)).save(tmp_path / "clear.png")
    assert (inputs.read(str(tmp_path / "clear.png"), record) == 1).all()  # white paper


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_levels_without_a_white_are_refused(tmp_path: Path, dtype: str):
    """Pillow would cut 0 ... 1 to two levels, and 0 ... 65535 to white."""
    Image.fromarray(np.eye(32, dtype=dtype)).save(tmp_path / "levels.tiff")
    with pytest.raises(UserError, match="32-bit numbers; save it with 8 or 16 bits"):
        inputs.read(str(tmp_path / "levels.tiff"), colour.record(chapter().data))


def test_other_kinds_of_pictures_show_their_colours(tmp_path: Path):
    """Of an animation the first frame, ink of a print as light, of a palette its colours."""
    blue = Image.new("RGB", (32, 32), (0, 0, 255))
    blue.convert("CMYK").save(tmp_path / "print.jpg", quality=100)
    red = Image.new("RGB", (32, 32), (255, 0, 0))
    blue.save(tmp_path / "film.gif", save_all=True, append_images=[red])
    blue.convert("P").save(tmp_path / "palette.png")
    for name in ("print.jpg", "film.gif", "palette.png"):
        x = inputs.read(str(tmp_path / name), colour.record(chapter().data))
        assert np.abs(x[0].mean((1, 2)) - [0, 0, 1]).max() < 0.02, name


# -------------------------------------------------------------------------------------- CIFAR-10


def write_cifar(folder: Path, per_file: int = 20) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    folder.mkdir(parents=True, exist_ok=True)
    held = {}
    for number, name in enumerate((*cifar.TRAIN, cifar.TEST)):
        raw, labels = pixels(per_file, seed=number), np.arange(per_file) % 10
        planes = np.moveaxis(raw, -1, 1).reshape(per_file, -1)
        records = np.concatenate([labels[:, None].astype(np.uint8), planes], axis=1)
        (folder / name).write_bytes(records.tobytes())
        held[name] = raw, labels
    return held


@pytest.mark.parametrize("below", ["", cifar.FOLDER])
def test_cifar_files_are_read_record_by_record(tmp_path: Path, below: str):
    held = write_cifar(tmp_path / below)
    data = load(chapter(), data_dir=tmp_path)
    assert data.name == "cifar10"
    assert data.classes == cifar.CLASSES
    assert (len(data.train), len(data.val), len(data.test)) == (90, 10, 20)
    assert np.array_equal(np.bincount(data.val.y), [1] * 10)
    raw, labels = held[cifar.TEST]
    assert np.array_equal(data.test.x, apply(data.preprocessing, raw))
    assert data.test.y.tolist() == labels.tolist()
    again = load(chapter(samples=15), "cifar10", tmp_path)  # samples speaks of generated shapes
    assert len(again.train) == 90


def test_cifars_own_names_of_the_classes(tmp_path: Path):
    write_cifar(tmp_path)
    names = [f"name{number}" for number in range(10)]
    (tmp_path / cifar.NAMES).write_text("\n".join(names) + "\n\n")
    assert load(chapter(), data_dir=tmp_path).classes == tuple(names)
    (tmp_path / cifar.NAMES).write_text("one two")
    with pytest.raises(UserError, match=r"batches\.meta\.txt: 10 names are expected; got 2"):
        load(chapter(), data_dir=tmp_path)


def test_damaged_cifar_files_are_named(tmp_path: Path):
    write_cifar(tmp_path)
    bad = tmp_path / "data_batch_3.bin"
    whole = bad.read_bytes()
    for content in (whole[:-1], b"", whole + b"x"):
        bad.write_bytes(content)
        with pytest.raises(UserError, match=r"data_batch_3\.bin: .* 3073-byte records"):
            load(chapter(), data_dir=tmp_path)
    bad.write_bytes(whole[: 2 * 3073] + b"\x0a" + whole[2 * 3073 + 1 :])
    with pytest.raises(UserError, match=r"label of record 3 is 10, the largest class 9"):
        load(chapter(), data_dir=tmp_path)
    bad.unlink()
    with pytest.raises(UserError, match=r"data_batch_3\.bin missing"):
        load(chapter(), data_dir=tmp_path)


def test_what_cifar_does_not_fit(tmp_path: Path):
    write_cifar(tmp_path)
    with pytest.raises(UserError, match=r"are 32 x 32; the chapter takes \(3, 28, 28\)"):
        load(chapter(shape=(3, 28, 28)), data_dir=tmp_path)
    with pytest.raises(UserError, match="has 10 classes; the network tells 6 apart"):
        load(chapter(classes=6), data_dir=tmp_path)
    with pytest.raises(UserError, match="no CIFAR-10; wanted"):
        load(chapter(), "cifar10", tmp_path / "nowhere")
    with pytest.raises(UserError, match="name the folder"):
        load(chapter(), "cifar10")
    with pytest.raises(UserError, match="leave out the data folder"):
        load(spec.get("cnn_shape"), data_dir=tmp_path)


# ---------------------------------------------------------------------------------------- folder


def write_folder(folder: Path, counts: dict[str, int], size: int = 40) -> None:
    for number, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for image in range(count):
            kind = "png" if image % 2 else "jpg"
            picture = Image.fromarray(pixels(1, size, 100 * number + image)[0])
            picture.save(folder / name / f"{image:03}.{kind}")


def test_a_folder_without_parts_is_split(tmp_path: Path):
    write_folder(tmp_path, {"cat": 20, "dog": 10})
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("not a picture")
    data = load(chapter(), data_dir=tmp_path)
    assert data.name == "folder"
    assert data.classes[:3] == ("cat", "dog", "class 2")
    assert len(data.classes) == 10
    assert [len(part) for part in (data.train, data.val, data.test)] == [21, 3, 6]
    assert np.bincount(data.test.y).tolist() == [4, 2]


def test_parts_of_a_folder_are_kept_apart(tmp_path: Path):
    write_folder(tmp_path / "train", {"cat": 8, "dog": 8}, 32)
    write_folder(tmp_path / "val", {"cat": 1, "dog": 2}, 32)
    write_folder(tmp_path / "test", {"cat": 3, "dog": 1}, 32)
    data = load(chapter(), data_dir=tmp_path)
    assert [len(part) for part in (data.train, data.val, data.test)] == [16, 3, 4]
    assert data.test.y.tolist() == [0, 0, 0, 1]
    image = np.asarray(Image.open(tmp_path / "test/cat/001.png"))
    assert np.array_equal(data.test.x[1], apply(data.preprocessing, image)[0])


def test_a_folder_that_cannot_be_used(tmp_path: Path):
    with pytest.raises(UserError, match="no such folder"):
        load(chapter(), data_dir=tmp_path / "nowhere")
    with pytest.raises(UserError, match="0 class folders"):
        load(chapter(), data_dir=tmp_path)
    write_folder(tmp_path / "train", {"cat": 6, "dog": 6})
    (tmp_path / "train" / "eel").mkdir()
    with pytest.raises(UserError, match="eel: no pictures"):
        load(chapter(), data_dir=tmp_path)
    (tmp_path / "train" / "eel").rmdir()
    write_folder(tmp_path / "val", {"cat": 1})
    with pytest.raises(UserError, match="val: not the classes of train/: dog"):
        load(chapter(), data_dir=tmp_path)
    write_folder(tmp_path / "val", {"dog": 1})
    with pytest.raises(UserError, match="has 2 classes; the network tells 1 apart"):
        load(chapter(classes=1), data_dir=tmp_path)
    broken = tmp_path / "train" / "dog" / "004.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(UserError, match=r"dog/004\.jpg: cannot be read"):
        load(chapter(), data_dir=tmp_path)
