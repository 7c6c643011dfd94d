"""A bundle passes as it was made, and every way of spoiling it is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import ref_torch
from parity_tests.harness import artefact, export_values
from parity_tests.harness.bundle import BundleRefused, write_bundle
from parity_tests.harness.engines import makers, weights
from parity_tests.harness.export import verify
from parity_tests.harness.verdict import Check
from scratch import spec
from scratch.data import load
from scratch.deploy import schema
from scratch.run.folder import RunFolder
from scratch.spec.errors import UserError
from scratch.weights import load as load_weights
from scratch.weights import save


def failing(folder: Path) -> list[Check]:
    return [check for check in verify(folder) if check.failing]


def test_a_bundle_passes_in_every_engine(bundle: Path) -> None:
    checks = verify(bundle)
    assert not [check for check in checks if check.failing]
    found = schema.read(bundle)
    for engine in makers(found, bundle, weights(bundle)):
        own = {check.tensor for check in checks if check.engine == engine}
        batches = {f"random, batch {n}" for n in schema.BATCHES}
        assert own == {*batches, "real samples", "recorded goldens", "class", "NaN in, NaN out"}
    assert export_values.SEEDS >= 5


def test_a_bundle_says_what_it_must(bundle: Path) -> None:
    found, chapter = schema.read(bundle), spec.get("mlp_mnist", "tiny")
    assert found.inputs[0].shape == ("batch", *chapter.data.shape)
    assert found.outputs[0].shape == ("batch", 10)
    assert found.classes == chapter.data.classes
    assert found.training["lr"] == chapter.train.lr
    assert found.metrics["split"] == "test"
    assert set(found.versions) >= {"python", "numpy", "torch", "onnx", "onnxruntime"}
    assert set(found.needed) < set(found.files)
    checks = json.loads((bundle / schema.CHECKS).read_text())["checks"]
    assert {check["verdict"] for check in checks} == {"PASS"}
    state, metadata = load_weights(bundle / schema.WEIGHTS)
    assert metadata == {"chapter": "mlp_mnist", "size": "tiny"}
    assert {name: array.shape for name, array in state.items()} == {
        name: tuple(value.shape)
        for name, value in ref_torch.build("mlp_mnist", "tiny").state_dict().items()
    }


def test_goldens_are_real_samples_of_the_test_split(bundle: Path) -> None:
    chapter = spec.get("mlp_mnist", "tiny")
    test = load(chapter).test.x
    start = 0
    for i, size in enumerate(schema.BATCHES):
        x = numpy_helper.to_array(onnx.load_tensor(str(bundle / f"test_data_set_{i}/input_0.pb")))
        assert np.array_equal(x, test[start : start + size])
        start += size


# --------------------------------------------------------------------------------- writing


def test_an_occupied_or_failed_target_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = artefact.find("mlp_xor")
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "mine").write_text("mine")
    for out in (occupied, occupied / "mine"):
        with pytest.raises(UserError, match=r"not an empty folder|is a file"):
            write_bundle(found.model, found.chapter, found.dataset, out)
    # Weights of another run: the checks fail, and not even the parent folder stays.
    monkeypatch.setattr("parity_tests.harness.engines.scratch_run", _one_off)
    with pytest.raises(BundleRefused, match="scratch float32"):
        write_bundle(found.model, found.chapter, found.dataset, tmp_path / "new" / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["occupied"]


def _one_off(bundle: schema.Bundle, state: Any, dtype: str) -> Any:
    from parity_tests.harness.engines import torch_run

    run = torch_run(bundle, state, dtype)
    return lambda x: run(x) + np.float32(0.001)


def test_lenet_passes_with_what_the_exporter_rearranged(tmp_path: Path) -> None:
    found = artefact.find("lenet5", size="tiny")
    checks = write_bundle(found.model, found.chapter, found.dataset, tmp_path / "bundle")
    assert not [check for check in checks if check.failing]
    assert set(schema.read(tmp_path / "bundle").rewritten) <= {"c3.weight"}


def test_zeros_prove_nothing(tmp_path: Path) -> None:
    chapter = spec.get("linear_regression")
    with pytest.raises(BundleRefused, match="zero everywhere"):
        write_bundle(ref_torch.build(chapter.id), chapter, load(chapter), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_a_diverged_network_is_refused(tmp_path: Path) -> None:
    found = artefact.find("mlp_xor")
    for value in (np.nan, np.inf):
        found.model.layers.fc2.bias.data.fill_(value)
        with pytest.raises(UserError, match=r"layers.fc2.bias holds NaN or infinity"):
            write_bundle(found.model, found.chapter, found.dataset, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_a_run_folder_with_arguments_of_its_own(tmp_path: Path) -> None:
    config = {"chapter": "mlp_xor", "seed": 3, "arguments": {"widths": [2, 5, 1]}, "epochs": 7}
    run = RunFolder.create(tmp_path / "run", config)
    net = ref_torch.build("mlp_xor", widths=(2, 5, 1), seed=3)
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    save(run.weights, state, {"chapter": "mlp_xor", "size": "full"})
    run.seal()
    found = artefact.find(str(run.path))
    write_bundle(
        found.model,
        found.chapter,
        found.dataset,
        tmp_path / "bundle",
        arguments=found.arguments,
        training=found.training,
    )
    assert not failing(tmp_path / "bundle")
    described = schema.read(tmp_path / "bundle")
    assert described.arguments == {"widths": (2, 5, 1)}
    assert (described.training["seed"], described.training["epochs"]) == (3, 7)
    run.weights.write_bytes(run.weights.read_bytes()[:-1])
    with pytest.raises(UserError, match="SHA-256 differs"):
        artefact.find(str(run.path))


def test_sources_that_are_none(tmp_path: Path) -> None:
    weights_file = tmp_path / "w.safetensors"
    save(weights_file, {"a": np.ones(3, np.float32)})
    (tmp_path / "notes.txt").write_text("")
    said = {
        "lenet": 'did you mean "lenet5"',
        "runs/none": "no such file or folder",
        str(tmp_path / "none.ckpt"): "cannot read the checkpoint",
        str(tmp_path / "notes.txt"): "neither a run folder nor",
        str(tmp_path): "not a run folder",
        str(weights_file): "does not say of which chapter; add --chapter",
    }
    for source, words in said.items():
        with pytest.raises(UserError, match=words):
            artefact.find(source)
    with pytest.raises(UserError, match=r"weights of another network, \d+ keys differ"):
        artefact.find(str(weights_file), chapter="lenet5")


def test_the_schema_refuses_axes_that_do_not_match() -> None:
    tensor = schema.Tensor("input", "float32", ("batch", 3), ("batch", "feature"))
    with pytest.raises(UserError, match="2 axes"):
        dataclasses.replace(tensor, axes=("batch",))
