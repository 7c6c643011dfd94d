"""Sets that a person has on disk: the book's `.npz` files, King County's houses, the census.

The book's files are looked for in the folder itself and in `Data` or `data` below it:

- servers `ch04.npz`, flats `ch05.npz`, cities `ch06.npz`, kingdoms `ch07.npz`: one file without a
  test part, so training, validation and test are the whole file, as in the book;
- sine `ch08`, complex `ch09` (newer copies: `ch09_1`, `ch09_2`), arc `ch10`, coin `ch11`, fourier
  `ch16`, each `.train.npz` and `.test.npz`: a tenth of the training file, from each class alike, is
  the validation split; of fourier's 25 points none is spared, and every other test point validates;
- houses `kc_house_data.csv` (72 / 8 / 20 %) or `ch14.house`, census `adult.data` and `adult.test`,
  `adult.csv` (72 / 8 / 20 % of each class) or `ch14.Income`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data import census, houses, npz
from scratch.data.dataset import Table
from scratch.data.splits import three_ways
from scratch.spec.errors import UserError
from scratch.spec.schema import Data

Array = np.ndarray[Any, np.dtype[Any]]
Parts = tuple[tuple[Array, Array], tuple[Array, Array], tuple[Array, Array]]

_WHOLE = {"servers": "ch04", "flats": "ch05", "cities": "ch06", "kingdoms": "ch07"}
_PAIRS: dict[str, tuple[str, ...]] = {
    "sine": ("ch09_1", "ch08"),
    "complex": ("ch09_2", "ch09"),
    "arc": ("ch10",),
    "coin": ("ch11",),
    "fourier": ("ch16",),
    "houses": ("ch14.house",),
    "census": ("ch14.Income", "ch14.income"),
}
_CENSUS = (("adult.data", "adult.test"), ("adult.csv",), ("census.csv",))
_INSTEAD = {"diabetes": "houses", "breast_cancer": "census"}
_BOOK = "file of the book Neural networks in nine steps (ai-edu)"

FILE_SETS = (*_WHOLE, *_PAIRS)


def readable(data: Data) -> tuple[str, ...]:
    """Return the sets of a chapter that a folder may hold."""
    named = (data.name, _INSTEAD.get(data.name, ""), *data.alternatives)
    return tuple(dict.fromkeys(name for name in named if name in FILE_SETS))


def wanted(name: str) -> str:
    """Return the names of the files of a set, in words."""
    if name in _WHOLE:
        return f"{_WHOLE[name]}.npz"
    book = " or ".join(f"{stem}.train.npz with {stem}.test.npz" for stem in _PAIRS[name])
    if name == "houses":
        return f"{houses.FILE} or {book}"
    if name == "census":
        return f"adult.data with adult.test, or adult.csv, or {book}"
    return book


def load(data: Data, name: str, folder: Path, seed: int) -> tuple[Parts, Table]:
    """Return training, validation and test samples, and the whole as a table for its names.

    Args:
        data: the chapter's data; its shape says how many features are read.
        name: one of `readable(data)`.
        folder: where the files lie.
        seed: which split.

    Raises:
        UserError: files are missing or damaged, or too few samples to split.
    """
    if len(data.shape) != 1:
        raise UserError(f'"{name}" is a table; the chapter takes samples of shape {data.shape}')
    paths = _find(name, folder)
    tables = [_table(data, name, path) for path in paths]
    if paths[0].suffix == ".npz" and data.task != "regression":
        tables = _from_zero(data, tables, paths)
    try:
        return _parts(name, tables, paths, seed), tables[0]
    except UserError as error:
        raise UserError(f"{paths[0]}: {error}") from error


def _parts(name: str, tables: Sequence[Table], paths: Sequence[Path], seed: int) -> Parts:
    first = tables[0]
    whole = (first.x, first.y)
    if name in _WHOLE:
        return whole, whole, whole
    test = (tables[-1].x, tables[-1].y)
    if name == "fourier":
        return whole, (test[0][1::2], test[1][1::2]), (test[0][::2], test[1][::2])
    labels = first.y if first.classes else None
    if len(paths) == 1:
        splits = three_ways(len(first.y), seed, labels, val=0.08, test=0.2)
        train, val, rest = ((first.x[rows], first.y[rows]) for rows in splits)
        return train, val, rest
    splits = three_ways(len(first.y), seed, labels, val=0.1, test=0.0)
    train, val = ((first.x[rows], first.y[rows]) for rows in splits[:2])
    return train, val, test


def _find(name: str, folder: Path) -> tuple[Path, ...]:
    groups: list[tuple[str, ...]] = []
    if name == "houses":
        groups.append((houses.FILE,))
    if name == "census":
        groups += _CENSUS
    if name in _WHOLE:
        groups += [(f"{_WHOLE[name]}.npz",), (f"{_WHOLE[name]}.train.npz",)]
    else:
        groups += [(f"{stem}.train.npz", f"{stem}.test.npz") for stem in _PAIRS[name]]
    places = [place for place in (folder, folder / "Data", folder / "data") if place.is_dir()]
    lonely = ""
    for place in places:
        for group in groups:
            there = [(place / file).is_file() for file in group]
            if all(there):
                return tuple(place / file for file in group)
            if any(there):
                missing = [file for file, here in zip(group, there, strict=True) if not here]
                lonely = f" ({', '.join(missing)} is not beside the rest in {place})"
    state = "" if places else " (no such folder)"
    raise UserError(f'{folder}{state}: no files of "{name}"{lonely}; wanted: {wanted(name)}')


def _table(data: Data, name: str, path: Path) -> Table:
    features = data.shape[0]
    if path.suffix == ".npz":
        x, y = npz.read(path, features)
        names = data.features
        if name == "houses":
            names = tuple(houses.FEATURES.values())
        if name == "census":
            names = census.FEATURES
        names = names if len(names) == features else tuple(f"x{i + 1}" for i in range(features))
        classes = census.CLASSES if name == "census" else data.classes
        return Table(x, y, names, classes, _BOOK)
    return houses.read(path, features) if name == "houses" else census.read(path, features)


def _from_zero(data: Data, tables: Sequence[Table], paths: Sequence[Path]) -> list[Table]:
    """Return the tables with labels 0, 1, ...: the book's three-class files count from 1."""
    count = 2 if data.task == "binary" else len(data.classes)
    largest = max(table.y.max() for table in tables)
    start = 1 if data.task == "multiclass" and largest == count else 0
    found = []
    for table, path in zip(tables, paths, strict=True):
        y = table.y - start
        bad = (y != np.rint(y)) | (y < 0) | (y >= count)
        if bad.any():
            row = int(np.argmax(bad))
            raise UserError(
                f"{path}: label {row + 1} is {table.y[row]:g}; expected are whole numbers from "
                f"{start} to {start + count - 1}; is it the file of another chapter?"
            )
        found.append(Table(table.x, y.astype(np.int64), table.features, table.classes, _BOOK))
    return found
