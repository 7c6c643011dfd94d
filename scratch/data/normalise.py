"""The seven normalisations of the book (section 5.3), each fitted on training samples, and back.

x and y are tables (N, F); every column has numbers of its own.

- "min-max": (x - low) / (high - low)
- "mean": (x - mean) / (high - low)
- "z-score": (x - mean) / deviation, the deviation being the square root of the mean square
- "centre": x - mean
- "ratio": x / sum, for values that are not negative
- "log": ln x, for positive values
- "arctan": (2 / pi) arctan x
- "none": x

What is fitted is a dictionary of plain numbers, `{"kind": "z-score", "mean": [...], "deviation":
[...]}`. A column in which all training samples are equal cannot be scaled: "min-max", "mean" and
"z-score" turn it into 0, and back into the value that it had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scratch.spec.errors import UserError, unknown
from scratch.spec.schema import NORMALISATIONS

Array = np.ndarray[Any, np.dtype[Any]]


_FITTED_BY = {
    "min-max": ("low", "high"),
    "mean": ("mean", "low", "high"),
    "z-score": ("mean", "deviation"),
    "centre": ("mean",),
    "ratio": ("sum",),
}
_FITTED = {key for keys in _FITTED_BY.values() for key in keys}


def fit(kind: str, x: Array, names: Sequence[str]) -> dict[str, Any]:
    """Return the numbers of a normalisation, from the training samples.

    Args:
        kind: one of NORMALISATIONS.
        x: (N, F), N at least 1.
        names: of the columns, for messages.

    Raises:
        UserError: an unknown kind, no samples, a value that is not finite or that the kind cannot
            take.

    >>> fit("min-max", np.array([[1.0, 7.0], [3.0, 7.0]]), ["km", "rooms"])
    {'kind': 'min-max', 'low': [1.0, 7.0], 'high': [3.0, 7.0]}
    """
    if kind not in NORMALISATIONS:
        raise unknown("normalisation", kind, NORMALISATIONS)
    if not len(x):
        raise UserError("no training samples to fit a normalisation on")
    x = np.asarray(x, np.float64)
    check_finite(x, names)
    _check_domain(kind, x, names)
    if kind == "ratio":
        _refuse(x < 0, x, names, '"ratio" takes no negative values')
    numbers = _numbers(kind, x)
    with np.errstate(over="ignore"):
        span = x.max(axis=0) - x.min(axis=0)
    if kind in _FITTED_BY and not np.isfinite([span, *numbers.values()]).all():
        raise UserError(f'the values are too large for the normalisation "{kind}"; use other units')
    return {"kind": kind, **numbers}


def _numbers(kind: str, x: Array) -> dict[str, list[float]]:
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = x.min(axis=0), x.max(axis=0)
        span = high - low
        # Of shares of the span: a sum or square of the values themselves may leave float64's range.
        share = (x - low) / np.where(span == 0, 1.0, span)
        found = {
            "mean": low + span * share.mean(axis=0),
            "deviation": span * share.std(axis=0),
            "sum": x.sum(axis=0),
            "low": low,
            "high": high,
        }
    return {key: found[key].tolist() for key in _FITTED_BY.get(kind, ())}


def affine(numbers: Mapping[str, Any]) -> tuple[Array, Array] | None:
    """Return offset and scale, (F,) or () each, of y = (x - offset) / scale.

    Returns:
        None for "log" and "arctan", which are not of this form. A scale of 0 belongs to a column
        that is always 0.
    """
    part = {key: np.asarray(value, np.float64) for key, value in numbers.items() if key in _FITTED}
    zero, one = np.zeros(()), np.ones(())
    kind = numbers["kind"]
    if kind == "none":
        return zero, one
    if kind == "min-max":
        return part["low"], part["high"] - part["low"]
    if kind == "mean":
        return part["mean"], part["high"] - part["low"]
    if kind == "z-score":
        return part["mean"], part["deviation"]
    if kind == "centre":
        return part["mean"], one
    if kind == "ratio":
        return zero, part["sum"]
    if kind in ("log", "arctan"):
        return None
    raise unknown("normalisation", str(kind), NORMALISATIONS)


def forward(numbers: Mapping[str, Any], x: Array, names: Sequence[str]) -> Array:
    """Normalise x (N, F) in float64.

    Raises:
        UserError: a value that is not finite, or for "log" one that is not positive.

    >>> forward({"kind": "min-max", "low": [1.0], "high": [3.0]}, np.array([[2.5]]), ["km"])
    array([[0.75]])
    """
    x = np.asarray(x, np.float64)
    check_finite(x, names)
    _check_domain(numbers["kind"], x, names)
    pair = affine(numbers)
    if pair is not None:
        offset, scale = pair
        return np.asarray((x - offset) * (scale != 0) / np.where(scale == 0, 1.0, scale))
    return np.asarray(np.log(x) if numbers["kind"] == "log" else 2 / np.pi * np.arctan(x))


def inverse(numbers: Mapping[str, Any], y: Array) -> Array:
    """Turn normalised values (N, F) back, in float64.

    Where nothing has this normalised value (outside of -1 ... 1 for "arctan", beyond the range of
    float64 for "log"), the result is an infinity.

    >>> inverse({"kind": "min-max", "low": [1.0], "high": [3.0]}, np.array([[0.75]]))
    array([[2.5]])
    """
    y = np.asarray(y, np.float64)
    pair = affine(numbers)
    if pair is not None:
        offset, scale = pair
        return np.asarray(offset + scale * y)
    if numbers["kind"] == "log":
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(y))
    inside = np.abs(y) < 1
    return np.where(inside, np.tan(np.pi / 2 * np.where(inside, y, 0.0)), np.copysign(np.inf, y))


def check_finite(x: Array, names: Sequence[str]) -> None:
    """Refuse NaN and infinity in a table (N, F).

    Raises:
        UserError: names the first row and column, both counted from 1.
    """
    _refuse(~np.isfinite(x), x, names, "fill in or remove the row")


def _check_domain(kind: str, x: Array, names: Sequence[str]) -> None:
    if kind == "log":
        _refuse(x <= 0, x, names, '"log" takes positive values only')


def _refuse(bad: Array, x: Array, names: Sequence[str], reason: str) -> None:
    places = np.argwhere(bad)
    if len(places):
        row, column = places[0]
        raise UserError(
            f"row {row + 1}, column {column + 1} ({names[column]}) is {x[row, column]}; {reason}"
        )
