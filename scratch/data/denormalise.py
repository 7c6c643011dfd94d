"""Weights and bias of a linear network in raw units, as if nothing had been normalised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scratch.data.normalise import affine
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]


def denormalise_linear(
    weights: Array, bias: Array, record: Mapping[str, Any]
) -> tuple[Array, Array]:
    """Return the weights and bias that take raw features and give the raw target.

    The network was trained on features (x - o) / s and, if the record says so, on a target
    (y - p) / t. From (y - p) / t = w (x - o) / s + b follows y = (t w / s) x + p + t (b - w o / s);
    a column with s = 0 was always 0 and gets the weight 0 (book, section 5.4).

    Args:
        weights: (outputs, F), as `Linear` holds them.
        bias: (outputs,).
        record: the preprocessing, see `scratch.data.preprocess`.

    Returns:
        Weights (outputs, F) and bias (outputs,), float64.

    Raises:
        UserError: features or target are normalised by "log" or "arctan", which no weights undo,
            or the weights do not fit the record.

    >>> record = {"kind": "min-max", "shape": [1], "low": [10.0], "high": [30.0]}
    >>> denormalise_linear(np.array([[4.0]]), np.array([1.0]), record)
    (array([[0.2]]), array([-1.]))
    """
    weights, bias = np.asarray(weights, np.float64), np.asarray(bias, np.float64)
    columns = record["shape"][0]
    if record["kind"] == "image" or weights.shape != (len(bias), columns):
        raise UserError(
            f"expects weights (outputs, {columns}) and bias (outputs,); "
            f"got {weights.shape} and {bias.shape}"
        )
    offset, scale = _linear(record)
    target_offset, target_scale = _linear(record.get("target", {"kind": "none"}))
    per_unit = weights * (scale != 0) / np.where(scale == 0, 1.0, scale)
    raw_bias = target_offset + target_scale * (bias - (per_unit * offset).sum(axis=1))
    return target_scale * per_unit, raw_bias


def _linear(numbers: Mapping[str, Any]) -> tuple[Array, Array]:
    pair = affine(numbers)
    if pair is None:
        raise UserError(
            f'"{numbers["kind"]}" is not linear: no weights in raw units give the same network; '
            "normalise what it is asked instead"
        )
    return pair
