"""The IDX format of MNIST, plain or gzip-compressed, checked before anything is allocated.

A file is four bytes (0, 0, type, rank), a big-endian 32-bit number per axis, then the values, one
byte each. Format: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

_RANKS = {"images": 3, "labels": 1}
_MAGIC = {kind: 0x0800 + rank for kind, rank in _RANKS.items()}
_GZIP = b"\x1f\x8b"
_LARGEST_RATIO = 1032  # of gzip: a longer declared size cannot be in the file


def read_images(path: Path) -> Array:
    """Read an IDX file of images.

    Returns:
        (N, h, w) uint8.

    Raises:
        UserError: missing; labels or something else instead of images; cut short or too long;
            damaged compression; no images.
    """
    return _read(path, "images")


def read_labels(path: Path, classes: int) -> Array:
    """Read an IDX file of labels.

    Args:
        path: the file.
        classes: labels are 0 ... classes - 1.

    Returns:
        (N,) int64.

    Raises:
        UserError: as `read_images`, or a label that is no class.
    """
    labels = _read(path, "labels")
    if labels.max() >= classes:
        row = int(np.argmax(labels >= classes))
        raise _broken(path, f"label {row + 1} is {labels[row]}, the largest class {classes - 1}")
    return labels.astype(np.int64)


def read_pair(images: Path, labels: Path, classes: int) -> tuple[Array, Array]:
    """Read images and their labels.

    Raises:
        UserError: as `read_images` and `read_labels`, or not one label per image.
    """
    x, y = read_images(images), read_labels(labels, classes)
    if len(x) != len(y):
        raise UserError(
            f"{images} holds {len(x)} images, {labels} holds {len(y)} labels; "
            "take both files from the same download"
        )
    return x, y


def _broken(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: {reason}; download the file anew")


def _read(path: Path, kind: str) -> Array:
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            packed = file.read(2) == _GZIP
            file.seek(0)
            if not packed:
                return _values(path, kind, file, size, exact=True)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _values(path, kind, unpacked, size * _LARGEST_RATIO, exact=False)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(path, f"damaged or incomplete gzip file ({error})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _values(path: Path, kind: str, file: BinaryIO | gzip.GzipFile, size: int, exact: bool) -> Array:
    """Read header and values; `size` is the file's size, or if not `exact` the largest possible."""
    header = file.read(4 + 4 * _RANKS[kind])
    _check_magic(path, kind, header)
    if len(header) < 4 + 4 * _RANKS[kind]:
        raise _broken(path, f"incomplete ({len(header)} bytes of header)")
    shape = tuple(np.frombuffer(header, ">u4", offset=4).tolist())
    count = math.prod(shape)
    whole = len(header) + count
    if count == 0:
        raise _broken(path, f"holds no {kind} (shape {shape})")
    if size < whole:
        at_most = "" if exact else "at most "
        raise _broken(path, f"incomplete ({at_most}{size} of {whole} bytes)")
    if exact and size > whole:
        raise _broken(path, f"too long ({size} instead of {whole} bytes)")
    data = file.read(count)
    if len(data) < count:
        raise _broken(path, f"incomplete ({len(header) + len(data)} of {whole} bytes)")
    if file.read(1):  # at the end of a gzip file this also checks its checksum
        raise _broken(path, f"too long (more than {whole} bytes)")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _check_magic(path: Path, kind: str, header: bytes) -> None:
    if not header:
        raise _broken(path, "it is empty")
    magic = int.from_bytes(header[:4], "big")
    if magic == _MAGIC[kind]:
        return
    for other, number in _MAGIC.items():
        if magic == number:
            raise UserError(f"{path}: holds {other} where {kind} are expected; swap the files")
    if int.from_bytes(header[:4], "little") in _MAGIC.values():
        raise _broken(path, "its numbers are little-endian, IDX numbers are big-endian")
    raise _broken(path, f"not an IDX file of {kind} (it begins with {header[:4].hex(' ')})")
