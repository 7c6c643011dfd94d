"""The first neuron of the book, and how its losses measure what a guess is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

COLOUR_WEIGHTS = (0.92, 0.2, 0.03)
"""How warm red, green and blue are (the book, 1.2)."""


def warmth(colours: Array, threshold: float = 0.5) -> Array:
    """Return how far colours lie above a threshold of warmth, 0.92 r + 0.2 g + 0.03 b.

    Args:
        colours: (N, 3) of red, green and blue in 0 ... 1.
        threshold: what a neuron subtracts; the book calls the negative threshold a bias.

    Returns:
        (N,): the input of the neuron's activation.

    >>> warmth(np.eye(3)).round(2).tolist()
    [0.42, -0.3, -0.47]
    """
    return colours @ np.array(COLOUR_WEIGHTS) - threshold


def step(z: Array) -> Array:
    """Return 1 above 0 and 0 elsewhere: warm or cold, with nothing between."""
    return (z > 0).astype(np.float64)


def sigmoid(z: Array, steepness: float = 1.0) -> Array:
    """Return 1 / (1 + exp(-steepness z)), the step made smooth, so that it has a slope."""
    return np.exp(-np.logaddexp(0, -steepness * np.asarray(z)))


def information(p: Array) -> Array:
    """Return -ln p, the surprise at an event of probability p.

    >>> information(np.array([0.7, 0.2, 0.1])).round(2).tolist()
    [0.36, 1.61, 2.3]
    """
    return -np.log(p)


def entropy(p: Array) -> float:
    """Return the expected surprise, -sum p ln p; an impossible event adds nothing."""
    return cross_entropy(p, p)


def cross_entropy(p: Array, q: Array) -> float:
    """Return -sum p ln q: the expected surprise of whoever takes q for the truth p.

    >>> truth = np.array([0.0, 1.0, 0.0])
    >>> round(cross_entropy(truth, np.array([0.2, 0.3, 0.5])), 2)  # -ln 0.3
    1.2
    >>> round(cross_entropy(truth, np.array([0.2, 0.6, 0.2])), 2)  # -ln 0.6
    0.51
    """
    p, q = np.asarray(p), np.asarray(q)
    possible = p > 0
    return float(-(p[possible] * np.log(q[possible])).sum())


def divergence(p: Array, q: Array) -> float:
    """Return Kullback and Leibler's sum p ln(p / q), which is cross-entropy minus entropy."""
    p, q = np.asarray(p), np.asarray(q)
    possible = p > 0
    return float((p[possible] * np.log(p[possible] / q[possible])).sum())


def half_mse(w: Array, b: Array, x: Array, y: Array) -> Array:
    """Return 1 / (2 m) sum (w x_i + b - y_i)^2 for every pair of w and b.

    Args:
        w: any shape.
        b: the same shape.
        x: (m,).
        y: (m,).

    Returns:
        The shape of w.
    """
    residual = np.multiply.outer(w, x) + np.asarray(b)[..., None] - y
    return (residual**2).mean(-1) / 2
