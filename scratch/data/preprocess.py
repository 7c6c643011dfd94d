"""How raw input becomes what a network takes, as a record of plain values.

The record is all that a program without this package needs to repeat it:

- `{"kind": "min-max", "shape": [F], "names": [...], "low": [...], "high": [...]}`: F columns, each
  normalised as `scratch.data.normalise` says for this kind, with the numbers of that column: here
  (x - low[j]) / (high[j] - low[j]), or 0 where low and high are equal. The numbers come from the
  training split only, so other samples may fall outside of 0 ... 1.
- the same with `"shape": [T, D]`: sequences of T steps, whose T D numbers are the columns, step
  after step.
- `{"kind": "image", "source": [h, w], "full": 16, "enlarge": 3, "border": 2, "size": [H, W],
  "channels": 1, "value_range": [a, b], "shape": [...]}`: each pixel of an h x w image is repeated
  `enlarge` times in both directions, `border` empty pixels are added on every side, an empty pixel
  (value 0) becomes a and full ink (value `full`) becomes b, and the result is reshaped to `shape`.
  Ink is bright: dark ink on white paper is to be inverted first.
- the same kind with `"channels": 3`: colour pictures, see `scratch.data.colour`.

A normalised target adds `"target": {"kind": "min-max", "low": ..., "high": ...}`, plain numbers.
`"labels": [-1, 1]` says that a binary target is -1 or 1, so that the network's output is the
argument of a hyperbolic tangent instead of a sigmoid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scratch.data import colour, normalise
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Record = dict[str, Any]


def fit(kind: str, x: Array, names: Sequence[str]) -> Record:
    """Return the record that normalises the columns of x (N, F) or (N, T, D), the training samples.

    Raises:
        UserError: as `normalise.fit`.

    >>> fit("centre", np.array([[1.0, 7.0], [3.0, 7.0]]), ["km", "rooms"])["mean"]
    [2.0, 7.0]
    """
    numbers = normalise.fit(kind, x.reshape(len(x), len(names)), names)
    return {**numbers, "shape": list(x.shape[1:]), "names": list(names)}


def fit_target(kind: str, y: Array) -> Record:
    """Return the "target" part of a record, from the training targets (N, 1).

    Raises:
        UserError: as `normalise.fit`.

    >>> fit_target("min-max", np.array([[4.0], [6.0]]))
    {'kind': 'min-max', 'low': 4.0, 'high': 6.0}
    """
    numbers = normalise.fit(kind, y.reshape(len(y), 1), ["target"])
    return {key: value if key == "kind" else value[0] for key, value in numbers.items()}


def apply_target(record: Mapping[str, Any], y: Array) -> Array:
    """Normalise targets (N, 1) as the record says; without a "target" part they stay."""
    return normalise.forward(record["target"], y, ["target"]) if "target" in record else y


def invert_target(record: Mapping[str, Any], y: Array) -> Array:
    """Turn what a network predicts back into the target's own unit.

    Returns:
        float64; an infinity where no target is normalised to that prediction.
    """
    return normalise.inverse(record["target"], y) if "target" in record else y


def apply(record: Mapping[str, Any], raw: Array, full: float | None = None) -> Array:
    """Turn raw input into what the network takes.

    Args:
        record: see the module.
        raw: tables (N, F); sequences (N, T, D), (T, D) or as rows of a table (N, T D); images
            (N, h, w) or (h, w), before or after enlarging; colour pictures (N, H, W, 3) or
            (H, W, 3).
        full: images: the value of full ink; the record's own if None (255 for ordinary pictures).

    Returns:
        (N, *shape) float32.

    Raises:
        UserError: another number of columns, another image size, a value that is not finite or,
            in an image, outside of 0 ... full.
    """
    if record["kind"] == "image":
        image = colour.apply if record["channels"] == 3 else _image
        return image(record, raw, record["full"] if full is None else full)
    shape, columns = tuple(record["shape"]), len(record["names"])
    if len(shape) > 1 and shape in (raw.shape, raw.shape[1:]):
        raw = raw.reshape(-1, columns)
    if raw.ndim != 2 or raw.shape[1] != columns or not len(raw):
        raise UserError(f"expects (N, {columns}), N rows of {columns} values; got {raw.shape}")
    with np.errstate(over="ignore"):
        x = normalise.forward(record, raw, record["names"]).astype(np.float32)
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        name = record["names"][column]
        raise UserError(
            f"row {row + 1}, column {column + 1} ({name}) is {raw[row, column]}, "
            "too large for float32; use other units"
        )
    return x.reshape(len(x), *shape)


def invert(record: Mapping[str, Any], x: Array) -> Array:
    """Return the table rows (N, F), float64, that the record turns into x (N, F).

    A column that was constant comes back as that constant.
    """
    return normalise.inverse(record, x)


def _image(record: Mapping[str, Any], raw: Array, full: float) -> Array:
    raw = raw[None] if raw.ndim == 2 else raw
    source, size = tuple(record["source"]), tuple(record["size"])
    if raw.ndim != 3 or raw.shape[1:] not in (source, size) or not len(raw):
        either = " or ".join(f"(N, {h}, {w})" for h, w in dict.fromkeys((source, size)))
        raise UserError(f"expects images {either}; got {raw.shape}")
    if not np.isfinite(raw).all() or raw.min() < 0 or raw.max() > full:
        raise UserError(f"pixels lie between 0 and {full}; got {raw.min()} to {raw.max()}")
    if raw.shape[1:] != size:
        raw = raw.repeat(record["enlarge"], axis=1).repeat(record["enlarge"], axis=2)
        border = record["border"]
        raw = np.pad(raw, ((0, 0), (border, border), (border, border)))
    if raw.dtype.kind in "ui":  # a table of grey levels needs no float64 copy of all pixels
        pixels = _ink(np.arange(int(full) + 1), full, record["value_range"])[raw]
    else:
        pixels = _ink(raw, full, record["value_range"])
    return pixels.reshape(len(raw), *record["shape"])


def _ink(values: Array, full: float, value_range: Sequence[float]) -> Array:
    low, high = value_range
    share = values / full
    return (low * (1 - share) + high * share).astype(np.float32)
