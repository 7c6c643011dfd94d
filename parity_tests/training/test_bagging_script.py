"""Bagging: what the script reports is what its members' weights say."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scratch
from scratch import data, spec, train, weights
from scratch.data import Split
from scratch.data.bagging import bootstrap
from scratch.nn.parameter import Array
from scratch.run.folder import RunFolder
from scratch.run.metrics import score
from scratch.run.pictures.votes import votes
from scratch.spec.schema import Chapter

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"
TINY = ("--size", "tiny", "--epochs", 2, "--members", 3, "--seed", 4)

Script = Callable[..., int]
Capture = pytest.CaptureFixture[str]

# Where torch is not installed the NumPy twin is tried alone.
TWINS = ["scratch", *(["torch"] if importlib.util.find_spec("torch") else [])]


def outputs(chapter: Chapter, path: Path, x: Array) -> Array:
    """Return what the network with the weights of a file says."""
    state, about = weights.load(path)
    assert about["chapter"] == chapter.id
    network = scratch.build(chapter.id, chapter.size)
    network.load_state_dict(state)
    return train.predict(network, x)


def results(folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / "results.json").read_bytes())
    return body


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("id", ["mnist_small", "mlp_arc", "tanh_classifier"])
def test_members_and_vote_are_those_of_the_saved_weights(
    id: str, twin: str, script: Script, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "run"
    assert script("bagging", id, *TINY, "--twin", twin, "--out", out) == 0
    said = capsys.readouterr().out
    chapter = spec.get(id, "tiny")
    dataset = data.load(chapter, seed=4)
    body = results(out)
    assert [member["number"] for member in body["members"]] == [1, 2, 3]
    assert len({member["seed"] for member in body["members"]}) == 3
    ayes: Array = np.zeros((len(dataset.test), max(2, len(chapter.data.classes))), dtype=int)
    for member in body["members"]:
        logits = outputs(
            chapter, out / "members" / f"{member['number']}.safetensors", dataset.test.x
        )
        expected = score(chapter.data.task, logits, dataset.test.y)["accuracy"]
        assert member["accuracy"] == expected
        assert f"{expected:.4f}" in said
        named = logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(axis=1)
        ayes[np.arange(len(named)), named.astype(int)] += 1
    labels = dataset.test.y.reshape(-1) > 0 if chapter.data.task == "binary" else dataset.test.y
    vote = float(np.mean(ayes.argmax(axis=1) == labels))
    assert body["test"]["vote"]["accuracy"] == vote
    assert f"{vote:.4f}" in said
    accuracies = [member["accuracy"] for member in body["members"]]
    assert body["test"]["median member"]["accuracy"] == statistics.median(accuracies)
    assert (out / "plots" / "votes.png").read_bytes().startswith(PNG)
    RunFolder.open(out).verify()


def test_a_member_is_a_fit_on_its_own_sample_from_its_own_seed(
    script: Script, tmp_path: Path
) -> None:
    assert script("bagging", "mnist_small", *TINY, "--out", tmp_path / "run") == 0
    chapter = spec.get("mnist_small", "tiny")
    dataset = data.load(chapter, seed=4)
    rows = bootstrap(len(dataset.train), 3, 4)
    for member, own in zip(results(tmp_path / "run")["members"], rows, strict=True):
        assert member["distinct"] == len(set(own.tolist())) < len(own)
        seen = Split(dataset.train.x[own], dataset.train.y[own])
        network = scratch.build(chapter.id, "tiny", member["seed"])
        changed = data.Dataset(**{**vars(dataset), "train": seen})
        train.fit(chapter, network, changed, epochs=2, seed=member["seed"], progress=False)
        state, _ = weights.load(tmp_path / "run" / "members" / f"{member['number']}.safetensors")
        for name, value in network.state_dict().items():
            assert np.array_equal(state[name], value), name


def test_fewer_members_are_the_first_ones(script: Script, tmp_path: Path) -> None:
    for count in (2, 3):
        argv = (*TINY[:4], "--members", count, "--out", tmp_path / str(count))
        assert script("bagging", "mlp_coin", *argv) == 0
    few, more = (results(tmp_path / str(count))["members"] for count in (2, 3))
    for one, other in zip(few, more[:2], strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


@pytest.mark.parametrize("finished", [0, 2])
def test_ctrl_c_keeps_the_finished_members(
    finished: int,
    script: Script,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, started = train.fit, []

    def stopped(*args: Any, **options: Any) -> Any:
        started.append(1)
        if len(started) > finished:
            raise KeyboardInterrupt
        return right(*args, **options)

    monkeypatch.setattr(train, "fit", stopped)
    assert script("bagging", "mnist_small", *TINY, "--out", tmp_path / "run") == 130
    said = capsys.readouterr()
    assert f"stopped in member {finished + 1}; {finished} finished: {tmp_path / 'run'}" in said.err
    if finished:
        assert len(results(tmp_path / "run")["members"]) == finished
        assert "vote" in said.out
        RunFolder.open(tmp_path / "run").verify()
    kept = sorted(file.name for file in (tmp_path / "run").glob("members/*"))
    assert kept == [f"{number}.safetensors" for number in range(1, finished + 1)]


BAD = {
    "mlp_sine predicts a number; a vote needs a chapter with classes": ("mlp_sine",),
    'did you mean "mnist_small"': ("mnist_smal",),
    "--members 0: expects 1 or more": ("mnist_small", "--members", 0),
    "--epochs 0: expects 1": ("mnist_small", "--epochs", 0),
    "--seed -1: expects 0": ("mnist_small", "--seed", -1),
    "unknown preset of softmax_regression": ("softmax_regression", "--preset", "none"),
    "exists and is not an empty folder": ("mnist_small", "--out", ROOT / "scripts"),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_input_is_one_line(reason: str, script: Script, capsys: Capture) -> None:
    assert script("bagging", *BAD[reason]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert reason in said.err


def test_the_folder_is_no_training_run_to_resume(
    script: Script, tmp_path: Path, capsys: Capture
) -> None:
    assert script("bagging", "mlp_xor", *TINY, "--out", tmp_path / "run") == 0
    assert script("train", "--resume", tmp_path / "run") == 2
    assert "start the run anew" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [("--help",), ("mlp_xor", "--size", "tiny", "--epochs", "1")])
def test_nothing_heavier_is_imported_than_is_used(argv: tuple[str, ...], tmp_path: Path) -> None:
    heavy = ("torch", "lightning")
    if argv[0] == "--help":
        heavy += ("numpy", "sklearn", "matplotlib")
    program = (
        "import runpy, sys\n"
        "sys.path.insert(0, 'scripts')\n"
        "try:\n"
        "    runpy.run_path('scripts/bagging.py', run_name='__main__')\n"
        "finally:\n"
        f"    print([name for name in {heavy} if name in sys.modules], file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", program, *argv, "--out", str(tmp_path / "run")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stderr.strip()) == (0, "[]")


def test_a_vote_without_members_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one member"):
        votes(tmp_path / "p.png", [], 0.5)
    votes(tmp_path / "p.png", [1.0], 1.0)
    assert (tmp_path / "p.png").read_bytes().startswith(PNG)
