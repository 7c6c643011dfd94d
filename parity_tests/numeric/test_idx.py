"""MNIST's IDX files: found in every spelling, refused in every damage."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from scratch import spec
from scratch.data import idx, load
from scratch.data.streams import stream
from scratch.spec.errors import UserError

PER_CLASS = 13


def idx_bytes(array: np.ndarray, order: str = ">") -> bytes:
    magic = 0x0800 + array.ndim
    return struct.pack(f"{order}{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


def mnist(folder: Path, ending: str = "", separator: str = "-") -> dict[str, np.ndarray]:
    """Write a small set in MNIST's four files."""
    generator = stream(0, "mnist")
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for part, repeat in (("train", PER_CLASS), ("t10k", 2)):
        images = generator.integers(0, 256, (10 * repeat, 28, 28), dtype=np.uint8)
        labels = np.tile(np.arange(10, dtype=np.uint8), repeat)
        for kind, array in (("images", images), ("labels", labels)):
            name = f"{part}-{kind}{separator}idx{array.ndim}-ubyte{ending}"
            data = idx_bytes(array)
            (folder / name).write_bytes(gzip.compress(data) if ending else data)
            arrays[f"{part} {kind}"] = array
    return arrays


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("separator", ["-", "."])
@pytest.mark.parametrize(
    ("below", "name", "found"),
    [
        ("", None, "mnist"),
        ("MNIST/raw", None, "mnist"),
        ("FashionMNIST/raw", None, "fashion_mnist"),
        ("", "fashion_mnist", "fashion_mnist"),
        ("raw", "mnist", "mnist"),
    ],
)
def test_mnist_is_found_in_every_spelling(tmp_path, ending, separator, below, name, found):
    arrays = mnist(tmp_path / below, ending, separator)
    data = load(spec.get("mlp_mnist"), name, data_dir=tmp_path)
    assert data.name == found
    assert (len(data.train), len(data.val), len(data.test)) == (120, 10, 20)
    assert data.classes[9] == ("9" if found == "mnist" else "Ankle boot")
    expected = (arrays["t10k images"] / 255).astype(np.float32)
    assert np.array_equal(data.test.x[:, 0], expected)
    assert np.array_equal(data.test.y, arrays["t10k labels"])


def test_mnist_is_padded_to_32(tmp_path):
    arrays = mnist(tmp_path / "fashion")
    data = load(spec.get("lenet5"), data_dir=tmp_path / "fashion")
    assert data.name == "fashion_mnist"
    assert data.test.x.shape == (20, 1, 32, 32)
    frame = data.test.x.copy()
    frame[:, :, 2:-2, 2:-2] = np.float32(-0.1)
    assert (frame == np.float32(-0.1)).all()
    full = arrays["t10k images"] == 255
    assert (data.test.x[:, 0, 2:-2, 2:-2][full] == np.float32(1.175)).all()
    with pytest.raises(UserError, match="possible: one channel of 28 x 28, 32 x 32"):
        load(spec.get("mlp_mnist", "tiny"), data_dir=tmp_path / "fashion")


def test_missing_files_are_listed_with_checksums(tmp_path):
    with pytest.raises(UserError) as caught:
        load(spec.get("lenet5"), data_dir=tmp_path / "none")
    message = str(caught.value)
    assert "(no such folder)" in message
    assert (
        "train-images-idx3-ubyte[.gz] (MD5 of the .gz: f68b3c2dcbeaaa9fbdd348bbdeb94873)" in message
    )
    assert str(tmp_path / "none" / "MNIST" / "raw") in message
    assert "\n" not in message
    mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError) as caught:
        load(spec.get("lenet5"), "fashion_mnist", data_dir=tmp_path)
    message = str(caught.value)
    assert "Fashion-MNIST files are missing: t10k-labels" in message
    assert "bb300cfdad3c16e7a12a480ee83cd310" in message
    assert "train-images" not in message


IMAGES = np.arange(3 * 28 * 28, dtype=np.uint32).reshape(3, 28, 28).astype(np.uint8)
LABELS = np.array([3, 0, 9], dtype=np.uint8)
GOOD = idx_bytes(IMAGES)
PACKED = gzip.compress(GOOD)

DAMAGED = {
    "empty file": (b"", "it is empty"),
    "short magic": (b"\0\0", "not an IDX file"),
    "short header": (GOOD[:11], r"incomplete \(11 bytes of header\)"),
    "one byte short": (GOOD[:-1], f"incomplete \\({len(GOOD) - 1} of {len(GOOD)} bytes\\)"),
    "one byte long": (GOOD + b"\0", f"too long \\({len(GOOD) + 1} instead of {len(GOOD)}"),
    "labels": (idx_bytes(LABELS), "holds labels where images are expected; swap the files"),
    "little-endian": (idx_bytes(IMAGES, "<"), "little-endian"),
    "text": (b"<html><body>404", r"not an IDX file of images \(it begins with 3c 68 74 6d\)"),
    "no images": (idx_bytes(IMAGES[:0]), r"holds no images \(shape \(0, 28, 28\)\)"),
    "N = 2^32-1": (struct.pack(">4I", 2051, 2**32 - 1, 28, 28) + bytes(99), "incomplete"),
    "gzip N = 2^32-1": (
        gzip.compress(struct.pack(">4I", 2051, 2**32 - 1, 28, 28) + bytes(99)),
        "incomplete .at most",
    ),
    "gzip cut": (PACKED[:-20], "damaged or incomplete gzip file"),
    "gzip without its end": (PACKED[:-4], "damaged or incomplete gzip file"),
    "gzip checksum": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "CRC check failed"),
    "gzip body": (PACKED[:30] + bytes(40) + PACKED[70:], "damaged or incomplete gzip file"),
    "gzip short": (gzip.compress(GOOD[:-5]), f"incomplete \\({len(GOOD) - 5} of {len(GOOD)}"),
    "gzip long": (gzip.compress(GOOD + b"\0"), f"too long \\(more than {len(GOOD)} bytes"),
    "gzip empty": (gzip.compress(b""), "it is empty"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_idx_files_are_refused_in_one_line(tmp_path, damage):
    content, reason = DAMAGED[damage]
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        idx.read_images(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    bomb = gzip.compress(struct.pack(">4I", 2051, 3, 28, 28) + bytes(64 << 20), compresslevel=9)
    (tmp_path / "bomb").write_bytes(bomb)
    assert len(bomb) < 70_000
    tracemalloc.start()
    with pytest.raises(UserError, match="too long"):
        idx.read_images(tmp_path / "bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_labels_and_pairs_are_checked(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(GOOD)
    labels.write_bytes(idx_bytes(LABELS))
    x, y = idx.read_pair(images, labels, 10)
    assert np.array_equal(x, IMAGES)
    assert y.tolist() == [3, 0, 9]
    assert y.dtype == np.int64
    with pytest.raises(UserError, match="labels: label 3 is 9, the largest class 8"):
        idx.read_labels(labels, 9)
    with pytest.raises(UserError, match="holds images where labels are expected"):
        idx.read_labels(images, 10)
    labels.write_bytes(idx_bytes(LABELS[:2]))
    with pytest.raises(UserError, match=r"3 images, .*labels holds 2 labels; take both"):
        idx.read_pair(images, labels, 10)
    with pytest.raises(UserError, match="none: cannot be read"):
        idx.read_images(tmp_path / "none")


def test_images_of_another_size_are_refused(tmp_path):
    mnist(tmp_path)
    wrong = np.zeros((10 * PER_CLASS, 27, 28), dtype=np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(wrong))
    with pytest.raises(UserError, match=r"28 x 28 are expected; got \(27, 28\)"):
        load(spec.get("mlp_mnist"), data_dir=tmp_path)
