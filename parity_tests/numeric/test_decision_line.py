"""Decision lines are where a linear classifier cannot decide, in raw units too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import scratch
from parity_tests.harness import bounds
from scratch import spec
from scratch.data import load
from scratch.data.normalise import NORMALISATIONS, affine, forward
from scratch.data.preprocess import fit as fit_record
from scratch.data.streams import stream
from scratch.decision_line import Line, decision_lines
from scratch.spec.errors import UserError
from scratch.train import fit

NAMES = ["km", "rooms"]
RAW = stream(0, "decision line").uniform(0.5, 40, (31, 2)) * np.array([1e-3, 50.0])
RECORDS = {kind: fit_record(kind, RAW, NAMES) for kind in NORMALISATIONS}
AFFINE = [kind for kind, record in RECORDS.items() if affine(record) is not None]

# A dozen rounded steps lead from weights to a line and from its points back to a logit.
STEPS = 16


def weights(classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = stream(classes, "decision line's weights")
    return generator.normal(size=(classes, 2)), generator.normal(size=classes)


def residual(line: Line, w: np.ndarray, b: np.ndarray, record: dict[str, Any]) -> Any:
    """Return |z| on the line, and what rounding may make of 0 there, both (N,).

    z is the logit, or the difference of the two; N points lie over the span of x1 in raw units.
    """
    assert line.slope is not None
    assert line.intercept is not None
    x1 = np.linspace(RAW[:, 0].min(), RAW[:, 0].max(), 17)
    points = np.stack([x1, line.slope * x1 + line.intercept], axis=1)
    signs = np.array([1.0]) if len(b) == 1 else np.array([1.0, -1.0])
    chosen = [0] if len(b) == 1 else list(line.between)
    z = (forward(record, points, NAMES) @ w[chosen].T + b[chosen]) @ signs
    offset, scale = affine(record)
    sizes = np.abs(points) + np.abs(offset)
    sizes[:, 1] += np.abs(line.slope * x1) + abs(line.intercept)
    magnitude = (sizes / scale) @ np.abs(w[chosen]).sum(axis=0) + np.abs(b[chosen]).sum()
    return np.abs(z), bounds.tolerance(STEPS * magnitude, "float64")


@pytest.mark.parametrize("classes", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", AFFINE)
def test_the_logits_agree_on_a_line_in_raw_units(kind: str, classes: int) -> None:
    w, b = weights(classes)
    lines = decision_lines(w, b, RECORDS[kind])
    assert len(lines) == max(1, math.comb(classes, 2))
    for line in lines:
        z, limit = residual(line, w, b, RECORDS[kind])
        assert (z <= limit).all()
        moved = line._replace(slope=line.slope * (1 + 1e-6))
        z, limit = residual(moved, w, b, RECORDS[kind])
        assert (z > limit).any(), "the bound sees a slope that is off by a millionth"


def test_without_a_record_the_line_is_in_the_units_of_the_weights() -> None:
    w, b = weights(3)
    assert decision_lines(w, b) == decision_lines(w, b, RECORDS["none"])


def test_pairs_come_in_order_and_those_without_a_line_are_left_out() -> None:
    w, b = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0, 4.0])
    assert [line.between for line in decision_lines(w, b)] == [(0, 2), (1, 2)]
    assert decision_lines(np.zeros((1, 2)), np.ones(1)) == []


@pytest.mark.parametrize("w2", [0.0, 1e-320])
def test_a_vertical_line_has_a_place_and_no_slope(w2: float) -> None:
    assert decision_lines(np.array([[2.0, w2]]), np.array([-3.0])) == [
        Line((0, 1), None, None, x1=1.5)
    ]


def test_a_constant_column_makes_a_vertical_line() -> None:
    record = fit_record("min-max", np.array([[1.0, 7.0], [3.0, 7.0]]), NAMES)
    (line,) = decision_lines(np.array([[2.0, 5.0]]), np.array([-1.0]), record)
    assert line == Line((0, 1), None, None, x1=2.0)


@pytest.mark.parametrize("kind", ["log", "arctan"])
def test_a_curved_border_is_refused(kind: str) -> None:
    with pytest.raises(UserError, match=f'"{kind}" is not linear'):
        decision_lines(*weights(1), RECORDS[kind])


@pytest.mark.parametrize(
    ("w", "b", "reason"),
    [
        (np.ones((1, 3)), np.ones(1), r"got \(1, 3\) and \(1,\)"),
        (np.ones((3, 2)), np.ones(1), r"got \(3, 2\) and \(1,\)"),
        (np.array([[1.0, np.nan]]), np.ones(1), "finite"),
    ],
)
def test_other_shapes_and_numbers_are_refused(w: np.ndarray, b: np.ndarray, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decision_lines(w, b)


@pytest.mark.parametrize("id", ["logistic_regression", "tanh_classifier"])
def test_a_trained_line_is_near_the_one_that_parts_the_cities(id: str) -> None:
    chapter = spec.get(id)
    dataset, model = load(chapter), scratch.build(id)
    fit(chapter, model, dataset)
    state = model.state_dict()
    (line,) = decision_lines(state["linear.weight"], state["linear.bias"], dataset.preprocessing)
    assert line.slope is not None
    assert line.intercept is not None
    assert abs(line.slope - 2) < 0.35  # 5 seeds: 1.94 to 2.31
    assert abs(line.intercept + 0.5) < 0.2  # 5 seeds: -0.66 to -0.48
