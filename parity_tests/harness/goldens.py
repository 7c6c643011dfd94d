"""Golden inputs and outputs: the same numbers as ONNX test data and as JSON for any language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data import colour
from scratch.data.preprocess import invert
from scratch.deploy.schema import GOLDEN, Tensor
from scratch.run.files import atomic_write
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

NOTE = (
    "input holds float32 numbers, raw those before the preprocessing of bundle.json, output the "
    "float64 truth; every element of a float32 output lies within bound of it"
)


@dataclass(frozen=True)
class Golden:
    """One batch of real samples with what the network makes of them.

    Attributes:
        raw: the samples before preprocessing, float64 (N, ...).
        x: the network's input, float32 (N, *shape).
        y: its output in float64 (N, C).
        bound: largest error of a float32 output.
        labels: name of the predicted class of every sample; empty for regression.
    """

    raw: Array
    x: Array
    y: Array
    bound: float
    labels: tuple[str, ...]


def raw_of(record: Mapping[str, Any], x: Array) -> Array:
    """Return samples whose preprocessing gives x (to float32's precision), in float64.

    Args:
        record: see `scratch.data.preprocess`.
        x: the network's input (N, *shape).
    """
    values = x.astype(np.float64)
    if record["kind"] == "image" and record["channels"] == 3:
        return colour.invert(record, x)
    if record["kind"] == "image":
        low, high = record["value_range"]
        levels = np.rint(record["full"] * (values - low) / (high - low))
        return levels.clip(0, record["full"]).reshape(len(x), *record["size"])
    return invert(record, values)


def write(folder: Path, goldens: Sequence[Golden], names: tuple[Tensor, Tensor]) -> None:
    """Write golden.json and one test_data_set_N folder per batch.

    Args:
        folder: the bundle.
        goldens: one per batch size.
        names: input and output of the network.
    """
    from onnx import numpy_helper

    sets = []
    for i, golden in enumerate(goldens):
        name = f"test_data_set_{i}"
        (folder / name).mkdir()
        for tensor, side, array in zip(
            names, ("input", "output"), (golden.x, golden.y.astype(np.float32)), strict=True
        ):
            proto = numpy_helper.from_array(array, tensor.name)
            atomic_write(folder / name / f"{side}_0.pb", proto.SerializeToString())
        sets.append(
            {
                "folder": name,
                "raw": _numbers(golden.raw),
                "input": _numbers(golden.x),
                "output": _numbers(golden.y),
                "bound": golden.bound,
                "labels": list(golden.labels),
            }
        )
    text = json.dumps({"note": NOTE, "sets": sets}, ensure_ascii=False, allow_nan=False)
    atomic_write(folder / GOLDEN, (text + "\n").encode())


def read(folder: Path) -> list[tuple[Golden, Array, Array]]:
    """Read every batch: the golden of golden.json, and input and output of its test data folder.

    Raises:
        UserError: golden.json is not of this form.
    """
    from onnx import load_tensor, numpy_helper

    path = folder / GOLDEN
    try:
        found = []
        for item in json.loads(path.read_text("utf-8"))["sets"]:
            golden = Golden(
                _array(item["raw"], np.float64),
                _array(item["input"], np.float32),
                _array(item["output"], np.float64),
                float(item["bound"]),
                tuple(item["labels"]),
            )
            sides = [
                np.asarray(
                    numpy_helper.to_array(load_tensor(str(folder / item["folder"] / f"{s}_0.pb")))
                )
                for s in ("input", "output")
            ]
            found.append((golden, sides[0], sides[1]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not the goldens of a bundle ({error})") from error
    return found


def _numbers(array: Array) -> dict[str, Any]:
    # str() of a float32 is the shortest decimal that comes back as the same float32.
    flat = array.ravel()
    numbers = flat.tolist() if array.dtype == np.float64 else [float(str(v)) for v in flat]
    return {"shape": list(array.shape), "data": numbers}


def _array(content: dict[str, Any], dtype: Any) -> Array:
    return np.array(content["data"], np.float64).astype(dtype).reshape(content["shape"])
