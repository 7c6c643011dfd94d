"""How a colour picture becomes what a network takes, as a record of plain values.

`{"kind": "image", "channels": 3, "full": 255, "size": [H, W], "resize": [H', W'],
"mean": [r, g, b], "std": [r, g, b], "shape": [3, H, W]}`: a picture of another size is scaled,
without changing its proportions, until it just covers H' x W', and its middle H x W pixels are
taken (256 and 224 for the networks of ImageNet, and the same ratio at other sizes). Then every
value v of a channel becomes (v / full - mean) / std of that channel, and the channels come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scratch.spec.errors import UserError, unknown
from scratch.spec.schema import Data

Array = np.ndarray[Any, np.dtype[Any]]
Record = dict[str, Any]

# Means and standard deviations of red, green and blue over the training pictures, as they are
# published with torchvision's weights and in nearly every program for CIFAR-10.
SCALES: Mapping[str, tuple[Sequence[float], Sequence[float]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
_BRIGHTNESS = (0.299, 0.587, 0.114)


def record(data: Data) -> Record:
    """Return the record of a chapter that takes colour pictures.

    Args:
        data: with the shape (3, H, W), and either the option "scale", a key of `SCALES`, or the
            range that values go to (0 ... 1 if it says none).

    Raises:
        UserError: another shape, an unknown scale, an empty range.
    """
    if len(data.shape) != 3 or data.shape[0] != 3:
        raise UserError(f"colour pictures have the shape (3, H, W); the chapter takes {data.shape}")
    scale = data.options.get("scale")
    if scale is not None:
        if scale not in SCALES:
            raise unknown("scale", scale, SCALES)
        mean, std = SCALES[scale]
    else:
        low, high = data.value_range or (0.0, 1.0)
        if not low < high:
            raise UserError(f"value range {low} ... {high}: expects a lower and a higher number")
        mean, std = [-low / (high - low)] * 3, [1 / (high - low)] * 3
    _, high_side, wide_side = data.shape
    return {
        "kind": "image",
        "channels": 3,
        "full": 255,
        "size": [high_side, wide_side],
        "resize": [round(side * 256 / 224) for side in (high_side, wide_side)],
        "mean": [float(value) + 0.0 for value in mean],
        "std": [float(value) for value in std],
        "shape": list(data.shape),
    }


def apply(record: Mapping[str, Any], raw: Array, full: float) -> Array:
    """Turn pictures into what the network takes.

    Args:
        record: see the module.
        raw: (N, H, W, 3) or (H, W, 3), as large as the record says, values 0 ... full.
        full: the brightest value.

    Returns:
        (N, 3, H, W) float32.

    Raises:
        UserError: another shape, a value that is not finite or outside of 0 ... full.

    >>> scale = {"mean": [0.5, 0.0, 0.0], "std": [0.5, 1.0, 1.0], "size": [1, 1]}
    >>> apply(scale, np.array([[[255, 51, 0]]]), 255).ravel().tolist() == [1, np.float32(0.2), 0]
    True
    """
    raw = raw[None] if raw.ndim == 3 else raw
    high, wide = record["size"]
    if raw.shape[1:] != (high, wide, 3) or not len(raw):
        raise UserError(f"expects colour pictures (N, {high}, {wide}, 3); got {raw.shape}")
    if not np.isfinite(raw).all() or raw.min() < 0 or raw.max() > full:
        raise UserError(f"values lie between 0 and {full}; got {raw.min()} to {raw.max()}")
    x = np.empty((len(raw), 3, high, wide), np.float32)
    for channel in range(3):
        values = raw[..., channel]
        mean, std = record["mean"][channel], record["std"][channel]
        if raw.dtype.kind in "ui":  # a table of levels needs no float64 copy of all pixels
            levels = np.arange(int(full) + 1)
            x[:, channel] = ((levels / full - mean) / std).astype(np.float32)[values]
        else:
            x[:, channel] = (values / full - mean) / std
    return x


def invert(record: Mapping[str, Any], x: Array) -> Array:
    """Return the pictures (N, H, W, 3), float64 whole numbers, that become x (N, 3, H, W)."""
    mean, std = (np.asarray(record[name])[:, None, None] for name in ("mean", "std"))
    levels = np.rint(record["full"] * (x.astype(np.float64) * std + mean))
    return np.moveaxis(levels.clip(0, record["full"]), 1, -1)


def empty(record: Mapping[str, Any]) -> list[float]:
    """Return what a black pixel becomes, by channel."""
    pairs = zip(record["mean"], record["std"], strict=True)
    return [(0.0 - mean) / std for mean, std in pairs]


def grey(x: Array) -> Array:
    """Return the brightness (N, 1, H, W) of colours (N, 3, H, W): 0.299 r + 0.587 g + 0.114 b.

    The weights of ITU-R BT.601, as most programs use them.
    """
    return np.tensordot(x, np.array(_BRIGHTNESS, x.dtype), (1, 0))[:, None]
