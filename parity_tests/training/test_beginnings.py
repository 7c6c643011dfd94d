"""The loops that train networks walk the paths of step 1 of the book."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ref_torch
import scratch
from parity_tests.harness import bounds
from parity_tests.harness.draws import drawn, targets
from ref_torch.fit import fit as fit_torch
from scratch import descent, spec
from scratch.data import load
from scratch.run.metrics import History
from scratch.spec import descent as examples
from scratch.train import evaluate
from scratch.train import fit as fit_scratch

Array = np.ndarray[Any, np.dtype[Any]]
Script = Callable[..., int]

STEP_1 = [id for id in spec.ids() if spec.get(id).step == 1]


def _scratch(id: str) -> tuple[History, list[float]]:
    model = scratch.build(id)
    history = fit_scratch(spec.get(id), model, load(spec.get(id)), progress=False)
    return history, [p.data.item() for p in model.parameters()]


def _torch(id: str) -> tuple[History, list[float]]:
    model = ref_torch.build(id)
    history = fit_torch(spec.get(id), model, load(spec.get(id)), progress=False)
    return history, [p.item() for p in model.parameters()]


TWINS = {"scratch": _scratch, "torch": _torch}


def _near(found: Any, wanted: Any) -> bool:
    """Whether float32 numbers are those of float64, as behind a whole network."""
    want = np.asarray(wanted, dtype=np.float64)
    return bool(np.abs(np.asarray(found) - want).max() <= bounds.whole(want, "float32"))


def test_the_chapters_are_the_examples_and_stand_first() -> None:
    assert tuple(STEP_1) == examples.ids() == spec.ids()[: len(STEP_1)]


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("id", STEP_1)
def test_a_run_starts_at_the_books_point_and_ends_in_the_band(id: str, twin: str) -> None:
    chapter = spec.get(id)
    history, _ = TWINS[twin](id)
    start = examples.get(id).runs[0].start
    model = scratch.build(id, seed=7)
    assert _near([p.data.item() for p in model.parameters()], list(start.values()))
    assert history.stopped
    assert chapter.expected.low <= history.rows[-1]["val_loss"] <= chapter.expected.high
    assert history.rows[-1]["epoch"] < chapter.train.epochs


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(
    ("id", "scale", "steps"),
    [("descent_1d", 1, 4), ("descent_2d", 0.5, 16), ("loss_surface", 1, 0)],
)
def test_every_step_is_that_of_the_tape(id: str, scale: float, steps: int, twin: str) -> None:
    """The values on the way are the losses, J / 2 in two variables; the end is the weights."""
    example = examples.get(id)
    path = descent.follow(example.function, example.runs[0])
    history, weights = TWINS[twin](id)
    assert len(history.step_losses) == len(path) - 1 == (steps or len(path) - 1)
    assert _near(history.step_losses, [scale * point.value for point in path[:-1]])
    assert _near(history.rows[-1]["val_loss"], scale * path[-1].value)
    assert _near(weights, list(path[-1].inputs.values()))


@pytest.mark.parametrize("twin", TWINS)
def test_the_trace_on_the_parabola_is_the_books(twin: str) -> None:
    history, (last,) = TWINS[twin]("descent_1d")
    trace = [f"{np.sqrt(loss):.4f}" for loss in history.step_losses]
    assert trace == ["1.2000", "0.4800", "0.1920", "0.0768"]
    assert f"{last:.5f}" == "0.03072"


@pytest.mark.parametrize("twin", TWINS)
def test_the_trace_in_two_variables_is_the_books(twin: str) -> None:
    history, (x, y) = TWINS[twin]("descent_2d")
    assert f"{2 * history.step_losses[0]:.6f}" == "9.708073"
    assert f"{2 * history.rows[-1]['val_loss']:.6f}" == "0.009711"
    # 3 0.8^16 = 0.0844425 lies between two prints of six decimals; float32 tells five.
    assert (f"{x:.5f}", f"{y:.5f}") == ("0.08444", "0.05082")


@pytest.mark.parametrize("twin", TWINS)
def test_the_value_becomes_what_it_should_be(twin: str) -> None:
    _, (w, b) = TWINS[twin]("backprop_linear")
    assert abs(descent.evaluate("product_of_sums", {"w": w, "b": b}).value - 150) <= 1e-4
    history, (x,) = TWINS[twin]("backprop_log")
    assert len(history.step_losses) <= 5  # passes, as in the book
    assert abs(descent.evaluate("sqrt_log_square", {"x": x}).value - 2.13) <= 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_what_is_drawn_lies_in_the_domain(seed: int) -> None:
    chapter = spec.get("backprop_log")
    rng = np.random.default_rng(seed)
    model = scratch.build("backprop_log").astype(np.float64)
    state, x = drawn(chapter, model.state_dict(), (64, 1), rng)
    model.load_state_dict(state)
    output = model(x)
    assert np.isfinite(output).all()
    assert (targets(chapter, rng, "float64", 64) > 0).all()
    assert {-1.0, 1.0} == set(np.sign(x).ravel().tolist())
    outside = np.full((2, 1), 0.9 / state["x.weight"].item())
    assert np.isnan(model(outside)).all()


@pytest.mark.parametrize("id", STEP_1)
def test_training_leaves_pictures_and_says_the_loss(
    id: str, script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("train", id, "--twin", "scratch", "--out", tmp_path / "run") == 0
    said = capsys.readouterr().out
    assert "test loss" in said
    assert "reached" in said
    assert "NOT reached" not in said
    assert (tmp_path / "run" / "plots" / "path.png").read_bytes().startswith(b"\x89PNG")


def test_two_outputs_are_measured_together() -> None:
    chapter = spec.get("descent_2d")
    dataset = load(chapter)
    assert dataset.train.y.shape == (2, 2)
    found = evaluate(scratch.build("descent_2d"), dataset.test, "HalfMSELoss", "regression")
    assert _near(found["loss"], (9 + np.sin(1) ** 2) / 2)
