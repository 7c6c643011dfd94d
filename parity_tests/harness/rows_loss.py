"""The rows of losses: a value that sums terms, and a gradient that is elementwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from parity_tests.harness import bounds
from parity_tests.harness.run import Result

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]


def _reduce(module: Any, terms: Array) -> Array:
    """Units of the reduced value; `terms` are magnitudes, one per summed term."""
    reduction = getattr(module, "reduction", "half")
    if reduction == "none":
        return bounds.TRANSCENDENTAL * np.abs(terms)
    samples = math.prod(terms.shape[:1])
    divisor = {"mean": terms.size, "sum": 1, "half": 2 * samples}[reduction]
    return np.asarray(bounds.mean_loss(terms, terms.size, divisor))


def _scale(module: Any, inputs: tuple[Array, ...], d_output: Array) -> Array:
    """What multiplies the elementwise gradient."""
    reduction = getattr(module, "reduction", "half")
    samples = math.prod(inputs[0].shape[:1])
    divisor = {"mean": inputs[0].size, "half": 2 * samples}.get(reduction, 1)
    return np.abs(d_output) / divisor


def squared(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    """(x - t)^2: the difference carries one unit of itself; nothing cancels behind it."""
    x, t = inputs
    dx = 2 * np.abs(x - t) * _scale(module, inputs, d_output) * bounds.SMALL_CHAIN
    return {"output": _reduce(module, (x - t) ** 2), "dx": dx}


def bce(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    """max(x, 0) - x t + log(1 + exp(-|x|)), and sigmoid(x) - t."""
    x, t = inputs
    weight = 1.0 if module.weight is None else np.abs(module.weight.numpy())
    positive = 1.0 if module.pos_weight is None else np.abs(module.pos_weight.numpy())
    peak = np.maximum(positive, 1.0)
    softplus = np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x)))
    terms = weight * (np.abs(x) * (1 + t) + softplus * (1 + (peak - 1) * t)) * peak
    y = np.exp(-np.logaddexp(0, -x))
    dx = weight * peak * (bounds.TRANSCENDENTAL * (y + t) + bounds.SMALL_CHAIN * (1 + t))
    return {"output": _reduce(module, terms), "dx": dx * _scale(module, inputs, d_output)}


def cross_entropy(module: Any, inputs: tuple[Array, ...], d_output: Array, truth: Result) -> Units:
    """-log softmax at the class, and softmax - target, both divided by the selected weights."""
    x, target = inputs
    if x.ndim > 2:
        return _maps(module, x, target, d_output, truth)
    classes = x.shape[1]
    weight = np.ones(classes) if module.weight is None else np.abs(module.weight.numpy())
    if target.ndim == 1:
        kept = target != module.ignore_index
        one_hot = np.where(kept[:, None], np.eye(classes)[np.where(kept, target, 0)], 0.0)
    else:
        kept, one_hot = np.ones(len(x), bool), target
    smooth = module.label_smoothing
    mixed = (1 - smooth) * one_hot + smooth / classes * kept[:, None]
    selected = (mixed * weight).sum(1)
    terms = bounds.cross_entropy_term(x) * selected
    y = np.exp(x - x.max(1, keepdims=True))
    y /= y.sum(1, keepdims=True)
    dx = bounds.softmax_output(x, y, 1) * selected[:, None]
    dx += bounds.SMALL_CHAIN * (mixed * weight + y * selected[:, None])
    if module.reduction == "none":
        units = (bounds.TRANSCENDENTAL + bounds.c(classes)) * terms
        return {"output": units, "dx": dx * np.abs(d_output)[:, None]}
    total = 1.0
    if module.reduction == "mean":
        indices = target.ndim == 1
        total = (one_hot * weight).sum() if indices else float(len(x))
    value = bounds.mean_loss(terms, terms.size, total) * (1 + bounds.c(classes))
    return {"output": np.asarray(value), "dx": dx * np.abs(d_output) / total}


def _maps(module: Any, x: Array, target: Array, d_output: Array, truth: Result) -> Units:
    """Every place of every sample is a row of its own."""
    classes, places = x.shape[1], (x.shape[0], *x.shape[2:])
    flat, *soft = (
        np.moveaxis(value, 1, -1).reshape(-1, classes)
        for value in ((x, target) if target.ndim == x.ndim else (x,))
    )
    alone = module.reduction == "none"
    labels = soft[0] if soft else target.reshape(-1)
    units = cross_entropy(
        module, (flat, labels), d_output.reshape(-1) if alone else d_output, truth
    )
    dx = np.moveaxis(units["dx"].reshape(*places, classes), -1, 1)
    return {"output": units["output"].reshape(places) if alone else units["output"], "dx": dx}


def tanh_cross_entropy(module: Any, inputs: tuple[Array, ...], d_output: Array, _: Result) -> Units:
    """2 log(1 + exp(-2 |x|)) + 2 (|x| - t x), and 2 (tanh x - t), over the samples."""
    x, t = inputs
    y = np.tanh(x)
    a = np.abs(y)
    terms = 2 * np.log1p(np.exp(-2 * np.abs(x))) + 2 * (np.abs(x) + np.abs(t * x))
    dx = 2 * (bounds.TRANSCENDENTAL * a + bounds.SMALL_CHAIN * (a + np.abs(t) + 1 - t * y))
    return {
        "output": np.asarray(bounds.mean_loss(terms, terms.size, len(x))),
        "dx": dx * np.abs(d_output) / len(x),
    }


ROWS = {
    "TanhCrossEntropyLoss": tanh_cross_entropy,
    "MSELoss": squared,
    "HalfMSELoss": squared,
    "BCEWithLogitsLoss": bce,
    "CrossEntropyLoss": cross_entropy,
}
