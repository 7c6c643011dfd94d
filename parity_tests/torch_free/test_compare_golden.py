"""Anybody's tensors against golden ones: exit codes, forms of files, names, causes; no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.harness.golden import formats
from parity_tests.harness.golden.judge import judge
from parity_tests.harness.golden.manifest import FORMATS
from parity_tests.torch_free import handmade
from scratch import weights
from scratch.spec.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
Array = np.ndarray[Any, np.dtype[Any]]
Script = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifest, sets = handmade.golden()
    formats.write(tmp_path / "golden", manifest, sets)
    return tmp_path / "golden"


def first(mine: dict[str, Array], **options: Any) -> Any:
    manifest, sets = handmade.golden()
    return judge(manifest.sets[0], sets["real"], mine, **options).first


@pytest.mark.parametrize("format", FORMATS)
def test_every_form_comes_back_as_it_was(tmp_path: Path, format: str) -> None:
    manifest, sets = handmade.golden(format)
    formats.write(tmp_path / "golden", manifest, sets)
    found, back = formats.read(tmp_path / "golden")
    assert found == manifest
    for name, value in sets["real"].items():
        assert back["real"][name].tobytes() == value.tobytes()
        assert back["real"][name].shape == value.shape


@pytest.mark.parametrize("form", ["npz", "safetensors", "bin", "npy", "real.npz", "float32"])
def test_mine_may_come_in_many_forms(
    script: Script, folder: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = {k: v for k, v in handmade.arrays().items() if not k.startswith("parameter")}
    path = tmp_path / "mine"
    if form == "npz":
        path = tmp_path / "mine.npz"
        np.savez(path, **mine)
    elif form == "safetensors":
        path = tmp_path / "mine.safetensors"
        weights.save(path, mine)
    else:
        path.mkdir()
        if form == "real.npz":
            np.savez(path / form, **mine)
        for name, value in mine.items():
            if form == "bin":
                (path / f"{name}.bin").write_bytes(value.tobytes())
            elif form == "npy":
                np.save(path / f"{name}.npy", value)
            elif form == "float32":
                (path / f"{name}.bin").write_bytes(value.astype(np.float32).tobytes())
    if form == "float32":
        (path / "input.bin").unlink()
        (path / "d_output.bin").unlink()
    assert script("compare", folder, path) == 0
    printed = capsys.readouterr().out
    assert f"bounds of {'float32' if form == 'float32' else 'float64'}" in printed
    assert "not given: " in printed
    assert "within their bounds" in printed


def test_a_divergence_exits_with_1_and_is_told(
    script: Script, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = handmade.arrays()
    mine["gradient.fc.weight"] = mine["gradient.fc.weight"].T.copy()
    np.savez(tmp_path / "mine.npz", **mine)
    report = tmp_path / "report.json"
    assert script("compare", folder, tmp_path / "mine.npz", "--json", report) == 1
    printed = capsys.readouterr().out
    assert "first divergence: gradient.fc.weight: shape (3, 2), expected (2, 3)" in printed
    assert "gradient.fc.weight fits if it is transposed: (in, out) for (out, in)" in printed
    found = json.loads(report.read_text())
    assert found["schema"] == 1
    assert found["sets"][0]["first_divergence"] == "gradient.fc.weight"
    rows = {row["name"]: row for row in found["sets"][0]["tensors"]}
    assert rows["gradient.fc.weight"]["causes"] == ["it is transposed: (in, out) for (out, in)"]
    assert rows["gradient.fc.weight"]["used"] == "inf"
    assert rows["d_input"]["verdict"] == "PASS"


def test_unknown_names_are_warnings_with_the_nearest(
    script: Script, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "a.npz", **{"gradient.fc.wieght": np.zeros(3)})
    assert script("compare", folder, tmp_path / "a.npz") == 2
    assert "did you mean gradient.fc.weight?" in capsys.readouterr().err
    np.savez(tmp_path / "b.npz", output=handmade.arrays()["output"], extra_thing=np.zeros(3))
    assert script("compare", folder, tmp_path / "b.npz") == 0
    assert "warning: extra_thing is not in the real set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing", None),
        ("mine.npz", b"no archive"),
        ("mine.npz", b""),
        ("mine.safetensors", b"\x00"),
        ("mine.txt", b"words"),
        ("folder", None),
        ("odd", b"12345"),
    ],
)
def test_what_cannot_be_read_exits_with_2(
    script: Script, folder: Path, tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / name
    if name in ("folder", "odd"):
        path.mkdir()
        if content:
            (path / "output.bin").write_bytes(content)
    elif content is not None:
        path.write_bytes(content)
    assert script("compare", folder, path) == 2


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 0.99])
def test_a_file_cut_short_exits_with_2(
    script: Script,
    folder: Path,
    tmp_path: Path,
    suffix: str,
    keep: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    output = handmade.arrays()["output"]
    path = place / ("real.npz" if suffix == ".npz" else "output.npy")
    if suffix == ".npz":
        np.savez(path, output=output)
    else:
        np.save(path, output)
    assert script("compare", folder, place) == 0
    capsys.readouterr()
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    assert script("compare", folder, place) == 2
    said = capsys.readouterr().err
    assert said.count(str(path)) == said.count("\n") == 1


@pytest.mark.parametrize("value", [np.array("words"), np.zeros((4, 2), complex)])
def test_what_holds_no_real_numbers_exits_with_2(
    script: Script, folder: Path, tmp_path: Path, value: Array, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "a.npz", output=value)
    (tmp_path / "mine").mkdir()
    np.save(tmp_path / "mine" / "output.npy", value)
    for path in (tmp_path / "a.npz", tmp_path / "mine"):
        assert script("compare", folder, path) == 2
        assert "output is of type" in capsys.readouterr().err


def test_a_pickle_is_refused(script: Script, folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", output=np.array([{}], dtype=object))
    (tmp_path / "mine").mkdir()
    np.save(tmp_path / "mine" / "output.npy", np.array([{}], dtype=object))
    assert script("compare", folder, tmp_path / "a.npz") == 2
    assert script("compare", folder, tmp_path / "mine") == 2


def test_a_changed_golden_folder_is_refused(folder: Path) -> None:
    changed = handmade.arrays()
    changed["output"][0, 0] += 1e-9
    np.savez(folder / "real.npz", **changed)
    with pytest.raises(UserError, match="output of the real set was changed"):
        formats.read(folder)
    (folder / "manifest.json").write_text('{"schema": 99}')
    with pytest.raises(UserError, match="schema 99"):
        formats.read(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(UserError, match="cannot be read"):
        formats.read(folder)


def test_what_is_not_finite_or_of_another_size_is_said() -> None:
    right = handmade.arrays()
    spoilt = right["output"].copy()
    spoilt[1, 1] = np.nan
    row = first({"output": spoilt})
    assert row.causes == ("1 of 8 are NaN",)
    assert "NaN pattern" in row.found.note
    assert first({"output": np.ones((4, 2, 3))}).causes == (
        "it is 3 times as long: not summed over an axis",
    )
    assert "7 numbers, 8 are expected" in first({"output": np.ones(7)}).causes[0]
    assert first({"output": np.zeros((4, 2))}).causes[0] == "it is zero: not computed"


def test_integers_in_place_of_numbers_are_compared_by_value() -> None:
    assert first({"input": handmade.arrays()["input"].astype(np.int64)}) is not None


def test_a_reference_of_zeros_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = {**handmade.arrays(), "gradient.fc.bias": np.zeros(2)}
    monkeypatch.setattr(handmade, "arrays", lambda: zeros)
    row = first({"gradient.fc.bias": np.zeros(2)})
    assert row.verdict == "MISTRUSTED"
    assert "zero everywhere" in row.found.note


def test_forced_layers_meet_their_own_bound() -> None:
    near = handmade.arrays()["output"] + 1e-14
    assert first({"output": near}) is None
    assert first({"output": near}, forced=True) is not None


RIGHT = handmade.arrays()
X, W = RIGHT["input"], RIGHT["parameter.fc.weight"]
B, DY = RIGHT["parameter.fc.bias"], RIGHT["d_output"]
MISTAKES = [
    ("activation.fc", X @ W.T, "the bias is missing"),
    ("activation.fc", X @ W.T + 2 * B, "the bias is added twice"),
    ("activation.fc", X @ W.T - B, "the bias is subtracted"),
    ("activation.fc", X @ W.reshape(3, 2) + B, "the weight is read as (in, out), not (out, in)"),
    ("gradient.fc.weight", np.outer(DY[-1], X[-1]), "only the last sample counts"),
    ("gradient.fc.weight", 2 * DY.T @ X, "it is doubled"),
    ("gradient.fc.weight", -DY.T @ X, "it is of the wrong sign"),
    ("gradient.fc.weight", DY.T @ X / 4, "N = 4 times too small"),
    ("gradient.fc.weight", X.T @ DY, "it is transposed"),
    ("gradient.fc.weight", W, "it is mixed up with the given parameter.fc.weight"),
    ("gradient.fc.bias", DY[0], "only the first sample counts"),
    ("gradient.fc.bias", 0.3 * DY.sum(0) + 0 * B, ""),  # two numbers prove no factor
    ("d_input", DY @ W.reshape(3, 2).T, "the weight is read as (in, out)"),
    ("d_input", 0.37 * DY @ W, "it is 0.37 times the reference"),
    ("d_input", (DY @ W)[::-1], "its rows are in reverse order"),
]


@pytest.mark.parametrize(("name", "wrong", "cause"), MISTAKES)
def test_a_mistake_is_named(name: str, wrong: Array, cause: str) -> None:
    row = first({name: wrong})
    assert row.tensor.name == name
    assert cause in row.causes[0] if cause else row.causes == ()


def test_an_unknown_mistake_is_not_explained() -> None:
    wrong = handmade.arrays()["output"].copy()
    wrong[:, 1] += 0.25
    row = first({"output": wrong})
    assert row.causes == ()
    assert row.pattern == "4 of 8 differ; only where index 1 is 1"


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [("judge", ("torch", "scratch")), ("table", ("torch", "scratch")), ("formats", ("torch",))],
)
def test_the_comparison_loads_no_torch_and_its_judge_no_twin(
    module: str, kept_out: tuple[str, ...]
) -> None:
    code = (
        f"import sys, parity_tests.harness.golden.{module}\n"
        f"print([name for name in {kept_out!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
