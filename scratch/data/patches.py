"""Patches of a photo, and what named kernels make of the pixel in the middle of each.

Options of the chapter's data: "kernels" names the kernels of `scratch.spec.kernels`, one target
per kernel; "samples" is the number of training patches, half as many validate and test each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.data.bundled import photo
from scratch.data.dataset import Dataset, Split
from scratch.data.preprocess import apply
from scratch.data.streams import stream
from scratch.spec.errors import UserError, unknown
from scratch.spec.kernels import NAMED
from scratch.spec.schema import Data

Array = np.ndarray[Any, np.dtype[Any]]

PHOTO_PATCHES = "photo_patches"
_SIDE = 3
_SAMPLES = 1000


def load_patches(data: Data, seed: int) -> Dataset:
    """Return patches (N, 1, 3, 3) of the photo, and one filtered grey level per kernel (N, K).

    No two patches share a pixel. Black is 0 and white 1; targets are not cut to that range.

    Args:
        data: the chapter's data.
        seed: which patches.

    Raises:
        UserError: an unknown kernel or option, another sample shape, too many samples.
    """
    options: dict[str, Any] = {"kernels": (), "samples": _SAMPLES}
    for key, value in data.options.items():
        if key not in options:
            raise unknown("option of photo patches", key, options)
        options[key] = value
    for name in options["kernels"]:
        if name not in NAMED:
            raise unknown("kernel", name, NAMED)
    if data.shape != (1, _SIDE, _SIDE):
        raise UserError(f"patches are of shape {(1, _SIDE, _SIDE)}; the chapter takes {data.shape}")
    kernels = np.array([NAMED[name] for name in options["kernels"]]).reshape(-1, _SIDE * _SIDE)
    patches, source = _patches()
    count = options["samples"]
    if not 2 <= count <= len(patches) // 2:
        raise UserError(f"{len(patches):,} patches; twice {count:,} are wanted")
    order = stream(seed, PHOTO_PATCHES).permutation(len(patches))
    ends = np.cumsum([count, count // 2, count // 2])
    record = {
        "kind": "image",
        "source": [_SIDE, _SIDE],
        "full": 255,
        "enlarge": 1,
        "border": 0,
        "size": [_SIDE, _SIDE],
        "channels": 1,
        "value_range": list(data.value_range or (0.0, 1.0)),
        "shape": list(data.shape),
    }
    splits = []
    for rows in np.split(order[: ends[-1]], ends[:-1]):
        x = apply(record, patches[rows])
        y = x.reshape(len(x), -1).astype(np.float64) @ kernels.T
        splits.append(Split(x, y.astype(np.float32)))
    train, val, test = splits
    return Dataset(PHOTO_PATCHES, train, val, test, (), record, source)


def _patches() -> tuple[Array, str]:
    """Return the photo cut into patches (N, 3, 3) uint8, and whom to credit."""
    grey, source = photo()
    rows, columns = (size // _SIDE for size in grey.shape)
    cut = grey[: rows * _SIDE, : columns * _SIDE].reshape(rows, _SIDE, columns, _SIDE)
    return cut.transpose(0, 2, 1, 3).reshape(-1, _SIDE, _SIDE), source
