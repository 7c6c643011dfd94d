"""The bundle: one folder with a network, what its numbers mean, and how it was proven.

`bundle.json` lists every other file with size and SHA-256. What it says about the network (task,
classes, preprocessing, tensors, training, metrics) is moreover hashed into the metadata of
`model.onnx`, so a label or a scale that is changed later is noticed even if the checksums are
brought up to date.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scratch.run.files import atomic_write, sha256
from scratch.spec.errors import UserError

SCHEMA = 1
NAME = "bundle.json"
MODEL = "model.onnx"
WEIGHTS = "model.safetensors"
GOLDEN = "golden.json"
CHECKS = "checks.json"
MEANING = "meaning"  # the key in the metadata of model.onnx
BATCHES = (1, 2, 3, 7)  # of the golden inputs, and of every check
TASKS = ("regression", "binary", "multiclass")


@dataclass(frozen=True)
class Tensor:
    """An input or output of the network.

    Attributes:
        name: as in the ONNX file.
        dtype: NumPy name.
        shape: sizes; a free axis by its name, such as "batch".
        axes: what each axis is, in order.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    axes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.axes) != len(self.shape):
            raise UserError(f'bundle: "{self.name}" has {len(self.shape)} axes, not {self.axes}')


@dataclass(frozen=True)
class Bundle:
    """The content of bundle.json.

    Attributes:
        chapter: id, size and titles.
        task: "regression", "binary" or "multiclass".
        classes: label names in the order of the outputs.
        inputs: of the network.
        outputs: of the network.
        preprocessing: how a sample becomes an input, as `scratch.data` recorded it.
        arguments: of the network's constructor, where they differ from the chapter's.
        data: name and source of the data set, name of the target.
        training: every hyper-parameter.
        metrics: what the network scored, empty if unknown.
        rewritten: parameters whose numbers do not stand in the ONNX file as they are, because the
            exporter folded or rearranged them.
        versions: of what made the file.
        files: size and SHA-256 of every other file.
        schema: version of this format.
    """

    chapter: Mapping[str, str]
    task: str
    classes: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    preprocessing: Mapping[str, Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    rewritten: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schema: int = SCHEMA

    def meaning(self) -> str:
        """Return the SHA-256 of everything that is said here but what the export itself adds."""
        content = dataclasses.asdict(self)
        for key in ("files", "rewritten", "schema"):
            del content[key]
        text = json.dumps(content, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def sealed(self, folder: Path) -> Bundle:
        """Return the bundle with the size and SHA-256 of every file now in `folder`."""
        names = sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
        )
        files = {
            name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
            for name in names
            if name != NAME
        }
        return dataclasses.replace(self, files=files)

    def write(self, folder: Path) -> None:
        """Write bundle.json, whole or not at all."""
        text = json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False, allow_nan=False)
        atomic_write(folder / NAME, (text + "\n").encode())

    def problem(self, folder: Path, name: str) -> str:
        """Return what is wrong with one listed file, "" if it is as it was written."""
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            return "lies outside the bundle"
        if not path.is_file():
            return "missing"
        size, expected = path.stat().st_size, self.files[name]["bytes"]
        if size < expected:
            return f"incomplete ({size} of {expected} bytes)"
        if size > expected or sha256(path) != self.files[name]["sha256"]:
            return "SHA-256 mismatch, altered after it was written"
        return ""

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the files without which a folder is no bundle."""
        golden = [f"test_data_set_{i}/{side}_0.pb" for i in range(len(BATCHES)) for side in SIDES]
        return (MODEL, WEIGHTS, GOLDEN, *golden)


SIDES = ("input", "output")


def read(folder: Path) -> Bundle:
    """Read bundle.json.

    Args:
        folder: a bundle.

    Raises:
        UserError: no bundle, or one whose description is not of this schema.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(
            f"{folder}: no bundle ({NAME}: {error.strerror}); "
            "make one with scripts/export_onnx.py CHAPTER --out DIR"
        ) from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise UserError(f"{path}: schema {found}; this version reads schema {SCHEMA}")
    try:
        return _bundle(content)
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path}: not a bundle's description ({error})") from error


def _bundle(content: dict[str, Any]) -> Bundle:
    tensors = {
        side: tuple(
            Tensor(t["name"], t["dtype"], tuple(t["shape"]), tuple(t["axes"]))
            for t in content[side]
        )
        for side in ("inputs", "outputs")
    }
    names = {item.name for item in dataclasses.fields(Bundle)}
    if set(content) != names:
        raise KeyError(", ".join(sorted(set(content) ^ names)))
    arguments = {key: _frozen(value) for key, value in content["arguments"].items()}
    changed = {**tensors, "arguments": arguments}
    for name in ("classes", "rewritten"):
        changed[name] = tuple(content[name])
    bundle = Bundle(**{**content, **changed})
    if bundle.task not in TASKS:
        raise TypeError(f"task {bundle.task!r}")
    if not all(isinstance(bundle.chapter[key], str) for key in ("id", "size")):
        raise TypeError("the chapter")
    if len(bundle.inputs) != 1 or len(bundle.outputs) != 1:
        raise TypeError("not one input and one output")
    for name, seal in bundle.files.items():
        if not isinstance(seal["bytes"], int) or not isinstance(seal["sha256"], str):
            raise TypeError(f"the checksum of {name}")
    return bundle


def _frozen(value: Any) -> Any:
    """Return JSON's lists as the tuples they were."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
