"""Every way of spoiling a bundle is refused, by the check that is meant to."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from parity_tests.harness.export import verify
from parity_tests.harness.verdict import Check
from scratch.deploy import schema
from scratch.spec.errors import UserError
from scratch.weights import load as load_weights
from scratch.weights import save

Refresh = Callable[[Path], None]


def failing(folder: Path) -> list[Check]:
    return [check for check in verify(folder) if check.failing]


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_onnx(folder: Path, change: Callable[[Any], None]) -> None:
    proto = onnx.load(str(folder / schema.MODEL))
    change(proto)
    onnx.save(proto, str(folder / schema.MODEL))


# ---------------------------------------------------------------- spoilt, checksums up to date


def perturbed_weight(folder: Path) -> None:
    def change(proto: Any) -> None:
        tensor = next(t for t in proto.graph.initializer if t.name == "layers.fc2.weight")
        values = numpy_helper.to_array(tensor).copy()
        values.flat[3] *= 1.001
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    edit_onnx(folder, change)


def perturbed_weight_by_one_bit(folder: Path) -> None:
    def change(proto: Any) -> None:
        tensor = next(t for t in proto.graph.initializer if t.name == "layers.fc1.weight")
        values = numpy_helper.to_array(tensor).copy()
        values.flat[0] = np.nextafter(values.flat[0], np.float32(1))
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    edit_onnx(folder, change)


def negated_weight(folder: Path) -> None:
    """Change what the values must show too."""

    def change(proto: Any) -> None:
        tensor = next(t for t in proto.graph.initializer if t.name == "layers.fc3.weight")
        values = numpy_helper.to_array(tensor).copy()
        values.flat[0] *= -1
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    edit_onnx(folder, change)


def perturbed_safetensors(folder: Path) -> None:
    state, metadata = load_weights(folder / schema.WEIGHTS)
    state["layers.fc2.weight"][0, 0] *= np.float32(1.001)
    save(folder / schema.WEIGHTS, state, metadata)


def frozen_batch(folder: Path) -> None:
    def change(proto: Any) -> None:
        for value in (proto.graph.input[0], proto.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = 2

    edit_onnx(folder, change)


def frozen_batch_inside(folder: Path) -> None:
    """Keep the declaration and freeze the batch where it is used."""

    def change(proto: Any) -> None:
        node = next(n for n in proto.graph.node if n.op_type == "Reshape")
        tensor = next(t for t in proto.graph.initializer if t.name == node.input[1])
        shape = numpy_helper.to_array(tensor).copy()
        shape[0] = 1
        tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))

    edit_onnx(folder, change)


def swapped_outputs_in_json(folder: Path) -> None:
    def change(content: Any) -> None:
        numbers = content["sets"][1]["output"]["data"]
        numbers[0], numbers[1] = numbers[1], numbers[0]

    edit_json(folder / schema.GOLDEN, change)


def swapped_output_files(folder: Path) -> None:
    path = folder / "test_data_set_2/output_0.pb"
    tensor = onnx.load_tensor(str(path))
    values = numpy_helper.to_array(tensor)[::-1].copy()
    path.write_bytes(numpy_helper.from_array(values, tensor.name).SerializeToString())


def missing_golden_set(folder: Path) -> None:
    edit_json(folder / schema.GOLDEN, lambda content: content["sets"].pop())


def label_order(folder: Path) -> None:
    def change(content: Any) -> None:
        content["classes"][3], content["classes"][5] = "5", "3"

    edit_json(folder / schema.NAME, change)


def label_order_sealed_into_the_model(folder: Path) -> None:
    """Shift all labels and bring the hash inside the ONNX file up to date too."""
    edit_json(
        folder / schema.NAME, lambda content: content["classes"].append(content["classes"].pop(0))
    )
    reseal_meaning(folder)


def preprocessing(folder: Path) -> None:
    def change(content: Any) -> None:
        content["preprocessing"]["value_range"] = [0.0, 0.9]

    edit_json(folder / schema.NAME, change)


def preprocessing_sealed_into_the_model(folder: Path) -> None:
    preprocessing(folder)
    reseal_meaning(folder)


def reseal_meaning(folder: Path) -> None:
    meaning = schema.read(folder).meaning()

    def change(proto: Any) -> None:
        entry = next(e for e in proto.metadata_props if e.key == schema.MEANING)
        entry.value = meaning

    edit_onnx(folder, change)


def better_metrics(folder: Path) -> None:
    edit_json(folder / schema.NAME, lambda content: content["metrics"].update(accuracy=1.0))


def other_task(folder: Path) -> None:
    edit_json(folder / schema.NAME, lambda content: content.update(task="regression", classes=[]))


def other_input_name(folder: Path) -> None:
    edit_json(folder / schema.NAME, lambda content: content["inputs"][0].update(name="x"))


def other_chapter(folder: Path) -> None:
    edit_json(folder / schema.NAME, lambda content: content["chapter"].update(id="lenet5"))


def dropout_node(folder: Path) -> None:
    def change(proto: Any) -> None:
        proto.graph.node[-1].output[0] = "logits"
        proto.graph.node.append(onnx.helper.make_node("Dropout", ["logits"], ["output"]))

    edit_onnx(folder, change)


SPOILED: dict[Callable[[Path], None], tuple[str, str]] = {
    perturbed_weight: ("parameters", "model.onnx"),
    perturbed_weight_by_one_bit: ("parameters", "model.onnx"),
    negated_weight: ("random, batch 1", "onnxruntime off"),
    perturbed_safetensors: ("golden 0: truth", "torch float64"),
    frozen_batch: ("graph", "onnx.checker"),
    frozen_batch_inside: ("values", "onnxruntime off"),
    swapped_outputs_in_json: ("golden 1: truth", "torch float64"),
    swapped_output_files: ("golden 2: output_0.pb", "golden.json"),
    missing_golden_set: ("golden batches", "golden.json"),
    label_order: ("meaning", "model.onnx"),
    label_order_sealed_into_the_model: ("golden 0: labels", "golden.json"),
    preprocessing: ("meaning", "model.onnx"),
    preprocessing_sealed_into_the_model: ("golden 0: preprocessing", "golden.json"),
    better_metrics: ("meaning", "model.onnx"),
    other_task: ("task", "bundle.json"),
    other_input_name: ("input name", "bundle.json"),
    other_chapter: ("input", "bundle.json"),
    dropout_node: ("graph", "onnx.checker"),
}


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_bundle_with_fresh_checksums_is_refused(
    copied: Path, refresh: Refresh, spoil: Callable[[Path], None]
) -> None:
    spoil(copied)
    refresh(copied)
    found = [(check.tensor, check.engine) for check in failing(copied)]
    assert SPOILED[spoil] in found


# --------------------------------------------------------------------------------- the files


def test_an_altered_missing_or_foreign_file_is_refused_before_anything_is_read(
    copied: Path,
) -> None:
    model = copied / schema.MODEL
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    (copied / schema.GOLDEN).write_bytes((copied / schema.GOLDEN).read_bytes()[:50])
    (copied / "test_data_set_0/input_0.pb").unlink()
    (copied / "stranger.txt").write_text("")
    found = {check.tensor: check.note for check in failing(copied)}
    assert found.pop(schema.GOLDEN).startswith("incomplete (50 of ")
    assert found == {
        schema.MODEL: "SHA-256 mismatch, altered after it was written",
        "test_data_set_0/input_0.pb": "missing",
        "stranger.txt": "not listed in bundle.json",
    }


def test_a_file_that_bundle_json_does_not_list_is_refused(copied: Path) -> None:
    edit_json(copied / schema.NAME, lambda content: content["files"].pop(schema.MODEL))
    assert [check.note for check in failing(copied)] == ["not listed in bundle.json"]


def test_a_listed_file_outside_of_the_bundle_is_refused(copied: Path) -> None:
    (copied.parent / "other").write_text("x")
    edit_json(
        copied / schema.NAME,
        lambda content: content["files"].update({"../other": {"bytes": 1, "sha256": ""}}),
    )
    assert [check.note for check in failing(copied)] == ["lies outside the bundle"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "unknown": 2}', "nonsense"],
)
def test_a_description_of_another_kind_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / schema.NAME).write_text(text)
    with pytest.raises(UserError) as error:
        verify(tmp_path)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def _refusal(folder: Path) -> str:
    """Return why a bundle is refused, by an error or by a check."""
    try:
        return failing(folder)[0].note
    except UserError as error:
        return str(error)


def test_a_description_with_a_hole_is_one_line(copied: Path) -> None:
    whole = json.loads((copied / schema.NAME).read_text())
    for key in whole:
        for content in (
            {name: value for name, value in whole.items() if name != key},
            {**whole, key: None},
            {**whole, key: [{}]},
        ):
            (copied / schema.NAME).write_text(json.dumps(content))
            assert _refusal(copied).count("\n") == 0, key


@pytest.mark.parametrize("package", ["onnxruntime", "onnx.reference", "onnx"])
def test_a_missing_runtime_is_a_failure(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    monkeypatch.delitem(sys.modules, package)
    notes = {check.note for check in failing(bundle)}
    assert f"{package} is not installed: pip install {package}" in notes
