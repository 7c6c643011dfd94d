"""The exported file: what it declares, what it holds, and that nothing else changed."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import ref_torch
from parity_tests.harness.bounds import end_to_end
from parity_tests.harness.compare import compare
from parity_tests.harness.engines import ort_run
from parity_tests.harness.verdict import Verdict
from parity_tests.sizes import EVERY_SIZE, LARGE_IDS
from ref_torch.export import ExportError, export_onnx
from ref_torch.export.onnx import (
    IR_VERSION,
    OPSET,
    check_proto,
    declared,
    metadata_of,
    to_proto,
)
from scratch import spec
from scratch.spec.errors import UserError


def _is_a_case(id: str, size: str) -> bool:
    """Whether the size has a form of its own, or the full one is not exported here."""
    return (
        size == "full" or id in LARGE_IDS or spec.get(id).arguments != spec.get(id, size).arguments
    )


CASES = [case for case in EVERY_SIZE if _is_a_case(*case.values)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the small multi-layer perceptron as a file."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_onnx(ref_torch.build("mlp_mnist", "tiny"), spec.get("mlp_mnist", "tiny"), path)
    return path.read_bytes()


@pytest.mark.parametrize(("id", "size"), CASES)
def test_every_chapter_exports_as_asked(id: str, size: str, tmp_path: Path) -> None:
    chapter, path = spec.get(id, size), tmp_path / "model.onnx"
    export_onnx(ref_torch.build(id, size), chapter, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    proto = onnx.load(str(path))
    assert proto.ir_version == IR_VERSION
    assert [(item.domain, item.version) for item in proto.opset_import] == [("", OPSET)]
    assert declared(proto.graph.input[0]) == ("input", "float32", ("batch", *chapter.data.shape))
    name, dtype, dims = declared(proto.graph.output[0])
    assert (name, dtype, dims[0], len(dims)) == ("output", "float32", "batch", 2)
    assert metadata_of(proto) == {"chapter": id, "size": size, "title": chapter.title}


def test_no_traces_no_paths_and_the_same_bytes_again(exported: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(ref_torch.build("mlp_mnist", "tiny"), spec.get("mlp_mnist", "tiny"), path)
    data = path.read_bytes()
    assert data == exported
    for word in (b"stack_trace", b"site-packages", b".py", str(Path.cwd()).encode()):
        assert word not in data
    proto = onnx.load_from_string(data)
    assert not any(node.metadata_props or node.doc_string for node in proto.graph.node)


def test_the_network_stays_as_it_is(tmp_path: Path) -> None:
    chapter = spec.get("lenet5", "tiny")
    net = ref_torch.build("lenet5", "tiny").double()
    net.s2.eval()
    net(torch.ones(2, *chapter.data.shape, dtype=torch.float64)).sum().backward()
    state = copy.deepcopy(net.state_dict())
    gradients = [p.grad.clone() for p in net.parameters()]
    modes = [module.training for module in net.modules()]
    random = torch.get_rng_state()
    export_onnx(net, chapter, tmp_path / "model.onnx")
    assert [module.training for module in net.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(state[key], value) for key, value in net.state_dict().items())
    assert all(torch.equal(a, p.grad) for a, p in zip(gradients, net.parameters(), strict=True))


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    chapter = spec.get("softmax_regression")
    export_onnx(ref_torch.build("softmax_regression"), chapter, tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", "")


def test_dropout_in_training_mode_is_exported_as_identity(tmp_path: Path) -> None:
    chapter = spec.get("mlp_xor")
    net = nn.Sequential(nn.Linear(2, 5), nn.Dropout(0.5), nn.Linear(5, 1)).train()
    path = tmp_path / "model.onnx"
    export_onnx(net, chapter, path)
    assert net[1].training
    x = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)
    with torch.no_grad():
        truth = copy.deepcopy(net).double().eval()(torch.from_numpy(x).double()).numpy()
        error = float(np.abs(copy.deepcopy(net).eval()(torch.from_numpy(x)).numpy() - truth).max())
    found = compare(ort_run(path, "off")(x), truth, end_to_end(error, truth), dtype="float32")
    assert found.verdict is Verdict.PASS


def test_without_optimisation_every_operation_keeps_its_node() -> None:
    chapter = spec.get("mlp_xor")
    net = nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.Linear(5, 1))

    def nodes(optimize: bool) -> list[str]:
        return [node.op_type for node in to_proto(net, chapter, optimize=optimize).graph.node]

    assert "BatchNormalization" in nodes(optimize=False)
    assert nodes(optimize=True) == ["Gemm", "Gemm"]


def frozen_batch(proto: Any) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2


def renamed_axis(proto: Any) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"


def wide_input(proto: Any) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.DOUBLE


def other_opset(proto: Any) -> None:
    proto.opset_import[0].version = 19


def newer_ir(proto: Any) -> None:
    proto.ir_version = IR_VERSION + 1


def other_domain(proto: Any) -> None:
    proto.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))


def dropout_node(proto: Any) -> None:
    last = proto.graph.node[-1]
    last.output[0] = "logits"
    proto.graph.node.append(onnx.helper.make_node("Dropout", ["logits"], ["output"]))


def second_output(proto: Any) -> None:
    proto.graph.output.append(
        onnx.helper.make_tensor_value_info(proto.graph.node[0].output[0], 1, None)
    )


@pytest.mark.parametrize(
    "spoil",
    [
        frozen_batch,
        renamed_axis,
        wide_input,
        other_opset,
        newer_ir,
        other_domain,
        dropout_node,
        second_output,
    ],
)
def test_a_file_other_than_asked_for_is_refused(spoil: Any, exported: bytes) -> None:
    chapter = spec.get("mlp_mnist", "tiny")
    proto = onnx.load_from_string(exported)
    check_proto(proto, chapter)
    spoil(proto)
    with pytest.raises(ExportError, match="mlp_mnist: "):
        check_proto(proto, chapter)


def test_a_failed_export_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chapter = spec.get("mlp_xor")
    wrong = dataclasses.replace(chapter, data=dataclasses.replace(chapter.data, shape=(3,)))
    with pytest.raises(ExportError, match="the exporter failed"):
        export_onnx(ref_torch.build("mlp_xor"), wrong, tmp_path / "model.onnx")
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(UserError, match="export needs onnxscript: pip install onnxscript"):
        export_onnx(ref_torch.build("mlp_xor"), chapter, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
