"""The scripts around a bundle: exit codes, one line per error, help without waiting."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from scratch.deploy import schema
from scratch.run.folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]

Script = Callable[..., int]


def test_export_verify_predict(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "bundle"
    assert script("export_onnx", "softmax_regression", "--out", out) == 0
    assert "checks passed" in capsys.readouterr().out
    assert script("verify_onnx", out) == 0
    said = capsys.readouterr().out
    for engine in ("torch float32", "onnxruntime off", "onnxruntime all", "onnx.reference"):
        assert engine in said
    assert "scratch float32" in said
    assert script("verify_onnx", out, "--json") == 0
    assert {c["verdict"] for c in json.loads(capsys.readouterr().out)["checks"]} == {"PASS"}
    assert script("predict", out, "0.1,0.2", "--", "-0.3,0.9") == 0
    assert "-0.3,0.9" in capsys.readouterr().out
    assert script("export_onnx", "softmax_regression", "--out", out) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_verify_tells_what_failed(
    script: Script, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied / schema.MODEL).write_bytes(b"")
    assert script("verify_onnx", copied, "--all") == 1
    said = capsys.readouterr().out
    assert "FAIL: model.onnx, SHA-256: incomplete (0 of " in said
    assert script("verify_onnx", copied, "--json") == 1
    assert json.loads(capsys.readouterr().out)["checks"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export_onnx", "lenet", "--out", "OUT"), 'did you mean "lenet5"'),
        (("export_onnx", "none.ckpt", "--out", "OUT"), "cannot read the checkpoint"),
        (("export_onnx", "lenet5"), "--out"),
        (("verify_onnx", "OUT"), "no bundle"),
        (("predict", "OUT", "1,2"), "no bundle"),
        (("predict", "BUNDLE", "none.png"), "none.png: cannot be read"),
        (("predict", "BUNDLE", "nan.npy"), "nan.npy: pixels lie between"),
        (("predict", "BUNDLE"), "INPUT"),
        (("predict", "BUNDLE", "none.png", "--inverted"), "--inverted"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    script: Script,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: Sequence[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("nan.npy", np.full((8, 8), np.nan))
    places = {"OUT": tmp_path / "out", "BUNDLE": bundle}
    assert script(words[0], *(places.get(word, word) for word in words[1:])) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["nan.npy"]


def test_a_run_that_was_stopped_is_no_damaged_file(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "stopped"
    RunFolder.create(run, {"chapter": "softmax_regression"})
    assert script("export_onnx", run, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "the run has not ended" in said
    assert f"train.py --resume {run}" in said


def test_the_guard_knows_what_a_person_can_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    guarded = importlib.import_module("_cli").guarded
    from scratch.ops.checks import ShapeError
    from scratch.spec.errors import UserError

    def raising(error: BaseException) -> Callable[[Sequence[str] | None], int]:
        def main(argv: Sequence[str] | None = None) -> int:
            raise error

        return main

    cases = {
        "no such thing": (UserError("no such\nthing"), 2),
        "expects (N, 3); got (2,)": (ShapeError("(N, 3)", (2,)), 2),
        'onnxruntime is not installed: pip install -e ".[deploy]"': (
            ModuleNotFoundError("", name="onnxruntime"),
            2,
        ),
        'torch is not installed: pip install -e ".[torch]"': (
            ModuleNotFoundError("", name="torch"),
            2,
        ),
        "x.csv: Permission denied": (PermissionError(13, "Permission denied", "x.csv"), 2),
        "stopped by Ctrl-C": (KeyboardInterrupt("stopped by Ctrl-C"), 130),
    }
    for said, (error, code) in cases.items():
        assert guarded(raising(error)) == code
        assert said in capsys.readouterr().err
    for bug in (ValueError("a bug"), KeyError("a bug"), ModuleNotFoundError("", name="scratch.x")):
        with pytest.raises(type(bug)):
            guarded(raising(bug))
