"""The book's npz files: read in every layout, refused in every damage."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from parity_tests.numeric.table_chapter import chapter
from scratch import spec
from scratch.data import load, npz
from scratch.data.generators import GENERATORS
from scratch.data.streams import stream
from scratch.spec.errors import UserError

# ------------------------------------------------------------------------------------------- npz

BOOK = {
    "servers": ("ch04", 1, "regression", 0),
    "flats": ("ch05", 2, "regression", 0),
    "cities": ("ch06", 2, "binary", 2),
    "kingdoms": ("ch07", 2, "multiclass", 3),
    "sine": ("ch08", 1, "regression", 0),
    "complex": ("ch09", 1, "regression", 0),
    "arc": ("ch10", 2, "binary", 2),
    "coin": ("ch11", 2, "multiclass", 3),
    "fourier": ("ch16", 1, "regression", 0),
}


def book_files(folder: Path, name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Write a set as the book does: labels in a column, three classes counted from 1."""
    stem, _, task, _ = BOOK[name]
    (train, _), _, (test, arguments) = GENERATORS[name].parts()
    single = stem in ("ch04", "ch05", "ch06", "ch07")
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for part, draw, options in (("train", train, {}), ("test", test, arguments)):
        x, y = draw(stream(9, part), **options)
        y = y.reshape(-1, 1) + (task == "multiclass")
        path = folder / (f"{stem}.npz" if single else f"{stem}.{part}.npz")
        if part == "train" or not single:
            np.savez(path, data=x, label=y)
            arrays[part] = (x, y)
    return arrays


@pytest.mark.parametrize("below", ["", "Data"])
@pytest.mark.parametrize("name", BOOK)
def test_the_books_files_are_read(tmp_path, name, below):
    arrays = book_files(tmp_path / below, name)
    _, features, task, classes = BOOK[name]
    names = tuple(f"class {i}" for i in range(classes))
    data = load(chapter(name, features, task, names), data_dir=tmp_path)
    assert data.name == name
    assert data.preprocessing["kind"] == "min-max"
    x, y = arrays["train"]
    if "test" not in arrays:
        assert len(data.train) == len(data.val) == len(data.test) == len(x)
        assert np.array_equal(data.train.x, data.test.x)
    elif name == "fourier":
        assert [len(part) for part in (data.train, data.val, data.test)] == [25, 50, 50]
    else:
        assert len(data.train) + len(data.val) == len(x)
        assert abs(len(data.val) - len(x) / 10) <= 3
        assert len(data.test) == len(arrays["test"][0])
    if task == "multiclass":
        assert set(data.train.y.tolist()) == {0, 1, 2}
        if len(data.train) == len(y):
            assert np.array_equal(data.train.y, y[:, 0] - 1)


def test_least_squares_of_the_books_file_sees_every_row(tmp_path):
    x, y = book_files(tmp_path, "servers")["train"]
    plain = spec.get("linear_regression")
    data = load(plain, data_dir=tmp_path)
    assert np.array_equal(data.train.x, x.astype(np.float32))
    assert np.array_equal(data.train.y, y.astype(np.float32))
    with pytest.raises(UserError, match="embedded and reads no files"):
        load(plain, "diabetes", data_dir=tmp_path)


def test_layouts_and_types_of_npz(tmp_path):
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    path = tmp_path / "a.npz"
    for data, label in (
        (np.asfortranarray(x), y),
        (x.astype(">f4"), y[:, None].astype(np.uint8)),
        (x.astype(np.int16), y.astype(np.float32)),
    ):
        for write in (np.savez, np.savez_compressed):
            write(path, data=data, label=label)
            found, labels = npz.read(path, 2)
            assert np.array_equal(found, x)
            assert np.array_equal(labels, y)
            assert found.dtype == labels.dtype == np.float64
    np.savez(path, data=x[:, 0], label=y)
    assert npz.read(path, 1)[0].shape == (6, 1)


def packed(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def with_header(header: str, body: bytes = b"") -> bytes:
    """Return an archive whose `data` has this header."""
    text = (header + " " * (63 - (10 + len(header)) % 64) + "\n").encode()
    member = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.npy", member)
        archive.writestr("label.npy", member)
    return buffer.getvalue()


def flipped(content: bytes) -> bytes:
    place = content.index(b"NUMPY") + 200
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


X, Y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 2), }"
DAMAGED_NPZ = {
    "empty": (b"", "no .npz file, or damaged"),
    "text": (b"<html>404</html>", "no .npz file, or damaged"),
    "cut": (packed(data=X, label=Y)[:-40], "no .npz file, or damaged"),
    "one bit": (flipped(packed(data=X, label=Y)), "no .npz file, or damaged.*CRC"),
    "no label": (packed(data=X), 'no array "label" but data.npy'),
    "objects": (packed(data=np.array([[{}, 1]] * 20, object), label=Y), "plain numbers"),
    "words": (packed(data=np.array([["a", "b"]] * 20), label=Y), "plain numbers"),
    "complex": (packed(data=X + 1j, label=Y), "plain numbers"),
    "claims too much": (with_header(HUGE), "wants 16000000000 bytes, 0 are there"),
    "claims too little": (with_header(HUGE.replace("1000000000", "1"), bytes(99)), "99 are there"),
    "negative": (with_header(HUGE.replace("1000000000", "-1")), "damaged header|shape|wants"),
    "code": (with_header("__import__('os').getcwd()"), "damaged header"),
    "another chapter": (packed(data=X[:, :1], label=Y), r"got \(20, 1\) and \(20,\)"),
    "fewer labels": (packed(data=X, label=Y[:-1]), r"got \(20, 2\) and \(19,\)"),
    "no samples": (packed(data=X[:0], label=Y[:0]), "holds no samples"),
    "NaN": (packed(data=np.where(X == 5, np.nan, X), label=Y), "row 3, column 2 .* is nan"),
    "infinite label": (packed(data=X, label=np.where(Y == 5, np.inf, Y)), "row 6, .*label"),
}


@pytest.mark.parametrize("damage", DAMAGED_NPZ)
def test_damaged_npz_files_are_refused_in_one_line(tmp_path, damage):
    content, reason = DAMAGED_NPZ[damage]
    path = tmp_path / "ch05.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        npz.read(path, 2)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_npz_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "ch05.npz"
    np.savez_compressed(path, data=np.zeros((4_000_000, 2)), label=np.zeros(1))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(UserError, match="64000000 bytes"):
        npz.read(path, 2)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_missing_files_and_wrong_labels_are_named(tmp_path):
    with pytest.raises(UserError, match=r"no such folder.*wanted: ch05\.npz"):
        load(chapter("flats", 2, "regression"), data_dir=tmp_path / "none")
    book_files(tmp_path, "coin")
    (tmp_path / "ch11.test.npz").unlink()
    coin = chapter("coin", 2, "multiclass", ("a", "b", "c"))
    with pytest.raises(UserError, match=r"ch11\.test\.npz is not beside the rest"):
        load(coin, data_dir=tmp_path)
    with pytest.raises(UserError, match=r"cannot be read"):
        npz.read(tmp_path / "none.npz", 2)
    np.savez(tmp_path / "ch06.npz", data=X, label=Y)
    with pytest.raises(UserError, match=r"ch06\.npz: label 3 is 2; .* whole numbers from 0 to 1"):
        load(chapter("cities", 2, "binary", ("a", "b")), data_dir=tmp_path)
