"""From a chapter to its arrays: the embedded set, a bundled real one, or files of a folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data import colour_sets, files, preprocess
from scratch.data.bundled import TABLES
from scratch.data.dataset import Dataset, Split
from scratch.data.generators import GENERATORS
from scratch.data.images import IDX_SETS, load_digits, load_idx
from scratch.data.images import wanted as wanted_images
from scratch.data.patches import PHOTO_PATCHES, load_patches
from scratch.data.preprocess import Record
from scratch.data.splits import three_ways
from scratch.data.streams import stream
from scratch.spec.errors import UserError, unknown
from scratch.spec.schema import Chapter, Data

Array = np.ndarray[Any, np.dtype[Any]]
Samples = tuple[Array, Array]

_EMBEDDED = ("digits", PHOTO_PATCHES, "shapes", *TABLES, *GENERATORS)


def load(
    chapter: Chapter, name: str | None = None, data_dir: str | Path | None = None, seed: int = 0
) -> Dataset:
    """Return the data set of a chapter.

    Generated sets: training, validation and test are three independent draws of the book's number
    of samples; truth tables, and all differences of binary numbers, are their rows three times.
    Real tables and digits: 70 / 10 / 20 % of each class. Files: see `scratch.data.files`,
    `scratch.data.images.load_idx` and `scratch.data.colour_sets.load_files`.

    The chapter's own set is normalised as the chapter says. Another set has other units: where the
    chapter says "none", it is brought to 0 ... 1 ("min-max"), a regression's target too.

    The data's options are arguments of the generator (what the book says of its test samples
    stays), and:

    - "labels": two numbers that stand for the classes of a binary task, (-1, 1) instead of (0, 1);
    - "samples" and "augment", images only: see `scratch.data.images`, and
      `scratch.data.colour_sets` for shapes and colour pictures.

    Args:
        chapter: at the size that is wanted.
        name: the chapter's own set, one of its alternatives, or a set of files; None for the
            chapter's own (with `data_dir`: what lies there).
        data_dir: folder of files.
        seed: of the samples that are drawn and of the splits.

    Raises:
        UserError: an unknown name, a file in place of the folder, missing or damaged files, a
            sample shape that the set does not have.
    """
    data = chapter.data
    on_disk = readable(data)
    known = tuple(dict.fromkeys((data.name, *data.alternatives, *on_disk)))
    if name is not None and name not in known:
        raise unknown("data set", name, known)
    if data_dir is None:
        return _embedded(data, name or data.name, seed)
    if not on_disk:
        raise UserError(
            f'"{chapter.id}" reads no files; leave out the data folder '
            f"and choose one of: {', '.join(known)}"
        )
    if name is not None and name not in on_disk:
        raise UserError(f'"{name}" is embedded and reads no files; leave out the data folder')
    folder = Path(data_dir)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name the folder that holds the data")
    if data.name == "digits":
        return load_idx(data, name, folder, seed)
    if on_disk == colour_sets.FILE_SETS:
        return colour_sets.load_files(data, name, folder, seed)
    return _from_files(data, name or on_disk[0], folder, seed)


def readable(data: Data) -> tuple[str, ...]:
    """Return the sets that a chapter reads from a folder."""
    if data.name == "digits":
        return IDX_SETS
    if data.name == "shapes":
        return colour_sets.FILE_SETS if data.shape[0] == 3 else ()
    return files.readable(data)


def _embedded(data: Data, name: str, seed: int) -> Dataset:
    if name == "digits":
        return load_digits(data, seed)
    if name == "shapes":
        return colour_sets.load_shapes(data, seed)
    if name == PHOTO_PATCHES:
        return load_patches(data, seed)
    if name in TABLES:
        return _load_table(data, name, seed)
    if name in GENERATORS:
        return _generate(data, name, seed)
    if name in IDX_SETS:
        raise UserError(f"name the folder (--data-dir): {wanted_images(name)}")
    if name in files.FILE_SETS:
        raise UserError(f"name the folder (--data-dir) that holds {files.wanted(name)}")
    if name in colour_sets.FILE_SETS:
        raise UserError(f"name the folder (--data-dir) that holds {colour_sets.wanted(name)}")
    raise unknown("data set", name, _EMBEDDED)


def _generate(data: Data, name: str, seed: int) -> Dataset:
    recipe = GENERATORS[name]
    chosen = {key: value for key, value in data.options.items() if key != "labels"}
    parts = []
    for number, (draw, arguments) in enumerate(recipe.parts()):
        options = {**(chosen if draw is recipe.draw else {}), **arguments}
        parts.append(draw(stream(seed, name, number), **options))
    source = "generated by the book's formula"
    return _dataset(data, name, parts, data.features, data.classes, source)


def _load_table(data: Data, name: str, seed: int) -> Dataset:
    if len(data.shape) != 1:
        raise UserError(f'"{name}" is a table; the chapter takes samples of shape {data.shape}')
    table = TABLES[name](data.shape[0])
    splits = three_ways(len(table.y), seed, table.y if table.classes else None)
    parts = [(table.x[rows], table.y[rows]) for rows in splits]
    return _dataset(data, name, parts, table.features, table.classes, table.source)


def _from_files(data: Data, name: str, folder: Path, seed: int) -> Dataset:
    parts, table = files.load(data, name, folder, seed)
    return _dataset(data, name, parts, table.features, table.classes, table.source)


def _dataset(
    data: Data,
    name: str,
    parts: Sequence[Samples],
    features: Sequence[str],
    classes: tuple[str, ...],
    source: str,
) -> Dataset:
    """Normalise three parts by the first."""
    x, y = parts[0]
    if x.shape[1:] != data.shape:
        raise UserError(f"samples are of shape {x.shape[1:]}; the chapter takes {data.shape}")
    own = "none" if name == data.name else "min-max"
    names = features or tuple(f"x{column + 1}" for column in range(math.prod(x.shape[1:])))
    record = preprocess.fit(_kind(data.normalise, own), x, names)
    if data.task == "regression":
        kind = _kind(data.normalise_target, own)
        if kind != "none":
            record["target"] = preprocess.fit_target(kind, y)
    labels = data.options.get("labels")
    if labels is not None:
        record["labels"] = [float(label) for label in labels]
    train, val, test = (_split(data, record, *part) for part in parts)
    return Dataset(name, train, val, test, tuple(classes), record, source)


def _kind(said: str, otherwise: str) -> str:
    return otherwise if said == "none" else said


def _split(data: Data, record: Record, x: Array, y: Array) -> Split:
    x = preprocess.apply(record, x)
    if data.task == "multiclass":
        return Split(x, y.astype(np.int64))
    column = preprocess.apply_target(record, y.reshape(len(y), -1))
    if "labels" in record:
        column = np.asarray(record["labels"])[column.astype(np.int64)]
    return Split(x, column.astype(np.float32))
