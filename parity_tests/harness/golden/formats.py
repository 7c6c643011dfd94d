"""Golden sets as files, in four forms, and anybody's tensors back from files."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.harness.golden.manifest import MANIFEST, Manifest, Set, Tensor, parse
from scratch import weights
from scratch.run.files import atomic_write
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

_C_TYPES = {"float64": "double", "float32": "float", "int64": "long long"}
_PER_LINE = 4
_DAMAGED = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)
SUFFIXES = {"safetensors": ".safetensors", "npz": ".npz", "raw": "", "c-header": ".h"}


def digest(array: Array) -> str:
    """Return the SHA-256 of the values, little-endian, in C order."""
    return hashlib.sha256(_bytes(array)).hexdigest()


def write(folder: Path, manifest: Manifest, sets: Mapping[str, Mapping[str, Array]]) -> None:
    """Write every set, and the manifest last.

    Args:
        folder: is made; what stands in it is not overwritten.
        manifest: describes the sets.
        sets: arrays by name, by the name of the set.

    Raises:
        UserError: the folder is not empty or cannot be made.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already and not empty; choose another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in sets if manifest.format == "raw" else ():
            (folder / name).mkdir()
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from error
    for name, arrays in sets.items():
        target = folder / f"{name}{SUFFIXES[manifest.format]}"
        if manifest.format == "safetensors":
            weights.save(target, arrays)
        elif manifest.format == "npz":
            stream = io.BytesIO()
            np.savez(stream, allow_pickle=False, **arrays)  # type: ignore[arg-type]
            atomic_write(target, stream.getvalue())
        elif manifest.format == "raw":
            for key, array in arrays.items():
                atomic_write(target / f"{key}.bin", _bytes(array))
        else:
            atomic_write(target, _header(manifest, manifest.find(name), arrays).encode())
    text = json.dumps(manifest.plain(), indent=1, ensure_ascii=False, allow_nan=False)
    atomic_write(folder / MANIFEST, f"{text}\n".encode())


def read(folder: Path) -> tuple[Manifest, dict[str, dict[str, Array]]]:
    """Read a golden folder and check every tensor against its hash.

    Raises:
        UserError: no manifest, one of another form, or a tensor that is not what it says.
    """
    path = folder / MANIFEST
    try:
        manifest = parse(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not the manifest of golden vectors ({error})") from error
    sets = {one.name: _read_set(folder, manifest, one) for one in manifest.sets}
    for one in manifest.sets:
        for tensor in one.tensors:
            array = sets[one.name].get(tensor.name)
            if array is None or array.shape != tensor.shape or digest(array) != tensor.sha256:
                raise UserError(f"{folder}: {tensor.name} of the {one.name} set was changed")
    return manifest, sets


def _read_set(folder: Path, manifest: Manifest, one: Set) -> dict[str, Array]:
    path = folder / f"{one.name}{SUFFIXES[manifest.format]}"
    if manifest.format != "c-header":
        return of_file_or_folder(path, one)
    try:
        text = path.read_text("ascii")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read") from error
    found = dict(re.findall(r"^static const [a-z ]+ (\w+)\[\d+\] = \{([^}]*)\};", text, re.M))
    arrays = {}
    for tensor in one.tensors:
        words = found.get(tensor.symbol, "").replace(",", " ").split()
        make = int if tensor.dtype == "int64" else float.fromhex
        values = np.array([make(word) for word in words], dtype=tensor.dtype)
        if values.size == math.prod(tensor.shape):
            arrays[tensor.name] = values.reshape(tensor.shape)
    return arrays


def _bytes(array: Array) -> bytes:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def symbol(set_name: str, name: str) -> str:
    """Return the C identifier of a tensor.

    >>> symbol("real", "gradient.layers.fc1.weight")
    'real_gradient_layers_fc1_weight'
    """
    return re.sub(r"\W", "_", f"{set_name}_{name}")


def _header(manifest: Manifest, one: Set, arrays: Mapping[str, Array]) -> str:
    guard = f"GOLDEN_{manifest.chapter}_{one.name}_H".upper()
    lines = [
        f"/* {manifest.chapter}, {manifest.size}, {one.name} set; manifest.json says what is what.",
        "   Numbers are hexadecimal, so no digit is lost. Dimensions stand behind each name. */",
        f"#ifndef {guard}",
        f"#define {guard}",
    ]
    for tensor in one.tensors:
        array = arrays[tensor.name].ravel()
        whole = array.dtype.kind == "i"
        words = [str(int(v)) if whole else float(v).hex() for v in array]
        rows = [", ".join(words[i : i + _PER_LINE]) for i in range(0, len(words), _PER_LINE)]
        size = " x ".join(map(str, tensor.shape)) or "one number"
        kind = _C_TYPES[tensor.dtype]
        lines.append(f"\n/* {tensor.name}: {size} */")
        lines.append(f"static const {kind} {tensor.symbol}[{array.size}] = {{")
        lines += [f"  {row}," for row in rows]
        lines[-1] = lines[-1].rstrip(",")
        lines.append("};")
    return "\n".join([*lines, f"\n#endif /* {guard} */", ""])


# ---- anybody's tensors


def mine(path: Path, sets: tuple[Set, ...]) -> dict[str, dict[str, Array]]:
    """Read somebody's tensors, by the name of the set that they belong to.

    Args:
        path: a .npz or .safetensors file or a folder with .bin or .npy files of the real set; or a
            folder that holds such a file or folder per set, named after it.
        sets: of the golden folder; give the shapes and types of raw files.

    Raises:
        UserError: nothing there, or no file that can be read.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    found = {}
    for one in sets:
        inner = [path / f"{one.name}{suffix}" for suffix in ("", ".npz", ".safetensors")]
        for candidate in inner if path.is_dir() else ():
            if candidate.exists():
                found[one.name] = of_file_or_folder(candidate, one)
    return found or {sets[0].name: of_file_or_folder(path, sets[0])}


def of_file_or_folder(path: Path, one: Set) -> dict[str, Array]:
    """Return the arrays of a .npz or .safetensors file, or of a folder of .bin and .npy files.

    Raises:
        UserError: it is none of these, or broken.
    """
    if path.is_dir():
        return _of_folder(path, one)
    if path.suffix == ".safetensors":
        return weights.load(path, allow_nan=True)[0]
    if path.suffix == ".npz":
        try:
            with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
                found = {name: archive[name] for name in archive.files}
        except _DAMAGED as error:
            raise UserError(f"{path}: not a .npz file that can be read ({error})") from error
        for name, value in found.items():
            _refuse_words(path, name, value)
        return found
    raise UserError(f"{path}: expects a folder, a .npz or a .safetensors file")


def _of_folder(folder: Path, one: Set) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    known = {tensor.name: tensor for tensor in one.tensors}
    for path in sorted(folder.iterdir()):
        try:
            if path.suffix == ".npy":
                with path.open("rb") as file:
                    arrays[path.stem] = np.lib.format.read_array(file, allow_pickle=False)
                _refuse_words(path, path.stem, arrays[path.stem])
            elif path.suffix == ".bin":
                arrays[path.stem] = _raw(path.read_bytes(), known.get(path.stem), path)
        except UserError:
            raise
        except _DAMAGED as error:
            raise UserError(f"{path}: cannot be read ({error})") from error
    if not arrays:
        raise UserError(f"{folder}: holds no .bin and no .npy file")
    return arrays


def _refuse_words(path: Path, name: str, value: Array) -> None:
    if value.dtype.kind not in "biuf":
        raise UserError(f"{path}: {name} is of type {value.dtype}, which holds no real numbers")


def _raw(data: bytes, tensor: Tensor | None, path: Path) -> Array:
    """Return raw numbers; four or eight bytes each, whichever gives the right count."""
    if tensor is None:
        return np.empty(0)
    count = math.prod(tensor.shape)
    if tensor.dtype == "int64":
        types = [t for t in ("<i8", "<i4") if len(data) == count * np.dtype(t).itemsize]
    else:
        types = [t for t in ("<f8", "<f4") if len(data) == count * np.dtype(t).itemsize]
    kind = np.dtype(types[0] if types else tensor.dtype).newbyteorder("<")
    if len(data) % kind.itemsize:
        raise UserError(f"{path}: {len(data)} bytes are no whole number of {kind.name}")
    values = np.frombuffer(data, kind).astype(kind.newbyteorder("="))
    return values.reshape(tensor.shape) if types else values
