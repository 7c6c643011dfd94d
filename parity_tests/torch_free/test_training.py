from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import scratch
from scratch import data, spec, weights
from scratch.run.folder import RunFolder
from scratch.train import evaluate, fit

# One chapter per task, with the passes that bring it into its band.
RUNS = {"linear_regression": None, "logistic_regression": None, "mlp_mnist": 12}


@pytest.mark.parametrize("id", RUNS)
def test_a_network_learns_without_torch(id: str, tmp_path: Path) -> None:
    chapter = spec.get(id)
    dataset = data.load(chapter)
    model = scratch.build(id)
    before = evaluate(model, dataset.test, chapter.train.loss, chapter.data.task)
    folder = RunFolder.create(tmp_path / "run", {"chapter": id})
    history = fit(chapter, model, dataset, epochs=RUNS[id], folder=folder, progress=False)
    after = evaluate(model, dataset.test, chapter.train.loss, chapter.data.task)

    assert np.isfinite(history.step_losses).all()
    assert len(history.rows) == (RUNS[id] or chapter.train.epochs)
    assert after["loss"] < before["loss"]
    assert after[chapter.expected.metric] >= chapter.expected.low
    assert folder.metrics_csv.exists()


def test_trained_weights_come_back_from_their_file(tmp_path: Path) -> None:
    chapter = spec.get("mlp_mnist", "tiny")
    dataset = data.load(chapter)
    model = scratch.build("mlp_mnist", "tiny")
    fit(chapter, model, dataset, epochs=1, progress=False)
    weights.save(tmp_path / "model.safetensors", model.state_dict())

    state, _ = weights.load(tmp_path / "model.safetensors")
    fresh = scratch.build("mlp_mnist", "tiny", seed=9)
    fresh.load_state_dict(state)
    x = dataset.test.x[:5]
    assert np.array_equal(fresh.eval()(x), model.eval()(x))
    assert np.any(fresh(x) != scratch.build("mlp_mnist", "tiny")(x))
