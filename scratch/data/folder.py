"""A folder of picture files, one folder per class.

`train/<class>/*.png`, and `val` and `test` beside `train` in the same way. A missing part is taken
from the training pictures, 10 and 20 % of each class; the class folders may also lie in the folder
itself, without `train`. Classes are numbered in the order of their names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scratch.data.colour import Record
from scratch.data.picture import PICTURES, colours
from scratch.data.splits import three_ways
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Part = tuple[Array, Array]

WANTED = "train/<class>/*.png or *.jpg, with val/ and test/ beside train/ if there are such parts"
LARGEST = 4 << 30  # bytes of all pictures as float32
_SHARES = {"val": 0.1, "test": 0.2}


def read(folder: Path, record: Record, seed: int) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Read every picture at the network's size.

    Args:
        folder: see the module.
        record: see `scratch.data.colour`.
        seed: which split, where a part is missing.

    Returns:
        Training, validation and test part, each (N, H, W, 3) uint8 and (N,) int64; class names.

    Raises:
        UserError: no such folder, no class, a class without pictures or only in one part, a
            picture that cannot be read, more than fits in memory.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; wanted: {WANTED}")
    main = folder / "train" if (folder / "train").is_dir() else folder
    names = _classes(main)
    found = {"train": _paths(main, names)}
    if main != folder:
        for part in _SHARES:
            if (folder / part).is_dir():
                _same_classes(folder / part, names)
                found[part] = _paths(folder / part, names)
    count = sum(len(paths) for paths, _ in found.values())
    high, wide = record["size"]
    if count * high * wide * 12 > LARGEST:
        raise UserError(
            f"{folder}: {count:,} pictures of {high} x {wide} take {count * high * wide * 12:,} "
            f"bytes, more than {LARGEST:,}; use fewer pictures or a smaller network"
        )
    parts = {part: (_pixels(paths, record), labels) for part, (paths, labels) in found.items()}
    x, labels = parts["train"]
    shares = {part: 0.0 if part in parts else share for part, share in _SHARES.items()}
    try:
        rows = three_ways(len(labels), seed, labels, **shares)
    except UserError as error:
        raise UserError(f"{main}: {error}") from error
    for part, chosen in zip(("train", *_SHARES), rows, strict=True):
        if part == "train" or shares[part]:
            parts[part] = x[chosen], labels[chosen]
    return tuple(parts[part] for part in ("train", *_SHARES)), names


def _folders(place: Path) -> list[str]:
    return sorted(p.name for p in place.iterdir() if p.is_dir() and not p.name.startswith("."))


def _classes(main: Path) -> tuple[str, ...]:
    names = tuple(_folders(main))
    if len(names) < 2:
        raise UserError(f"{main}: {len(names)} class folders, 2 or more wanted: {WANTED}")
    return names


def _same_classes(place: Path, names: tuple[str, ...]) -> None:
    other = sorted(set(_folders(place)) ^ set(names))
    if other:
        raise UserError(f"{place}: not the classes of train/: {', '.join(other[:3])}")


def _paths(place: Path, names: tuple[str, ...]) -> tuple[list[Path], Array]:
    """Return the files of all classes and their labels (N,)."""
    paths, labels = [], []
    for label, name in enumerate(names):
        own = sorted(
            path
            for path in (place / name).iterdir()
            if path.suffix.lower() in PICTURES and not path.name.startswith(".")
        )
        if not own:
            raise UserError(f"{place / name}: no pictures ({', '.join(PICTURES)})")
        paths += own
        labels += [label] * len(own)
    return paths, np.array(labels, np.int64)


def _pixels(paths: list[Path], record: Record) -> Array:
    high, wide = record["size"]
    pixels = np.empty((len(paths), high, wide, 3), np.uint8)
    for number, path in enumerate(paths):
        try:
            pixels[number] = colours(path, record)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
    return pixels
