"""Decision lines of a linear classifier with two features (chapters 6 and 7 of the book)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from scratch.data.denormalise import denormalise_linear

Array = np.ndarray[Any, np.dtype[Any]]


class Line(NamedTuple):
    """The points at which two classes are equally probable.

    Attributes:
        between: numbers of the two classes.
        slope: of x2 = slope x1 + intercept; None for a vertical line.
        intercept: in the unit of x2; None for a vertical line.
        x1: where a vertical line stands, in the unit of x1; None for any other line.
    """

    between: tuple[int, int]
    slope: float | None
    intercept: float | None
    x1: float | None = None


def decision_lines(
    weights: Array, bias: Array, record: Mapping[str, Any] | None = None
) -> list[Line]:
    """Return the lines on which a linear classifier cannot decide.

    One logit z = w1 x1 + w2 x2 + b is 0 on x2 = -(w1 / w2) x1 - b / w2: there sigmoid and
    hyperbolic tangent change sides. Of K logits, each pair i < j is equal where their difference
    is 0, which is such a line with the weights w_i - w_j and the bias b_i - b_j. It is a border of
    regions only where no third logit is larger.

    With w2 = 0 (or so small that a number leaves float64's range) the line is the vertical
    x1 = -b / w1. With w1 = 0 as well nothing depends on x, and there is no line.

    Args:
        weights: (K, 2), as `Linear` holds them; K = 1 for two classes.
        bias: (K,).
        record: how the features were normalised, see `scratch.data.preprocess`. The lines are then
            in raw units; None leaves them in the units of the weights.

    Returns:
        One line for K = 1, else one per pair in the order (0, 1), (0, 2), ..., (1, 2), ...; pairs
        without a line are left out.

    Raises:
        UserError: "log" or "arctan" features, in whose raw units the border is no line, or a record
            of another number of features.
        ValueError: other shapes, or a number that is not finite.

    >>> decision_lines(np.array([[4.0, -2.0]]), np.array([1.0]))
    [Line(between=(0, 1), slope=2.0, intercept=0.5, x1=None)]
    >>> record = {"kind": "min-max", "shape": [2], "low": [0.0, 10.0], "high": [2.0, 20.0]}
    >>> decision_lines(np.array([[4.0, -2.0]]), np.array([1.0]), record)
    [Line(between=(0, 1), slope=10.0, intercept=15.0, x1=None)]
    >>> decision_lines(np.array([[3.0, 1.0], [1.0, 1.0]]), np.array([0.0, 8.0]))
    [Line(between=(0, 1), slope=None, intercept=None, x1=4.0)]
    """
    weights, bias = np.asarray(weights, np.float64), np.asarray(bias, np.float64)
    if weights.ndim != 2 or weights.shape[1] != 2 or bias.shape != weights.shape[:1]:
        raise ValueError(
            f"expects weights (K, 2) and bias (K,); got {weights.shape} and {bias.shape}"
        )
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise ValueError("weights and bias are finite numbers")
    pairs = [(0, 1)]
    if len(bias) > 1:
        pairs = list(itertools.combinations(range(len(bias)), 2))
        first, second = np.array(pairs).T
        weights, bias = weights[first] - weights[second], bias[first] - bias[second]
    if record is not None:
        weights, bias = denormalise_linear(weights, bias, record)
    lines = [
        _line(pair, float(w1), float(w2), float(b))
        for pair, (w1, w2), b in zip(pairs, weights, bias, strict=True)
    ]
    return [line for line in lines if line is not None]


def _line(between: tuple[int, int], w1: float, w2: float, b: float) -> Line | None:
    if w2 != 0:
        slope, intercept = 0.0 - w1 / w2, 0.0 - b / w2  # no -0.0
        if math.isfinite(slope) and math.isfinite(intercept):
            return Line(between, slope, intercept)
    if w1 != 0 and math.isfinite(x1 := 0.0 - b / w1):
        return Line(between, None, None, x1)
    return None
