"""Handwritten digits and MNIST files at the size that a chapter takes.

Options of the chapter's data: "samples" keeps only so many training images, drawn without regard to
their class; "shifts" adds four copies of each, moved by so many pixels; "augment" then makes so
many of each, see `scratch.data.augment`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data import idx
from scratch.data.augment import augment
from scratch.data.bundled import digits
from scratch.data.dataset import Dataset, Split
from scratch.data.preprocess import Record, apply
from scratch.data.splits import three_ways
from scratch.data.streams import stream
from scratch.spec.errors import UserError, unknown
from scratch.spec.schema import Data

Array = np.ndarray[Any, np.dtype[Any]]

# side of the network's image: (repetitions of each pixel, border)
_FROM_8 = {8: (1, 0), 28: (3, 2), 32: (4, 0)}
_FROM_28 = {28: (1, 0), 32: (1, 2)}

_FILES = {
    "train images": "train-images{}idx3-ubyte",
    "train labels": "train-labels{}idx1-ubyte",
    "test images": "t10k-images{}idx3-ubyte",
    "test labels": "t10k-labels{}idx1-ubyte",
}
_TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
_FOLDERS = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw"}
_MD5 = {
    "mnist": (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    "fashion_mnist": (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
}
_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}
_SOURCES = {
    "mnist": "LeCun, Cortes and Burges, The MNIST database of handwritten digits, 1998, "
    "CC BY-SA 3.0",
    "fashion_mnist": "Xiao, Rasul and Vollgraf, Fashion-MNIST, Zalando Research, 2017, MIT",
}
IDX_SETS = tuple(_TITLES)
_VALIDATION = 1 / 12  # the book's share: 5,000 of 60,000


def load_digits(data: Data, seed: int) -> Dataset:
    """Return scikit-learn's handwritten digits, 70 / 10 / 20 % of each class.

    Args:
        data: the chapter's data, with sample shape, value range and options.
        seed: which split.

    Raises:
        UserError: a sample shape to which 8 x 8 images cannot be enlarged.
    """
    table = digits()
    record = _record(data, side=8, full=16, sizes=_FROM_8)
    parts = three_ways(len(table.y), seed, table.y)
    train, val, test = (Split(apply(record, table.x[part]), table.y[part]) for part in parts)
    train = _with_options(data, record, train, seed)
    return Dataset("digits", train, val, test, table.classes, record, table.source)


def load_idx(data: Data, name: str | None, folder: Path, seed: int) -> Dataset:
    """Return MNIST or Fashion-MNIST from IDX files.

    A twelfth of the training file, taken from each class alike, is the validation split; the
    t10k files are the test split.

    Args:
        data: the chapter's data, with sample shape and value range.
        name: "mnist", "fashion_mnist", or None for what the folder holds. Files that lie in the
            folder itself are MNIST unless the name, or the folder's own name, says Fashion.
        folder: holds the files, or torchvision's MNIST/raw or FashionMNIST/raw.
        seed: which validation split.

    Raises:
        UserError: files are missing or damaged, or the sample shape is not one of theirs.
    """
    record = _record(data, side=28, full=255, sizes=_FROM_28)
    name, files = _find(folder, name)
    classes = _CLASSES[name]
    splits = []
    for part in ("train", "test"):
        x, y = idx.read_pair(files[f"{part} images"], files[f"{part} labels"], len(classes))
        if x.shape[1:] != (28, 28):
            raise UserError(
                f"{files[f'{part} images']}: images of 28 x 28 are expected; got {x.shape[1:]}"
            )
        splits.append((x, y))
    (x, y), (x_test, y_test) = splits
    train, val, _ = three_ways(len(y), seed, y, val=_VALIDATION, test=0.0)
    return Dataset(
        name,
        _with_options(data, record, Split(apply(record, x[train]), y[train]), seed),
        Split(apply(record, x[val]), y[val]),
        Split(apply(record, x_test), y_test),
        classes,
        record,
        _SOURCES[name],
    )


def _with_options(data: Data, record: Record, train: Split, seed: int) -> Split:
    options = {"samples": len(train), "shifts": 0, "augment": 1}
    for key, value in data.options.items():
        if key not in options:
            raise unknown("option of image data", key, options)
        options[key] = value
    count = options["samples"]
    if not 1 <= count <= len(train):
        raise UserError(f"{len(train)} training images; {count} are wanted")
    if count < len(train):
        kept = np.sort(stream(seed, "samples").permutation(len(train))[:count])
        train = Split(train.x[kept], train.y[kept])
    if options["shifts"]:
        train = _with_shifts(train, record, options["shifts"])
    if options["augment"] == 1:
        return train
    images = train.x.reshape(len(train), *record["size"])
    x, y = augment(images, train.y, options["augment"], seed, tuple(record["value_range"]))
    return Split(x.reshape(len(x), *data.shape), y)


def _record(data: Data, side: int, full: int, sizes: dict[int, tuple[int, int]]) -> Record:
    height = data.shape[1] if len(data.shape) == 3 else math.isqrt(data.shape[0])
    if data.shape not in ((1, height, height), (height * height,)) or height not in sizes:
        known = ", ".join(f"{size} x {size}" for size in sizes)
        raise UserError(
            f"{side} x {side} images cannot become samples of shape {data.shape}; "
            f"possible: one channel of {known}, or flattened"
        )
    enlarge, border = sizes[height]
    return {
        "kind": "image",
        "source": [side, side],
        "full": full,
        "enlarge": enlarge,
        "border": border,
        "size": [height, height],
        "channels": 1,
        "value_range": list(data.value_range or (0.0, 1.0)),
        "shape": list(data.shape),
    }


def _with_shifts(split: Split, record: Record, pixels: int) -> Split:
    """Add copies of the images that are moved down, up, right and left; what moves in is empty."""
    height, width = record["size"]
    images = split.x.reshape(-1, height, width)
    border = ((0, 0), (pixels, pixels), (pixels, pixels))
    padded = np.pad(images, border, constant_values=np.float32(record["value_range"][0]))
    # Where the window on the padded image begins: a window higher up shows the ink further down.
    moves = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    moved = [
        padded[:, down * pixels : down * pixels + height, right * pixels : right * pixels + width]
        for down, right in moves
    ]
    return Split(
        np.concatenate(moved).reshape(-1, *split.x.shape[1:]), np.tile(split.y, len(moves))
    )


def _find(folder: Path, name: str | None) -> tuple[str, dict[str, Path]]:
    """Return which set lies in a folder, and its four files."""
    if name is None and "fashion" in folder.resolve().name.lower():
        name = "fashion_mnist"
    candidates = [name] if name else list(IDX_SETS)
    places = {folder: candidates[0], folder / "raw": candidates[0]}
    places |= {folder / _FOLDERS[candidate]: candidate for candidate in candidates}
    best: dict[str, Path] = {}
    for place, candidate in places.items():
        files = {part: path for part in _FILES if (path := _file(place, part))}
        if len(files) == len(_FILES):
            return candidate, files
        best = max(best, files, key=len)
    state = "" if folder.is_dir() else " (no such folder)"
    raise UserError(
        f"{folder}{state}: {wanted(candidates[0], best)}; "
        f"looked in {', '.join(str(place) for place in places)}"
    )


def wanted(name: str, found: Collection[str] = ()) -> str:
    """Return a sentence that names the files of an IDX set, with their published checksums.

    Args:
        name: one of `IDX_SETS`.
        found: parts ("train images") that are there already and left out.
    """
    names = [
        f"{pattern.format('-')}[.gz] (MD5 of the .gz: {md5})"
        for (part, pattern), md5 in zip(_FILES.items(), _MD5[name], strict=True)
        if part not in found
    ]
    return f"{_TITLES[name]} files are missing: {', '.join(names)}; a dot before idx will do too"


def _file(folder: Path, part: str) -> Path | None:
    for separator in ("-", "."):
        for ending in ("", ".gz"):
            path = folder / (_FILES[part].format(separator) + ending)
            if path.is_file():
                return path
    return None
