"""scripts/train.py and scripts/list.py: run folders, exit codes, one line per error."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.harness import bounds
from ref_torch.checkpoint import SUFFIX
from scratch import checkpoint, spec, weights
from scratch.ops import winograd
from scratch.run.folder import RunFolder
from scratch.run.metrics import read_metrics
from scratch.watch import Watch

ROOT = Path(__file__).resolve().parents[2]

Script = Callable[..., int]


def test_both_twins_in_one_run_folder(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "two words" / "运行"
    argv = ("mlp_mnist", "--size", "tiny", "--twin", "both", "--epochs", 2, "--out", out)
    assert script("train", *argv) == 0
    said = capsys.readouterr().out
    folder = RunFolder.open(out)
    folder.verify()
    assert {path.name for path in out.iterdir()} == {
        "checkpoints",
        "config.yaml",
        "manifest.json",
        "metrics.csv",
        "model.safetensors",
        "model.scratch.safetensors",
        "plots",
        "results.json",
    }
    saved = {path.name for path in folder.checkpoints.iterdir()}
    assert {checkpoint.BEST, checkpoint.LAST} < saved
    assert any(name.endswith(SUFFIX) for name in saved)
    plots = ["confusion.png", "gap.png", "kernels.png", "loss.png", "samples.png"]
    assert sorted(path.name for path in folder.plots.iterdir()) == plots
    rows = read_metrics(folder.metrics_csv)
    assert [(row["twin"], row["epoch"]) for row in rows] == [
        ("torch", 1),
        ("torch", 2),
        ("scratch", 1),
        ("scratch", 2),
    ]
    for theirs, ours in zip(rows[:2], rows[2:], strict=True):
        for name in ("train_loss", "val_loss"):
            limit = bounds.whole(np.array(theirs[name]), "float32")
            assert abs(ours[name] - theirs[name]) <= limit
    theirs, about = weights.load(folder.weights)
    ours, _ = weights.load(out / "model.scratch.safetensors")
    assert about == {"chapter": "mlp_mnist", "size": "tiny", "twin": "torch"}
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert np.abs(ours[name] - value).max() <= bounds.whole(value, "float32")
    config = folder.config
    assert (config["chapter"], config["size"], config["twin"]) == ("mlp_mnist", "tiny", "both")
    assert (config["epochs"], config["schedule_args"]) == (2, {"T_max": 2})
    results = json.loads((out / "results.json").read_text("utf-8"))["test"]
    assert list(results) == ["torch", "scratch"]
    assert f"torch    test accuracy {results['torch']['accuracy']:.4f}" in said
    assert "largest gap of the training losses" in said
    assert f"pictures: {folder.plots}" in said
    assert "next: python scripts/export_onnx.py" in said


@pytest.mark.parametrize(
    ("id", "plots"),
    [
        ("linear_regression", {"fit.png", "loss.png"}),
        ("softmax_regression", {"boundary.png", "confusion.png", "loss.png"}),
    ],
)
def test_fresh_folders_are_numbered(
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    id: str,
    plots: set[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        assert script("train", id, "--twin", "scratch", "--epochs", 2, "--seed", number) == 0
        out = tmp_path / "runs" / f"{id}-scratch-{number}"
        assert {path.name for path in (out / "plots").iterdir()} == plots
        assert RunFolder.open(out).config["seed"] == number
        assert (out / "model.safetensors").is_file()
        assert not (out / "model.scratch.safetensors").exists()
    assert "the default run: at least" in capsys.readouterr().out


def test_the_default_run_is_judged(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert script("train", "mlp_xor", "--twin", "scratch", "--out", out) == 0
    assert "(expected at least 1: reached)" in capsys.readouterr().out


def test_the_torch_twin_takes_lightnings_arguments(script: Script, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trainer = ("--trainer.precision", "64-true", "--trainer.gradient_clip_val=0.5")
    assert script("train", *trainer, "linear_regression", "--epochs", 1, "--out", out) == 0
    assert RunFolder.open(out).config["trainer"] == list(trainer)


BAD = {
    "chapter": (["lenet"], 'unknown chapter "lenet"; did you mean "lenet5"?'),
    "no chapter": ([], "name a chapter"),
    "option": (["lenet5", "--epoch", "1"], "--epoch 1"),
    "twin": (["lenet5", "--twin", "jax"], "invalid choice"),
    "epochs": (["lenet5", "--epochs", "0"], "--epochs 0: expects 1 or more"),
    "rate": (["lenet5", "--lr", "nan"], "--lr nan: expects a number above 0"),
    "seed": (["lenet5", "--seed", "-1"], "--seed -1: expects 0 or more"),
    "data": (["softmax_regression", "--data", "irris"], 'did you mean "iris"'),
    "data folder": (["lenet5", "--data-dir", "nowhere"], "train-images-idx3-ubyte"),
    "trainer": (["lenet5", "--trainer.acelerator", "cpu"], 'did you mean "accelerator"'),
    "trainer value": (["lenet5", "--trainer.limit_train_batches", "x"], "limit_train_batches"),
    "reserved": (["lenet5", "--trainer.max_epochs", "3"], "use --epochs"),
    "not for scratch": (
        ["lenet5", "--twin", "scratch", "--trainer.devices", "1"],
        "--trainer.devices is Lightning's",
    ),
    "resume": (["--resume", "nowhere"], "not a run folder"),
    "resume and more": (["lenet5", "--resume", "nowhere"], "leave the rest out"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    argv, words = BAD[name]
    assert script("train", *argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert words in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused_untouched(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert script("train", "mlp_xor", "--twin", "scratch", "--out", tmp_path) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("twin", ["torch", "scratch"])
def test_a_diverged_run_ends_with_2_and_no_weights(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str], twin: str
) -> None:
    out = tmp_path / "run"
    argv = ("linear_regression", "--twin", twin, "--lr", "1e6", "--epochs", 2, "--out", out)
    assert script("train", *argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: training stopped at step ")
    assert "first non-finite: " in line
    assert not (out / "model.safetensors").exists()
    assert not any((out / "checkpoints").iterdir())


def test_ctrl_c_and_resume_make_no_difference(
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The torch twin is through when the signal comes, the scratch twin is in its second epoch."""
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    argv = ("mlp_mnist", "--size", "tiny", "--twin", "both", "--epochs", 3, "--out")
    assert script("train", *argv, whole) == 0
    step = Watch.step

    def interrupted(self: Watch, **words: Any) -> None:
        if len(self.history.step_losses) == 50:
            os.kill(os.getpid(), signal.SIGINT)
        step(self, **words)

    with monkeypatch.context() as patch:
        patch.setattr(Watch, "step", interrupted)
        assert script("train", *argv, stopped) == 130
    said = capsys.readouterr().err
    assert f"stopped by Ctrl-C; checkpoint {stopped / 'checkpoints' / checkpoint.LAST}" in said
    assert f"go on with: python scripts/train.py --resume {stopped}" in said
    assert not (stopped / "model.safetensors").exists()
    assert script("train", "--resume", stopped) == 0
    for name in ("model.safetensors", "model.scratch.safetensors"):
        first, second = (weights.load(folder / name)[0] for folder in (whole, stopped))
        assert all(np.array_equal(first[key], second[key]) for key in first)
    rows = [read_metrics(folder / "metrics.csv") for folder in (whole, stopped)]
    assert [row["val_loss"] for row in rows[0]] == [row["val_loss"] for row in rows[1]]
    RunFolder.open(stopped).verify()


def test_ctrl_c_from_a_terminal_ends_with_130(tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["mlp_mnist", "--size", "tiny", "--twin", "scratch", "--epochs", "9999"]
    program = [sys.executable, str(ROOT / "scripts" / "train.py"), *words, "--out", str(out)]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as running:
        metrics, limit = out / "metrics.csv", time.monotonic() + 60
        while not (metrics.exists() and len(read_metrics(metrics)) > 1):
            assert running.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "stopped by Ctrl-C; checkpoint" in said
    assert (out / "checkpoints" / checkpoint.LAST).is_file()


def test_list_speaks_to_people_and_programs(
    script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("list") == 0
    text = capsys.readouterr().out
    assert all(id in text for id in spec.ids())
    assert "LeNet-5 卷积神经网络" in text
    assert script("list", "--json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in entries] == list(spec.ids())
    assert all((ROOT / file).is_file() for entry in entries for file in entry["files"])
    assert script("list", "--markdown") == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(entries)
    assert script("list", "lenet5") == 0
    assert "60,850 parameters" in capsys.readouterr().out
    assert script("list", "lenet") == 2


def test_winograds_way_is_taken_in_training(
    script: Script,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(winograd, "WITH_BACKWARD", winograd.Least(1, 1))  # of the tiny size
    losses = {}
    for conv in ("direct", "winograd"):
        out = tmp_path / conv
        argv = ("--twin", "scratch", "--size", "tiny", "--epochs", 1, "--conv", conv)
        assert script("train", "cnn_cifar", *argv, "--out", out) == 0
        assert RunFolder.open(out).config["conv"] == conv
        with (out / "metrics.csv").open() as file:
            losses[conv] = next(csv.DictReader(file))["train_loss"]
    assert losses["direct"] != losses["winograd"]
    capsys.readouterr()
    assert script("train", "cnn_cifar", "--conv", "winograd", "--out", tmp_path / "no") == 2
    assert "add --twin scratch" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
