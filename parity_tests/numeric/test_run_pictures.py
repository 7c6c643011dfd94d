"""Which pictures a run gets, what they are given, and the decision lines beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scratch
from parity_tests.harness import bounds
from scratch import spec
from scratch.data import load
from scratch.data.normalise import NORMALISATIONS
from scratch.run import pictures
from scratch.train import predict


def trained(scripts: Any, out: Path, id: str, **words: Any) -> tuple[Any, dict[str, Any], set[str]]:
    """Return the result of a short NumPy run, its results.json and the names of its pictures."""
    module = scripts("_training")
    result = module.train(module.Settings(id, twin="scratch", epochs=2, **words), out)
    written = json.loads((out / module.RESULTS).read_text("utf-8"))
    return result, written, {path.name for path in result.plots}


def test_a_run_writes_and_prints_its_lines(scripts: Any, tmp_path: Path) -> None:
    result, written, _ = trained(scripts, tmp_path / "run", "softmax_regression")
    names = [line["between"] for line in written["lines"]]
    assert names == [["Wei", "Shu"], ["Wei", "Wu"], ["Shu", "Wu"]]
    said = scripts("train").summary(result, judged=False)
    first = written["lines"][0]
    slope, intercept = first["slope"], first["intercept"]
    sign = "-" if intercept < 0 else "+"
    place = f"x2 = {slope:.4g} x1 {sign} {abs(intercept):.4g}"
    assert f"  line Wei | Shu in raw units: {place}\n" in said


def test_a_vertical_line_is_written_with_its_place(scripts: Any) -> None:
    chapter = spec.get("logic_and")
    state = {"linear.weight": np.array([[2.0, 0.0]]), "linear.bias": np.array([-1.0])}
    lines = scripts("_training")._lines(chapter, load(chapter), state)
    assert lines == [{"between": ["0", "1"], "slope": None, "intercept": None, "x1": 0.5}]


PICTURES = {
    "house_price": {"fit.png", "loss.png"},
    "logic_not": {"probability.png", "confusion.png", "loss.png"},
    "mlp_xor": {"space.png", "boundary.png", "confusion.png", "loss.png"},
}


@pytest.mark.parametrize("id", PICTURES)
def test_other_chapters_have_their_pictures_and_no_lines(
    scripts: Any, tmp_path: Path, id: str
) -> None:
    _, written, plots = trained(scripts, tmp_path / "run", id)
    assert plots == PICTURES[id]
    assert "lines" not in written


def test_labels_of_a_hyperbolic_tangent_become_class_numbers(
    scripts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def boundary(path: Path, x: Any, truth: Any, *rest: Any) -> None:
        seen["boundary"] = truth

    def confusion(path: Path, truth: Any, guess: Any, *rest: Any) -> None:
        seen["truth"], seen["guess"] = truth, guess

    monkeypatch.setattr(pictures, "decision_boundary", boundary)
    monkeypatch.setattr(pictures, "confusion_matrix", confusion)
    result, written, _ = trained(scripts, tmp_path / "run", "tanh_classifier")
    y = result.dataset.test.y[:, 0]
    assert set(y) == {-1, 1}
    assert np.array_equal(seen["truth"], (1 + y) / 2)
    assert np.array_equal(seen["boundary"], seen["truth"])
    assert (seen["truth"] == seen["guess"]).mean() == written["test"]["scratch"]["accuracy"]


def test_axes_say_how_a_quantity_is_normalised(scripts: Any) -> None:
    plots = scripts("_plots")
    assert set(plots._SCALED) == set(NORMALISATIONS)
    chapter = spec.get("house_price")
    dataset = load(chapter)
    assert plots._feature_labels(dataset)[1] == "area (m2), scaled to 0 ... 1"
    assert plots._target_label(chapter, dataset) == "price (10,000 yuan), scaled to 0 ... 1"


def test_the_hidden_layer_is_the_networks_own(scripts: Any) -> None:
    chapter = spec.get("mlp_xor")
    model = scratch.build("mlp_xor", seed=3)
    state, x = model.state_dict(), load(chapter).test.x
    hidden = predict(scripts("_plots")._hidden_layer(chapter, state), x)
    logits = hidden @ state["layers.fc2.weight"].T + state["layers.fc2.bias"]
    gap = np.abs(logits - predict(model, x)).max()
    assert gap <= bounds.whole(logits, "float32")
    assert (
        scripts("_plots")._hidden_layer(spec.get("mlp_coin"), {"layers.fc1.bias": [0] * 8}) is None
    )
