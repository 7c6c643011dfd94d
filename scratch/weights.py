"""Weights in safetensors files: written whole or not at all, and checked before they are believed.

safetensors itself writes garbage for arrays that are not C-contiguous and accepts duplicate keys
and NaN; this is the only place that calls it, and what it wrote is read back by the reader below,
which shares no code with it. The format: 8 bytes with the header's length, the header (JSON: dtype,
shape and byte range of every tensor), then the bytes, little-endian.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from scratch.run.files import atomic_write
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_LARGEST_HEADER = 100_000_000
_METADATA = "__metadata__"


def save(
    path: str | Path,
    state: Mapping[str, Array],
    metadata: Mapping[str, str] | None = None,
    *,
    allow_nan: bool = False,
) -> None:
    """Write named arrays to a safetensors file, atomically.

    Args:
        path: the file; its folder exists.
        state: names to arrays of any memory layout and byte order.
        metadata: strings kept beside them.
        allow_nan: write NaN values too.

    Raises:
        UserError: a NaN, or the file cannot be written.
        TypeError: an array whose dtype safetensors cannot hold, or metadata that is not text.
    """
    for name, array in state.items():
        if array.dtype.newbyteorder("<") not in _DTYPES.values():
            raise TypeError(f"{name}: safetensors holds no {array.dtype.name}")
        if not allow_nan and _has_nan(array):
            raise UserError(f"{path}: not written; {name} holds NaN (training has diverged)")
    for key, value in (metadata or {}).items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise TypeError(f"metadata are strings; got {key!r}: {value!r}")
    plain = {
        # ascontiguousarray alone would turn a 0-d array into a 1-d one.
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
        for name, array in state.items()
    }
    data = safetensors.numpy.save(plain, dict(metadata) if metadata else None)
    back, back_metadata = _decode(Path(path), data, allow_nan)
    same = back.keys() == plain.keys() and all(
        back[name].dtype == array.dtype
        and back[name].shape == array.shape
        and back[name].tobytes() == array.tobytes()
        for name, array in plain.items()
    )
    if not same or back_metadata != dict(metadata or {}):
        raise RuntimeError(f"{path}: not written; safetensors did not return what it was given")
    atomic_write(path, data)


def load(path: str | Path, *, allow_nan: bool = False) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file after checking it.

    Args:
        path: the file.
        allow_nan: accept NaN values.

    Returns:
        The arrays by name (writable, native byte order), in the order of their bytes in the file,
        and the metadata.

    Raises:
        UserError: missing; empty, cut short or too long; a header that is longer than the file,
            not JSON, or holds a key twice; an unknown dtype; a shape that does not match its bytes;
            tensors that overlap or leave a hole; NaN.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            _header_length(path, file.read(8), size)
            file.seek(0)
            data = file.read()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    return _decode(path, data, allow_nan)


def _decode(path: Path, data: bytes, allow_nan: bool) -> tuple[dict[str, Array], dict[str, str]]:
    stop = 8 + _header_length(path, data[:8], len(data))
    header = _parse(path, data[8:stop])
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _broken(path, f"{_METADATA} is not a table of strings")
    state: dict[str, Array] = {}
    for name in _check(path, header, len(data) - stop):
        dtype, shape = _DTYPES[header[name]["dtype"]], header[name]["shape"]
        begin = stop + header[name]["data_offsets"][0]
        view = np.frombuffer(data, dtype, count=math.prod(shape), offset=begin).reshape(shape)
        if not allow_nan and _has_nan(view):
            raise UserError(f"{path}: {name} holds NaN; these weights come from a diverged run")
        state[name] = view.astype(dtype.newbyteorder("="))
    return state, metadata


def _has_nan(array: Array) -> bool:
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


def _broken(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: not a whole safetensors file ({reason}); copy or save it anew")


def _header_length(path: Path, start: bytes, size: int) -> int:
    if size == 0:
        raise _broken(path, "it is empty")
    if len(start) < 8:
        raise _broken(path, f"{size} of at least 8 bytes")
    (length,) = struct.unpack("<Q", start)
    if length > _LARGEST_HEADER or 8 + length > size:
        raise _broken(path, f"its header claims {length} bytes, the file has {size}")
    return int(length)


def _parse(path: Path, text: bytes) -> dict[str, Any]:
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for name, value in pairs:
            if name in table:
                raise ValueError(f'the key "{name}" stands twice')
            table[name] = value
        return table

    try:
        header = json.loads(text, object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise _broken(path, f"its header cannot be read: {reason}") from error
    if not isinstance(header, dict):
        raise _broken(path, "its header is not a table")
    return header


def _check(path: Path, header: dict[str, Any], payload: int) -> list[str]:
    """Check every entry against the payload's size; return the names in the order of the bytes."""
    ranges: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        try:
            dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            known = _DTYPES.get(dtype)
        except (KeyError, TypeError, ValueError) as error:
            raise _broken(path, f"{name} lacks dtype, shape or data_offsets") from error
        numbers = [begin, end, *shape] if isinstance(shape, list) else [None]
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise _broken(path, f"shape and data_offsets of {name} are not whole numbers")
        if known is None:
            raise _broken(path, f"{name} is of type {dtype}; known: {', '.join(_DTYPES)}")
        if end - begin != known.itemsize * math.prod(shape):
            raise _broken(path, f"{name} {dtype}{shape} cannot be {end - begin} bytes")
        ranges.append((begin, end, name))
    ranges.sort()
    position = 0
    for begin, end, name in ranges:
        if begin != position:
            what = "overlaps the tensor before it" if begin < position else "leaves a hole"
            raise _broken(path, f"{name} {what}")
        position = end
    if position != payload:
        raise _broken(path, f"{payload} of {position} bytes of tensors")
    return [name for _, _, name in ranges]
