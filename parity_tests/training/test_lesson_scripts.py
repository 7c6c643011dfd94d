"""The lessons of chapters 5 and 8: each conclusion by its numbers, each derivative by the twin."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from parity_tests.numeric.tolerance import assert_close
from ref_torch import nn as torch_nn
from scratch import gradcheck, nn
from scratch.spec.schema import NORMALISATIONS

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\n"
SCRIPTS = ("normalisation", "activations")
SEEDS = (0, 1)
NEAR = 0.01  # of the price by the normal equation
FAR = 10.0  # times that price

Script = Callable[..., int]
Capture = pytest.CaptureFixture[str]

sys.path.insert(0, str(ROOT / "scripts"))
activations: Any = importlib.import_module("activations")
normalisation: Any = importlib.import_module("normalisation")
sys.path.remove(str(ROOT / "scripts"))


@pytest.fixture(scope="module", params=SEEDS)
def lesson(request: pytest.FixtureRequest) -> Any:
    return normalisation.Lesson(seed=request.param)


def ratio(lesson: Any, case: str) -> float:
    """Return the price of a case as a multiple of the right one."""
    return normalisation.CASES[case](lesson)[1] / lesson.right


def test_the_normal_equation_finds_the_formula_of_the_generator(lesson: Any) -> None:
    distance, area = lesson.query[0]
    assert abs(lesson.right / (2 * (20 - distance) + 5 * area + 10) - 1) < NEAR


def test_raw_data_diverges_with_a_message(lesson: Any) -> None:
    run = lesson.run(features=normalisation.RAW)
    assert "training stopped at step" in run.diverged
    assert "A smaller learning rate" in run.diverged
    assert normalisation.CASES["raw"](lesson)[1] is None


def test_a_raw_query_gets_a_wrong_price(lesson: Any) -> None:
    assert ratio(lesson, "query") > FAR


def test_restored_weights_give_the_right_price(lesson: Any) -> None:
    assert abs(ratio(lesson, "restore") - 1) < NEAR


def test_a_normalised_query_gets_the_right_price(lesson: Any) -> None:
    assert abs(ratio(lesson, "normalised") - 1) < NEAR
    # It is the same network: what the price differs by is the rounding of float32.
    assert abs(ratio(lesson, "normalised") - ratio(lesson, "restore")) < 1e-5


def test_a_normalised_label_is_as_right_and_converges_faster_under_adam(lesson: Any) -> None:
    assert abs(ratio(lesson, "label") - 1) < NEAR
    sgd_raw, sgd, adam_raw, adam = map(lesson.converged, normalisation.label_runs(lesson).values())
    assert sgd_raw == sgd <= 3
    assert (adam, adam_raw) == (1, None)


def test_every_normalisation_that_is_linear_and_learns_agrees(lesson: Any) -> None:
    runs = normalisation.kinds_runs(lesson)
    assert tuple(runs) == NORMALISATIONS
    assert {kind for kind, run in runs.items() if run.diverged} == {"none", "log", "centre"}
    learnt = {kind for kind, run in runs.items() if lesson.converged(run) is not None}
    assert learnt == {"min-max", "mean", "z-score"}
    for kind in learnt:
        weights, bias = runs[kind].restored()
        price = (lesson.query @ weights.T + bias)[0, 0]
        assert abs(price / lesson.right - 1) < NEAR
        assert lesson.best - runs[kind].r2[-1] < NEAR


def test_weights_that_were_not_restored_are_seen(
    lesson: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = lambda weights, bias, record: (weights, bias)  # noqa: E731
    monkeypatch.setattr("scratch.data.denormalise.denormalise_linear", fault)
    assert abs(ratio(lesson, "restore") - 1) > NEAR


def test_the_lesson_prints_its_figures_and_draws(
    script: Script, tmp_path: Path, capsys: Capture
) -> None:
    assert script("normalisation", "--out", tmp_path / "new") == 0
    said = capsys.readouterr().out
    lesson = normalisation.Lesson()
    assert f"normal equation: {lesson.right:.2f}" in said
    for case in ("query", "restore", "normalised", "label"):
        assert f"{normalisation.CASES[case](lesson)[1]:.2f}" in said
    assert lesson.run(features=normalisation.RAW).diverged in said
    assert all(f"\n{kind} " in said for kind in NORMALISATIONS)
    assert "nan" not in said.split()
    assert_is_picture(tmp_path / "new" / normalisation.PICTURE)


@pytest.mark.parametrize("case", normalisation.CASES)
def test_one_case_prints_one_row(script: Script, capsys: Capture, case: str) -> None:
    assert script("normalisation", "--case", case, "--epochs", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split()[0] == case
    assert lines[-3].split()[0] == "case"


GRID = np.linspace(-activations.REACH, activations.REACH, activations.SAMPLES)


def assert_same_as_torch(name: str) -> None:
    """Hold value and derivative of an activation to its torch twin's."""
    for ours, theirs in zip(
        activations.curve(name, GRID), activations.reference(name, GRID), strict=True
    ):
        if theirs.any():
            assert_close(ours, theirs)
        else:  # the slope of a step
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", activations.NAMES)
def test_derivatives_are_torchs_and_those_of_the_curve(name: str) -> None:
    assert hasattr(torch_nn, name)
    assert_same_as_torch(name)
    pairs, _ = gradcheck.finite_difference(getattr(nn, name)(), (GRID,), np.ones_like(GRID))
    analytic, numeric = pairs["dx"]
    assert len(analytic) >= len(GRID) - 1
    assert gradcheck.reading(gradcheck.norm_ratio(analytic, numeric)) == "right"


@pytest.mark.parametrize("name", activations.NAMES)
def test_a_wrong_derivative_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, off = getattr(nn, name), 1e-6
    right = layer.backward
    monkeypatch.setattr(layer, "backward", lambda self, dy: right(self, dy) + off)
    with pytest.raises(AssertionError):
        assert_same_as_torch(name)
    value, derivative = activations.differences(name, GRID)
    assert value < off / 2 < derivative


def test_the_activations_are_printed_and_drawn(
    script: Script, tmp_path: Path, capsys: Capture
) -> None:
    assert script("activations", "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert all(f"\n{name} " in said for name in activations.NAMES)
    assert said.count("  derivative") == len(activations.NAMES)
    assert_is_picture(tmp_path / activations.PICTURE)
    assert script("activations", "Sigmoid", "--at", 0) == 0
    value, derivative = capsys.readouterr().out.splitlines()[-2:]
    assert (value.split()[1], derivative.split()[1]) == ("0.5000", "0.2500")


def assert_is_picture(path: Path) -> None:
    """Demand a PNG with something on it."""
    assert path.read_bytes().startswith(PNG)
    ink = (matplotlib.image.imread(path)[..., :3] < 0.9).any(axis=-1)
    assert 0.005 < ink.mean() < 0.9


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (("normalisation", "--case", "other"), "invalid choice: 'other'"),
        (("normalisation", "--seed", -1), "--seed -1: expects 0 or more"),
        (("normalisation", "--epochs", 0), "--epochs 0: expects 1 or more"),
        (("normalisation", "--out", __file__), "File exists"),
        (("activations", "Relu"), 'did you mean "ReLU"'),
        (("activations", "--at", 1, "nan"), "--at 1 nan: expects numbers from -1000 to 1000"),
        (("activations", "--at", 1e200), "--at 1e+200: expects numbers from"),
        (("activations", "--out", __file__), "File exists"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    script: Script, capsys: Capture, argv: tuple[object, ...], reason: str
) -> None:
    assert script(*argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert reason in said.err
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_lesson_needs_torch(name: str) -> None:
    # None in sys.modules would do for us, but scikit-learn takes that for a torch that is there.
    program = (
        "import importlib.machinery, runpy, sys\n"
        "sys.path.insert(0, 'scripts')\n"
        "finder = importlib.machinery.PathFinder\n"
        "find = finder.find_spec\n"
        "finder.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
        f"runpy.run_path('scripts/{name}.py', run_name='__main__')\n"
    )
    done = _program(program)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("torch is not installed" in done.stdout) == (name == "activations")


def _program(text: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", text, *argv], cwd=ROOT, capture_output=True, text=True
    )
