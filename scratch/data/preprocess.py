"""How raw input becomes what a network takes, as a record of plain values.

The record is all that a program without this package needs to repeat it:

- `{"kind": "none", "shape": [F], "names": [...]}`: F columns as they are.
- `{"kind": "min-max", "shape": [F], "names": [...], "low": [...], "high": [...]}`: column j becomes
  (x - low[j]) / (high[j] - low[j]), or 0 where low and high are equal. `low` and `high` come from
  the training split only, so other samples may fall outside of 0 ... 1.
- `{"kind": "image", "source": [h, w], "full": 16, "enlarge": 3, "border": 2, "size": [H, W],
  "channels": 1, "value_range": [a, b], "shape": [...]}`: each pixel of an h x w image is repeated
  `enlarge` times in both directions, `border` empty pixels are added on every side, an empty pixel
  (value 0) becomes a and full ink (value `full`) becomes b, and the result is reshaped to `shape`.
  Ink is bright: dark ink on white paper is to be inverted first.

A scaled target adds `"target": {"low": ..., "high": ...}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Record = dict[str, Any]


def fit_min_max(x: Array, names: Sequence[str]) -> Record:
    """Return the record that maps the columns of x (N, F) to 0 ... 1.

    Raises:
        UserError: a value that is not finite.

    >>> fit_min_max(np.array([[1.0, 7.0], [3.0, 7.0]]), ["km", "rooms"])["high"]
    [3.0, 7.0]
    """
    check_finite(x, names)
    return {
        "kind": "min-max",
        "shape": [x.shape[1]],
        "names": list(names),
        "low": x.min(axis=0).tolist(),
        "high": x.max(axis=0).tolist(),
    }


def fit_target(y: Array) -> Record:
    """Return the "target" part of a record: lowest and highest training target."""
    check_finite(y, ["target"])
    return {"low": float(y.min()), "high": float(y.max())}


def apply_target(record: Mapping[str, Any], y: Array) -> Array:
    """Scale targets as the record says; without a "target" part they stay."""
    if "target" not in record:
        return y
    low, high = record["target"]["low"], record["target"]["high"]
    return _scale(y, np.asarray(low), np.asarray(high))


def invert_target(record: Mapping[str, Any], y: Array) -> Array:
    """Turn what a network predicts back into the target's own unit."""
    if "target" not in record:
        return y
    low, high = record["target"]["low"], record["target"]["high"]
    return low + (high - low) * y


def apply(record: Mapping[str, Any], raw: Array, full: float | None = None) -> Array:
    """Turn raw input into what the network takes.

    Args:
        record: see the module.
        raw: tables (N, F); images (N, h, w) or (h, w), before or after enlarging.
        full: images: the value of full ink; the record's own if None (255 for ordinary pictures).

    Returns:
        (N, *shape) float32.

    Raises:
        UserError: another number of columns, another image size, a value that is not finite or,
            in an image, outside of 0 ... full.
    """
    if record["kind"] == "image":
        return _image(record, raw, record["full"] if full is None else full)
    columns = record["shape"][0]
    if raw.ndim != 2 or raw.shape[1] != columns or not len(raw):
        raise UserError(f"expects (N, {columns}), N rows of {columns} values; got {raw.shape}")
    check_finite(raw, record["names"])
    if record["kind"] == "min-max":
        raw = _scale(raw, np.asarray(record["low"]), np.asarray(record["high"]))
    return raw.astype(np.float32)


def check_finite(x: Array, names: Sequence[str]) -> None:
    """Refuse NaN and infinity in a table (N, F).

    Raises:
        UserError: names the first row and column, both counted from 1.
    """
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        row, column = bad[0]
        raise UserError(
            f"row {row + 1}, column {column + 1} ({names[column]}) is {x[row, column]}; "
            "fill in or remove the row"
        )


def _scale(x: Array, low: Array, high: Array) -> Array:
    span = high - low
    return (x - low) * (span != 0) / np.where(span == 0, 1.0, span)


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
