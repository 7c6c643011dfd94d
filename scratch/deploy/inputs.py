"""From what a person hands over (a picture, an array, numbers) to what a network takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data.picture import PICTURES, colours, upright
from scratch.data.preprocess import apply
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Record = Mapping[str, Any]


def read(text: str, record: Record, *, invert: bool | None = None, prepared: bool = False) -> Array:
    """Return the network's input for one argument of the command line.

    Args:
        text: a picture file, a .npy file, or numbers such as "0.58,0.92".
        record: the preprocessing of the bundle (see `scratch.data.preprocess`).
        invert: pictures: True for dark ink on a bright ground, False for bright ink, None to tell
            by the border (a border that is mostly bright is paper). Colours stay as they are
            unless it is True.
        prepared: .npy files: the array is the network's input already.

    Returns:
        (N, *shape) float32.

    Raises:
        UserError: unreadable, of another size, not numbers, or not finite.
    """
    path = Path(text)
    try:
        if path.suffix.lower() in PICTURES:
            return _picture(path, record, invert)
        if path.suffix.lower() == ".npy":
            return _array(path, record, prepared)
        return _numbers(text, record)
    except UserError as error:
        raise UserError(f"{text}: {error}") from error


def _picture(path: Path, record: Record, invert: bool | None) -> Array:
    """Return a picture as the network takes it; of grey levels, ink is bright and the ground 0."""
    from PIL import Image, ImageOps

    if record["kind"] != "image":
        columns = ", ".join(record.get("names", ()))
        raise UserError(f"this network takes numbers, not a picture: {columns}")
    if record["channels"] == 3:
        found = colours(path, record)
        return apply(record, 255 - found if invert else found, full=255)
    grey = upright(path, "L")
    pixels = np.asarray(grey)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if invert is None:
        invert = bool(np.median(border) > 127)
    if invert:
        grey = ImageOps.invert(grey)
    if grey.size[::-1] != tuple(record["source"]):
        ground = int(np.median(255 - border if invert else border))
        high, wide = record["size"]
        grey = ImageOps.pad(grey, (wide, high), Image.Resampling.LANCZOS, color=ground)
    return apply(record, np.asarray(grey), full=255)


def _array(path: Path, record: Record, prepared: bool) -> Array:
    """Return the samples of a .npy file; bytes in an image go to 255, other numbers as recorded."""
    try:
        # Mapped, so that a header which claims more than the file holds is refused unread.
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise UserError(f"cannot be read ({error.strerror or error})") from error
    except (ValueError, EOFError) as error:
        raise UserError(f"not a plain .npy file ({' '.join(str(error).split())})") from error
    if not isinstance(loaded, np.ndarray) or loaded.dtype.kind not in "iuf":
        raise UserError("holds something else than an array of numbers")
    shape = tuple(record["shape"])
    if prepared:
        array = loaded[None] if loaded.shape == shape else loaded
        if array.shape[1:] != shape or not len(array):
            raise UserError(f"expects (N, {', '.join(map(str, shape))}); got {loaded.shape}")
        if not np.isfinite(array).all():
            raise UserError("holds values that are not finite")
        return array.astype(np.float32)
    if record["kind"] == "image":
        return apply(record, loaded, full=255 if loaded.dtype == np.uint8 else None)
    return apply(record, loaded[None] if loaded.ndim == 1 else loaded)


def _numbers(text: str, record: Record) -> Array:
    """Return one sample from numbers with commas between them."""
    if record["kind"] == "image":
        known = ", ".join(PICTURES)
        raise UserError(f"not a file this network reads: a picture ({known}) or .npy")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(
            f"neither a .npy file nor numbers with commas between them ({error})"
        ) from error
    names = record["names"]
    if len(values) != len(names):
        raise UserError(f"{len(names)} numbers ({', '.join(names)}); got {len(values)}")
    if not np.isfinite(values).all():
        raise UserError(f"not a finite number among {text}")
    return apply(record, np.array([values]))
