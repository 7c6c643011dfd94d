"""CIFAR-10's binary files: 10,000 records of 3,073 bytes, one label and 32 x 32 pixels thrice.

A record is its label, then the red, the green and the blue values, row by row. Format and pictures:
Krizhevsky, Learning multiple layers of features from tiny images, 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE
TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
NAMES = "batches.meta.txt"
FOLDER = "cifar-10-batches-bin"
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SOURCE = "Krizhevsky, Learning multiple layers of features from tiny images, 2009"
WANTED = f"{TRAIN[0]} to {TRAIN[-1]} and {TEST} (CIFAR-10, binary version)"


def find(folder: Path) -> Path | None:
    """Return where the six files lie, the folder itself or `cifar-10-batches-bin` below it.

    Returns:
        None if there is none of them.

    Raises:
        UserError: some of them are there and some are missing.
    """
    for place in (folder, folder / FOLDER):
        missing = [name for name in (*TRAIN, TEST) if not (place / name).is_file()]
        if not missing:
            return place
        if len(missing) <= len(TRAIN):
            raise UserError(f"{place}: {', '.join(missing)} missing; CIFAR-10 has {WANTED}")
    return None


def read(path: Path) -> tuple[Array, Array]:
    """Read one file.

    Returns:
        (N, 32, 32, 3) uint8, (N,) int64.

    Raises:
        UserError: it cannot be read, does not hold whole records, or holds an impossible label.
    """
    try:
        size = path.stat().st_size
        if size == 0 or size % RECORD:
            raise UserError(
                f"{path}: {size:,} bytes are no whole number of {RECORD}-byte records; "
                "take the binary version of CIFAR-10, or download it anew"
            )
        records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASSES):
        row = int(np.argmax(labels >= len(CLASSES)))
        raise UserError(
            f"{path}: the label of record {row + 1} is {labels[row]}, the largest class "
            f"{len(CLASSES) - 1}; is it CIFAR-10's binary version?"
        )
    planes = records[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(np.moveaxis(planes, 1, -1)), labels


def read_all(place: Path) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return the training pictures with their labels, then the test pictures.

    Raises:
        UserError: as `read`.
    """
    parts = [read(place / name) for name in TRAIN]
    train = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    return train, read(place / TEST)


def classes(place: Path) -> tuple[str, ...]:
    """Return the names of the classes, from `batches.meta.txt` where that is there.

    Raises:
        UserError: the file does not hold ten names.
    """
    path = place / NAMES
    if not path.is_file():
        return CLASSES
    try:
        names = tuple(path.read_text("utf-8").split())
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error})") from error
    if len(set(names)) != len(CLASSES) or len(names) != len(CLASSES):
        raise UserError(f"{path}: {len(CLASSES)} names are expected; got {len(names)}")
    return names
