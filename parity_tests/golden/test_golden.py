"""Golden vectors: the same bytes twice, and the NumPy twin meets them as a stranger would."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.golden import stranger
from parity_tests.harness.golden import content, formats, limits, reference
from parity_tests.harness.golden.judge import judge
from parity_tests.harness.golden.manifest import FORMATS, GIVEN, STEP
from parity_tests.harness.golden.nearness import Near, near
from parity_tests.harness.local import silent
from parity_tests.harness.pair import Pair, of_chapter
from parity_tests.sizes import IDS
from scratch import nn, spec
from scratch.build import construct
from scratch.run.files import sha256

Script = Callable[..., int]
Array = np.ndarray[Any, np.dtype[Any]]
make = functools.cache(content.make)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_command_writes_the_same_bytes(
    script: Script, tmp_path: Path, format: str
) -> None:
    hashes = []
    for name in ("first", "second"):
        command = ("golden", "mlp_xor", "--out", tmp_path / name, "--format", format)
        assert script(*command, "--steps", 2) == 0
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        hashes.append({str(path.relative_to(tmp_path / name)): sha256(path) for path in files})
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == (3 if format != "raw" else 1 + 28 + 22)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("id", IDS)
def test_a_right_implementation_is_within_every_bound(id: str, dtype: str) -> None:
    manifest, sets = make(id, steps=2)
    assert set(sets) == {"real"} | ({"exact"} if spec.get(id).exact is not None else set())
    for name in sets:
        one = manifest.find(name)
        report = judge(one, sets[name], stranger.run(manifest, sets[name], name, dtype))
        assert report.dtype == dtype
        assert report.first is None, report.first
        network = construct(spec.get(id, "tiny")).named_modules()
        zeros = {f"activation.{path}" for path, module in network if silent(module)}
        assert set(report.unknown) <= zeros
        left = [row.tensor.phase for row in report.rows if row.verdict == "not given"]
        assert set(left) == {GIVEN}


@pytest.mark.parametrize("id", ["mlp_mnist", "lenet5", "dnn_mnist_bn"])
def test_files_in_float32_serve_float32(id: str) -> None:
    manifest, sets = content.make(id, dtype="float32")
    for name in ("real", "exact"):
        one = manifest.find(name)
        report = judge(one, sets[name], stranger.run(manifest, sets[name], name, "float32"))
        assert report.first is None
        floats = [value for value in sets[name].values() if value.dtype.kind == "f"]
        assert {value.dtype.name for value in floats} == {"float32"}


def test_every_tensor_has_a_bound_with_a_reason() -> None:
    manifest, sets = content.make("dnn_mnist_bn", steps=3)
    real, exact = manifest.sets
    left = {tensor.name for tensor in real.tensors if not tensor.bounds}
    chapter = spec.get("dnn_mnist_bn")
    means = {f"layers.bn{i}.running_mean" for i in (1, 2, 3, 4)}
    assert left == {f"updated.{name}" for name in {*chapter.null_directions, *means}}
    for tensor in (*real.tensors, *exact.tensors):
        assert all(bound.reason for bound in tensor.bounds.values())
    assert {b.absolute for t in exact.tensors for b in t.bounds.values()} == {0.0}
    assert {t.name for t in real.tensors if t.null} == {
        f"gradient.{name}" for name in chapter.null_directions
    }
    assert [t.phase for t in real.tensors] == sorted(
        (t.phase for t in real.tensors), key=("given", "forward", "backward", "step").index
    )
    assert real.tensor("activation.layers.act1").own["float32"].absolute == 0
    assert "unbiased" in manifest.conventions["BatchNorm1d"]
    assert "layers.fc1.bias" in manifest.conventions["null directions"]
    assert "Conv2d" not in manifest.conventions
    assert sets["real"]["target"].dtype == np.int64


def test_what_adam_magnifies_is_held_to_torchs_own_gap() -> None:
    """A gradient of the size of epsilon turns rounding into a visible step."""
    want, narrow = np.ones(3), np.ones(3, np.float32)
    usual = limits.updated(want, narrow, 1, 1e-17)["float64"]
    magnified = limits.updated(want, narrow, 1, 1e-13)["float64"]
    assert (usual.absolute, usual.reason) == (1e-13, limits.ONE_STEP)
    assert (magnified.absolute, magnified.reason) == (100 * 1e-13, limits.SELF)
    assert limits.updated(want, narrow, 2, 0.0)["float64"].absolute == 1e-12
    pair = of_chapter("dnn_house", dtype="float32")
    plan, target = spec.get("dnn_house").train, np.arange(1.0, 6.0).reshape(5, 1)
    truth = reference.train(pair, plan, target, 1, "float64")
    gaps = reference.self_gaps(pair, plan, target, 1, truth)
    assert gaps.keys() == truth.updated.keys()
    assert 0 < max(gaps.values()) < 1e-10


def test_forced_layers_are_held_to_their_own_rows() -> None:
    manifest, sets = content.make("mlp_mnist")
    one, golden = manifest.sets[0], sets["real"]
    x, weight, bias = (
        golden[name]
        for name in (
            "activation.layers.act1",
            "parameter.layers.fc2.weight",
            "parameter.layers.fc2.bias",
        )
    )
    right = x @ weight.T + bias
    mine = {"activation.layers.fc2": right}
    assert judge(one, golden, mine, forced=True).first is None
    mine["activation.layers.fc2"] = right * (1 + 1e-13)
    assert judge(one, golden, mine).first is None
    assert judge(one, golden, mine, forced=True).first is not None


def test_the_exact_set_differs_from_the_real_one() -> None:
    manifest, sets = content.make("mlp_mnist")
    integers = sets["exact"]["gradient.layers.fc1.weight"]
    assert (integers == np.rint(integers)).all()
    assert np.count_nonzero(integers)
    assert manifest.find("exact").tensor("d_output").phase == GIVEN
    assert not [t for t in manifest.find("exact").tensors if t.phase == STEP]


def test_a_batch_with_a_unit_at_its_kink_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = iter([Near("layers.act1", False, 1), Near()])
    monkeypatch.setattr(content, "near", lambda *_: next(verdicts))
    manifest, _ = content.make("dnn_house")
    assert manifest.find("real").seed > 0
    assert "float32" not in manifest.find("real").note


@pytest.mark.parametrize("steps", [1, 2])
def test_float32_is_held_only_as_far_as_no_unit_may_change_sides(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(content, "near", lambda *_: Near("layers.act2", False, 3))
    manifest, sets = content.make("dnn_house", steps=steps)
    real = manifest.find("real")
    assert real.seed == 0
    assert "3 unit(s) may change sides in float32, so gradients behind layers.act2" in real.note
    for tensor in real.tensors:
        assert "float64" in tensor.bounds
    held = {tensor.name for tensor in real.tensors if "float32" in tensor.bounds}
    assert {"activation.layers.fc1", "cotangent.layers.act2", "gradient.layers.fc3.weight"} <= held
    assert not {"cotangent.layers.fc2", "gradient.layers.fc2.weight", "d_input"} & held
    assert ("updated.layers.fc3.weight" in held) == (steps == 1)
    assert "updated.layers.fc2.weight" not in held
    mine = stranger.run(manifest, sets["real"], "real", "float32")
    rows = {row.tensor.name: row for row in judge(real, sets["real"], mine).rows}
    assert rows["d_input"].verdict == "not compared"


def test_a_unit_at_its_kink_is_seen() -> None:
    pair = of_chapter("dnn_house", dtype="float32")
    plan = spec.get("dnn_house").train
    wide, narrow = (
        reference.train(pair, plan, np.ones((5, 1)), 2, dtype) for dtype in ("float64", "float32")
    )
    assert near(pair, wide, narrow) == Near()
    for step, want in ((1, Near(None, True, 1)), (0, Near("layers.act1", True, 2))):
        for run in (wide, narrow):
            visit = next(v for v in run.traces[step].visits if v.path == "layers.act1")
            visit.inputs[0][0, 0] = 1e-9
        assert near(pair, wide, narrow) == want


@pytest.mark.parametrize(
    "options",
    [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}],
)
def test_rivals_in_a_pool_are_seen(options: dict[str, Any]) -> None:
    x = np.arange(2 * 3 * 7 * 6, dtype=np.float64).reshape(2, 3, 7, 6) / 8
    pool = torch.nn.MaxPool2d(**options)
    pair = Pair("", nn.Identity(), pool, (x,), pool(torch.from_numpy(x)).numpy())

    def count() -> int:
        return near(pair, *(reference.once(pair, dtype) for dtype in ("float64", "float32"))).units

    assert count() == 0
    x[0, 0, 1, 1] = x[0, 0, 1, 0] + 1e-9
    x[0, 0, 0] = -1.0
    assert count() > 0
    x[0, 0] = 0.0  # behind a rectifier
    assert count() == 0


def test_what_cannot_be_made_exits_with_2(script: Script, tmp_path: Path) -> None:
    out = tmp_path / "golden"
    assert script("golden", "mlp_xro", "--out", out) == 2
    assert script("golden", "mlp_xor", "--out", out, "--steps", 0) == 2
    assert not out.exists()
    assert script("golden", "mlp_xor", "--out", out) == 0
    assert script("golden", "mlp_xor", "--out", out) == 2
    (tmp_path / "file").write_text("")
    assert script("golden", "mlp_xor", "--out", tmp_path / "file" / "below") == 2


def test_golden_against_itself(script: Script, tmp_path: Path) -> None:
    out = tmp_path / "golden"
    assert script("golden", "mlp_xor", "--out", out, "--format", "raw") == 0
    assert script("compare", out, out) == 0
    assert script("compare", out, out / "real") == 0
    manifest, _ = formats.read(out)
    assert manifest.training["steps"] == 1
