"""Front doors that choose hyper-parameters and check gradients: what they print is what is true."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ref_torch
import scratch
from parity_tests.sizes import DEEP_IDS, IDS
from scratch import data, nn, spec
from scratch.lr_range import lr_range
from scratch.nn.parameter import Array
from scratch.run.pictures import study as pictures
from scratch.train import evaluate, fit

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"

Script = Callable[..., int]
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("study", ("linear_regression", "--lr", "0.1", "--epochs", "1")),
        ("lr_range", ("linear_regression", "--steps", "3")),
        ("gradcheck", ("mlp_xor",)),
    ],
)
def test_no_script_imports_torch(name: str, argv: tuple[str, ...]) -> None:
    program = (
        "import runpy, sys\n"
        "sys.path.insert(0, 'scripts')\n"
        "try:\n"
        f"    runpy.run_path('scripts/{name}.py', run_name='__main__')\n"
        "finally:\n"
        "    print('torch' in sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *argv], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.strip()) == (0, "False")


def test_a_study_tells_what_a_fit_with_the_same_settings_gives(
    script: Script, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "study.json"
    lists = ("--lr", 0.2, "--batch-size", 5, "--hidden", 2, 4)
    argv = ("mlp_sine", *lists, "--epochs", 2, "--seed", 3, "--out", tmp_path, "--json", path)
    assert script("study", *argv) == 0
    table = capsys.readouterr().out
    body = json.loads(path.read_bytes())
    assert (body["chapter"], body["seed"]) == ("mlp_sine", 3)
    assert [(run["name"], run["value"], run["own"]) for run in body["runs"]] == [
        ("lr", 0.2, False),
        ("batch_size", 5, False),
        ("hidden", 2, True),
        ("hidden", 4, False),
    ]
    varied = importlib.import_module("study").varied
    for run in body["runs"]:
        plan = varied(spec.get("mlp_sine"), run["name"], run["value"])
        dataset = data.load(plan, seed=3)
        model = scratch.build(plan.id, seed=3, **plan.arguments)
        history = fit(plan, model, dataset, epochs=2, seed=3, progress=False)
        test = evaluate(model, dataset.test, plan.train.loss, plan.data.task)
        assert run["epochs"] == len(run["rows"]) == 2
        assert not run["diverged"]
        for key in ("train_loss", "val_loss", "val_metric"):
            assert run[key] == history.rows[-1][key]
            assert f"{run[key]:.4g}" in table
        assert run["test_metric"] == test["r2"]
    assert (tmp_path / "study.png").read_bytes().startswith(PNG)


def test_one_hyper_parameter_changes_and_nothing_else(script: Script) -> None:
    assert script("study") == 2
    varied = importlib.import_module("study").varied
    for id in ("mlp_mnist", "fourier_dropout"):
        chapter = spec.get(id)
        first, *hidden, last = chapter.arguments["widths"]
        plan = varied(chapter, "hidden", 6)
        assert plan.train == chapter.train
        assert plan.arguments == {
            **chapter.arguments,
            "widths": (first, *(6 for _ in hidden), last),
        }
        faster = varied(chapter, "lr", 0.7)
        assert (faster.train.lr, faster.train.batch_size) == (0.7, chapter.train.batch_size)
        assert faster.arguments == chapter.arguments
        theirs = ref_torch.build(id, seed=1, **plan.arguments).state_dict()
        ours = scratch.build(id, seed=1, **plan.arguments).state_dict()
        assert list(ours) == list(theirs)
        assert all(np.array_equal(ours[name], value.numpy()) for name, value in theirs.items())


def test_a_run_that_diverges_is_a_row(script: Script, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "study.json"
    rates = ("--lr", 1e4, 0.1, 2.2)
    argv = ("linear_regression", *rates, "--epochs", 30, "--out", tmp_path, "--json", path)
    assert script("study", *argv) == 0
    said = capsys.readouterr().out
    assert "learning rate 10000 diverged" in said
    assert "learning rate 2.2: training stopped at step" in said
    at_once, good, later = json.loads(path.read_bytes())["runs"]
    assert at_once["epochs"] == 0
    assert 0 < later["epochs"] < good["epochs"] == 30
    assert later["test_metric"] is None
    assert later["diverged"].startswith("training stopped")
    assert not good["diverged"]
    assert (tmp_path / "study.png").read_bytes().startswith(PNG)


def test_the_range_test_tells_what_the_module_finds(
    script: Script, tmp_path: Path, capsys: Capture
) -> None:
    options = ("--low", 1e-3, "--high", 100, "--steps", 80, "--seed", 2)
    assert script("lr_range", "linear_regression", *options, "--out", tmp_path) == 0
    said = capsys.readouterr().out
    chapter = spec.get("linear_regression")
    model, dataset = scratch.build(chapter.id, seed=2), data.load(chapter, seed=2)
    found = lr_range(chapter, model, dataset, low=1e-3, high=100.0, steps=80, seed=2)
    rows = [line.split() for line in said.splitlines() if line.strip()[:1].isdigit()]
    points = [row for row in rows if len(row) == 3]
    assert len(points) == 12
    for step, rate, loss in points:
        assert rate == f"{found.rates[int(step) - 1]:.3g}"
        assert loss == f"{found.losses[int(step) - 1]:.5g}"
    assert f"suggested: {found.steepest:.3g}," in said
    assert f"{len(found.rates)} of 80 steps (the loss left for good)" in said
    assert (tmp_path / "lr_range.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("id", IDS)
def test_every_chapter_passes_its_gradient_check(id: str, script: Script, capsys: Capture) -> None:
    assert script("gradcheck", id, "--entries", 4) == 0
    said = capsys.readouterr().out
    for name, _ in scratch.build(id, "tiny").named_parameters():
        assert f"{name} " in said
    # Two steps of a difference may fall on two sides of a kink, of which a deep network has many.
    assert " suspect\n" not in said or id in DEEP_IDS


def test_a_spoilt_backward_is_named(
    script: Script, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    right = nn.Sigmoid.backward

    def spoilt(self: nn.Sigmoid, d_output: Array) -> Array:
        return right(self, d_output) * np.where(d_output > 0, 1.1, 1.0)

    monkeypatch.setattr(nn.Sigmoid, "backward", spoilt)
    assert script("gradcheck", "mlp_coin") == 1
    said = capsys.readouterr()
    assert "look at layers.fc1.bias first" in said.err
    assert "layers.fc2" not in said.err
    verdicts = {line.split()[0]: line.split()[-1] for line in said.out.splitlines() if line}
    assert verdicts["layers.fc2.weight"] == "right"
    assert verdicts["layers.fc1.weight"] == verdicts["input"] == "wrong"


BAD = {
    "nothing to vary": ("study", "mlp_xor"),
    'did you mean "mlp_xor"': ("study", "mlp_xr", "--lr", 1),
    "--lr -1: expects numbers above 0": ("study", "mlp_xor", "--lr", 0.1, -1),
    "--batch-size 0: expects": ("study", "mlp_xor", "--batch-size", 0),
    "lenet5 is none": ("study", "lenet5", "--hidden", 4),
    "--epochs 0: expects": ("study", "mlp_xor", "--lr", 1, "--epochs", 0),
    "expects 0 < --low < --high": ("lr_range", "mlp_xor", "--low", 2, "--high", 1),
    "--steps 1: expects 2": ("lr_range", "mlp_xor", "--steps", 1),
    "lr_range.py --help": ("lr_range",),
    'unknown chapter "lenet"': ("gradcheck", "lenet"),
    "--entries 0: expects 1": ("gradcheck", "mlp_xor", "--entries", 0),
    "--seed -1: expects 0": ("gradcheck", "mlp_xor", "--seed", -1),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_input_is_one_line(
    reason: str, script: Script, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, *argv = BAD[reason]
    monkeypatch.setattr(sys, "argv", [f"{name}.py"])
    assert script(str(name), *argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert reason in said.err


def test_pictures_refuse_what_cannot_be_drawn(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    with pytest.raises(ValueError, match="at least one run"):
        pictures.study(path, {})
    with pytest.raises(ValueError, match="one loss per rate; got 1 for 2"):
        pictures.lr_range(path, [0.1, 0.2], [1.0], 0.1, 0.1)
    nowhere = [{"epoch": 1, "train_loss": np.nan, "val_loss": np.inf}]
    pictures.study(path, {"learning rate": {"1": nowhere, "2": []}})
    assert path.read_bytes().startswith(PNG)
