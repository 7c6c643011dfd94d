"""Picture files of any kind: opened upright and checked, and brought to a network's size."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
LARGEST = 50_000_000  # pixels; a small file can claim far more and fill the memory


def upright(path: Path, mode: str) -> Any:
    """Return an upright 8-bit picture of Pillow; what is transparent shows white paper.

    Args:
        path: the file.
        mode: "L" for grey levels, "RGB" for colours.

    Raises:
        UserError: not a picture, damaged, too large, not to be read, or 32-bit numbers, of which
            the file does not say which is white.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                if opened.width * opened.height > LARGEST:
                    raise UserError(f"{opened.width} x {opened.height} pixels are too many")
                if opened.mode in ("I", "F"):  # Pillow would clip them to 0 ... 255
                    raise UserError("holds 32-bit numbers; save it with 8 or 16 bits a channel")
                if opened.mode.startswith("I;16"):  # Pillow would clip 16 bits to 8
                    grey = Image.fromarray((np.asarray(opened) // 257).astype(np.uint8))
                    return grey.convert(mode)
                turned = ImageOps.exif_transpose(opened).convert("RGBA")
    except Image.DecompressionBombError as error:
        raise UserError(f"too large ({error})") from error
    except UserError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "not a picture, or damaged"
        raise UserError(f"cannot be read ({reason})") from error
    paper = Image.new("RGBA", turned.size, "white")
    return Image.alpha_composite(paper, turned).convert(mode)


def colours(path: Path, record: Mapping[str, Any]) -> Array:
    """Return the pixels (H, W, 3) uint8 of a picture, scaled and cropped as its record says.

    A picture that has the network's size already is taken as it is.

    Args:
        path: the file.
        record: see `scratch.data.colour`.

    Raises:
        UserError: as `upright`.
    """
    from PIL import Image

    picture = upright(path, "RGB")
    high, wide = record["size"]
    if picture.size != (wide, high):
        cover_high, cover_wide = record["resize"]
        share = max(cover_high / picture.height, cover_wide / picture.width)
        # Cut first, so that a long thin picture is never enlarged as a whole.
        part_wide, part_high = wide / share, high / share
        left, top = (picture.width - part_wide) / 2, (picture.height - part_high) / 2
        box = (left, top, left + part_wide, top + part_high)
        picture = picture.resize((wide, high), Image.Resampling.BILINEAR, box=box)
    return np.asarray(picture)
