"""Scores of tasks, by hand, and of networks that have diverged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scratch.run.metrics import score


def test_scores_by_hand():
    logits = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 5.0], [0.0, 3.0, 1.0], [1.0, 0.0, 0.0]])
    assert score("multiclass", logits, np.array([0, 2, 0, 0])) == {"accuracy": 0.75}
    binary = np.array([[-1.0], [0.5], [0.0], [3.0]])
    assert score("binary", binary, np.array([[0.0], [1.0], [1.0], [1.0]])) == {"accuracy": 0.75}
    several = np.array([[-1.0, 0.5], [2.0, -3.0]])
    assert score("binary", several, np.array([[0.0, 1.0], [1.0, 1.0]])) == {"accuracy": 0.75}
    outputs, targets = np.array([[1.0], [2.0], [6.0]]), np.array([[1.0], [3.0], [5.0]])
    assert score("regression", outputs, targets) == {"r2": 0.75}


def test_scores_of_a_diverged_network_and_of_bad_input():
    assert math.isnan(score("regression", np.array([[np.nan], [1]]), np.ones((2, 1)))["r2"])
    assert math.isnan(score("multiclass", np.full((2, 3), np.inf), np.zeros(2, int))["accuracy"])
    assert math.isnan(score("regression", np.ones((1, 1)), np.ones((1, 1)))["r2"])
    with pytest.raises(ValueError, match="got 2 for 3"):
        score("regression", np.ones((2, 1)), np.ones((3, 1)))
    with pytest.raises(ValueError, match="got 0 for 0"):
        score("regression", np.ones((0, 1)), np.ones((0, 1)))
    with pytest.raises(ValueError, match="unknown task"):
        score("ranking", np.ones((2, 1)), np.ones((2, 1)))
