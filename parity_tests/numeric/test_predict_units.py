"""What a bundle's record says is repeated on the way in and undone on the way out."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from scratch.data.normalise import NORMALISATIONS
from scratch.data.preprocess import apply, apply_target, fit, fit_target
from scratch.data.streams import stream
from scratch.deploy import inputs
from scratch.deploy.predict import Predictor
from scratch.spec.errors import UserError

NAMES = ("distance", "area")
U32 = 2.0**-24


class Echo(Predictor):
    """A predictor whose network returns what it is given, without an ONNX file."""

    def __init__(self, task: str, record: dict, classes: tuple[str, ...] = ()) -> None:
        self.bundle = SimpleNamespace(task=task, preprocessing=record, classes=classes)

    def outputs(self, x: np.ndarray) -> np.ndarray:
        return x


def samples() -> tuple[np.ndarray, np.ndarray]:
    generator = stream(0, "units")
    return generator.uniform(1, 9, (20, 2)), generator.uniform(2, 7, (20, 1))


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_numbers_are_normalised_and_predictions_given_back_in_their_unit(kind):
    x, y = samples()
    record = {**fit(kind, x, NAMES), "target": fit_target(kind, y)}
    record |= {"shape": [2], "names": list(NAMES)}
    text = ",".join(repr(value) for value in x[3].tolist())
    assert np.array_equal(inputs.read(text, record), apply(record, x[3:4]))
    said = apply_target(record, y).astype(np.float32)
    values = [found.values[0] for found in Echo("regression", record).predict(said)]
    # Rounding the prediction to float32 moves it by half a unit; the inverse stretches that by at
    # most its steepest slope within the target's range.
    slope = np.pi / 2 * (1 + y**2) if kind == "arctan" else y if kind == "log" else None
    if slope is None:
        part = record["target"]
        slope = {
            "min-max": lambda: part["high"] - part["low"],
            "mean": lambda: part["high"] - part["low"],
            "z-score": lambda: part["deviation"],
            "ratio": lambda: part["sum"],
        }.get(kind, lambda: 1.0)()
    bound = 1.01 * U32 * np.abs(said) * slope + 64 * 2.0**-53 * y
    assert (np.abs(np.array(values)[:, None] - y) <= bound).all()


def test_predictions_that_are_no_target_are_refused():
    x, y = samples()
    record = {**fit("none", x, NAMES), "target": fit_target("arctan", y)}
    said = np.array([[0.5], [1.5]], np.float32)
    with pytest.raises(UserError, match=r'sample 2: the network says 1.5, which is no "arctan"'):
        Echo("regression", record).predict(said)
    assert len(Echo("regression", record).predict(said[:1])) == 1


def test_a_hyperbolic_tangent_has_its_own_probability():
    record = {"kind": "none", "labels": [-1.0, 1.0]}
    (found,) = Echo("binary", record, ("no", "yes")).predict(np.array([[0.3]], np.float32))
    exact = (1 + np.tanh(np.float64(np.float32(0.3)))) / 2
    assert abs(found.probabilities["yes"] - exact) <= 8 * U32
    assert found.label == "yes"


def test_several_answers_are_one_word_with_one_probability():
    said = np.array([[0.0, 0.0], [-1e4, 1e4]], np.float32)
    found = Echo("binary", {"kind": "none"}, ("0", "1")).predict(said)
    assert [dict(one.probabilities) for one in found] == [{"0 0": 0.25}, {"0 1": 1.0}]
    assert [one.label for one in found] == ["0 0", "0 1"]


def test_a_sequence_is_read_step_after_step(tmp_path):
    steps = np.array([[[1.0, 20.0], [3.0, 40.0], [5.0, 60.0]], [[3.0, 40.0], [5.0, 80.0], [9, 60]]])
    record = fit("min-max", steps, ["a1", "b1", "a2", "b2", "a3", "b3"])
    assert record["shape"] == [3, 2]
    x = apply(record, steps)
    assert x.tolist() == [[[0, 0], [0, 0], [0, 0]], [[1, 1], [1, 1], [1, 0]]]
    assert np.array_equal(inputs.read("3,40,5,80,9,60", record), x[1:])
    for name, raw, expected in (
        ("all", steps, x),
        ("one", steps[1], x[1:]),
        ("rows", steps.reshape(2, 6), x),
    ):
        np.save(tmp_path / f"{name}.npy", raw)
        assert np.array_equal(inputs.read(str(tmp_path / f"{name}.npy"), record), expected)
    for wrong in ((2, 2), (1, 2, 3), (1, 5)):
        with pytest.raises(UserError, match=r"expects \(N, 6\)"):
            apply(record, np.ones(wrong))


def test_every_one_of_several_numbers_is_predicted(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts"))
    script = importlib.import_module("predict")
    said = np.array([[0.25, -2.0], [0.5, 8.0]], np.float32)
    found = Echo("regression", {"kind": "none"}).predict(said)
    assert [prediction.values for prediction in found] == [(0.25, -2.0), (0.5, 8.0)]
    named = list(zip(("a", "b"), found, strict=True))
    rows = json.loads(script._json(named, "grey"))
    assert [row["value"] for row in rows] == said.tolist()
    header, _, first, second = script._table(named, "grey").splitlines()
    assert header.split() == ["input", "grey", "1", "grey", "2"]
    assert [first.split(), second.split()] == [["a", "0.25", "-2"], ["b", "0.5", "8"]]
    one = [("a", Echo("regression", {"kind": "none"}).predict(said[:1, :1])[0])]
    assert json.loads(script._json(one, "grey"))[0]["value"] == 0.25
    assert script._table(one, "grey").splitlines()[0].split() == ["input", "grey"]
