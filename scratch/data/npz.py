"""The book's own `.npz` files: two arrays, `data` and `label`, checked before they are read.

An `.npz` file is a zip archive of `.npy` members. Each member's header says type and shape; they
are held against what the archive holds before anything is allocated, and nothing that could carry
code (object arrays) is read.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from scratch.data.normalise import check_finite
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

LARGEST = 32 << 20  # bytes of one array; the largest set of the book takes 4 MB
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read(path: Path, features: int) -> tuple[Array, Array]:
    """Read the samples of a file.

    Args:
        path: an `.npz` file with `data` (N, F), or (N,) for one feature, and `label` (N,) or
            (N, 1).
        features: F.

    Returns:
        (N, F) float64, (N,) float64.

    Raises:
        UserError: missing, damaged, larger than any set of the book; an array is missing, of
            another shape, no plain numbers, or not finite.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            data, label = (_member(archive, name) for name in ("data", "label"))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path}: no .npz file, or damaged ({error}); take a fresh copy") from error
    except (NotImplementedError, RuntimeError) as error:  # unknown compression, a password
        raise UserError(f"{path}: an unusual zip file ({error}); take a fresh copy") from error
    data = data[:, None] if data.ndim == 1 else data
    label = label[:, 0] if label.ndim == 2 and label.shape[1] == 1 else label
    if data.ndim != 2 or data.shape[1] != features or label.shape != data.shape[:1]:
        raise UserError(
            f"{path}: data (N, {features}) and label (N, 1) are expected; "
            f"got {data.shape} and {label.shape}; is it the file of another chapter?"
        )
    if not len(data):
        raise UserError(f"{path}: holds no samples; take a fresh copy")
    try:
        check_finite(data, [f"column {column + 1} of data" for column in range(features)])
        check_finite(label[:, None], ["label"])
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return data, label


def _member(archive: zipfile.ZipFile, name: str) -> Array:
    """Return one array of the archive in float64."""
    held = archive.namelist()
    if f"{name}.npy" not in held:
        known = ", ".join(held[:5]) or "nothing"
        raise UserError(f'holds no array "{name}" but {known}; take the book\'s file')
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as member:
        shape, fortran, dtype = _header(member, name)
        count = math.prod(shape) * dtype.itemsize
        rest = entry.file_size - member.tell()
        if count != rest:
            raise UserError(
                f'array "{name}": its header {shape} {dtype} wants {count} bytes, {rest} are '
                "there; take a fresh copy"
            )
        if count > LARGEST:
            raise UserError(f'array "{name}" has {count} bytes; sets up to {LARGEST} are read')
        content = member.read(count + 1)  # one more: the end is where the checksum is looked at
    if len(content) != count:
        raise UserError(f'array "{name}" is incomplete ({len(content)} of {count} bytes)')
    flat = np.frombuffer(content, dtype)
    return flat.reshape(shape, order="F" if fortran else "C").astype(np.float64)


def _header(member: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(member)
        if version not in _HEADERS:
            raise ValueError(f"format {version[0]}.{version[1]}")
        shape, fortran, dtype = _HEADERS[version](member)
    except (ValueError, TypeError, SyntaxError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f'array "{name}" has a damaged header ({reason[:100]})') from error
    if dtype.kind not in "biuf" or dtype.hasobject:
        raise UserError(f'array "{name}" holds {dtype}; plain numbers are expected')
    if any(size < 0 for size in shape):
        raise UserError(f'array "{name}" has the shape {shape}')
    return shape, fortran, dtype
