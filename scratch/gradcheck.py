"""Is a backward right? Three ways to ask the forward.

A module is reduced to the number L = sum(d_output * forward(x)), whose derivatives are what
backward returns for that d_output. Every way compares (analytic, numeric) pairs per tensor:

- `complex_step` moves one entry by i h. Since L(x + ih) = L(x) + i h L'(x) + O(h^2), the imaginary
  part divided by h is the derivative to the last bit: no difference of two nearby numbers is taken,
  so h may be 1e-30 (Squire and Trapp, "Using complex variables to estimate derivatives of real
  functions", SIAM Review 40, 1998).
- `directional` moves all entries of a tensor at once, each by its own amount: one forward checks a
  whole tensor.
- `finite_difference` moves one entry a little to both sides (the book, 12.2). It needs no complex
  arithmetic and is wrong from the eleventh digit on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.moved import STEP, Check
from scratch.nn import Module

Array = np.ndarray[Any, np.dtype[Any]]
Pairs = dict[str, tuple[Array, Array]]

DIFFERENCE_STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""6e-6, where the error of the formula, h^2 L'''/6, and of rounding, eps |L| / h, are alike."""

MORE = 4
"""How often entries are drawn again of a tensor all of whose drawn entries have no derivative."""

KINK = 1e-3
"""Slopes to the left and to the right differ by h L'' (some 1e-5) where L is smooth."""

BANDS = ((1e-7, "right"), (1e-4, "acceptable"), (1e-2, "suspect"), (np.inf, "wrong"))
"""How the book (12.2) reads `norm_ratio` of a finite difference."""


def complex_step(
    module: Module,
    inputs: tuple[Array, ...],
    d_output: Any = None,
    entries: int | None = None,
    seed: int = 0,
    reuse: bool = False,
) -> Pairs:
    """Compare backward with the complex step.

    Args:
        module: in float64; neither it nor its gradients change.
        inputs: of its forward, float64 (or integers, which have no derivative), tuples among them.
            For a loss, the output of a network and the target.
        d_output: shape of the output, tuples for several; random and signed where None.
        entries: how many entries of each tensor, drawn at random; None for all. Where rectifiers
            shut all of them out, as many again are drawn, `MORE` times at most.
        seed: of what is drawn.
        reuse: take what a layer gave at first where the moved entry does not reach it. The numbers
            are the same; of a deep network it takes a third of the time. Supposes layers that
            write to none of their inputs and remember nothing but their buffers.

    Returns:
        Analytic and numeric derivatives by name: "dx" (or "dx0", "dx1", ... if backward returns
        several, in their order, those in tuples too), then the parameters. Each is of the tensor's
        shape, or (entries,) where drawn, a multiple of it where that many were drawn again. The
        row of an Embedding that stands for padding is not moved: to learning it is a constant.
    """
    check = Check(module, inputs, d_output, seed)
    if reuse:
        check.reuse()
    pairs: Pairs = {}
    for name, gradient, tensor in check.tensors():
        places = check.places(gradient, entries)
        numeric = check.derivatives(tensor, places)
        for _ in range(MORE):
            if entries is None or numeric.any() or len(places) == gradient.size:
                break
            more = check.places(gradient, entries, places)
            places = np.concatenate([places, more])
            numeric = np.concatenate([numeric, check.derivatives(tensor, more)])
        pairs[name] = _shaped(gradient, numeric, places)
    return pairs


def directional(
    module: Module,
    inputs: tuple[Array, ...],
    d_output: Any = None,
    count: int = 4,
    seed: int = 0,
) -> Pairs:
    """Compare backward with the complex step along random directions, all entries at once.

    Args:
        module: as for `complex_step`.
        inputs: likewise.
        d_output: likewise.
        count: directions per tensor.
        seed: of what is drawn.

    Returns:
        By name, (count,) derivatives along the directions: sum(gradient * direction) and numeric.
    """
    check = Check(module, inputs, d_output, seed)
    pairs: Pairs = {}
    for name, gradient, tensor in check.tensors():
        values = tensor.copy()
        analytic, numeric = np.empty(count), np.empty(count)
        for number in range(count):
            direction = check.rng.standard_normal(tensor.shape)
            tensor[...] = values + 1j * STEP * direction * check.movable(tensor)
            numeric[number] = check.run().imag / STEP
            analytic[number] = (gradient * direction).sum()
        tensor[...] = values
        pairs[name] = analytic, numeric
    return pairs


def finite_difference(
    module: Module,
    inputs: tuple[Array, ...],
    d_output: Any = None,
    entries: int | None = None,
    seed: int = 0,
    step: float = DIFFERENCE_STEP,
) -> tuple[Pairs, dict[str, int]]:
    """Compare backward with (L(x + h) - L(x - h)) / 2h, h = step * max(1, |x|).

    A difference across a kink (ReLU at 0, two equal values under a maximum) is no derivative. Such
    entries show in slopes that differ from left to right; they are left out and counted. Expect a
    `norm_ratio` of 1e-11 to 1e-8 for a right backward.

    Args:
        module: as for `complex_step`.
        inputs: likewise.
        d_output: likewise.
        entries: likewise.
        seed: likewise.
        step: relative step.

    Returns:
        By name, the derivatives (n,) of the entries that were compared; and how many were left out
        because of a kink.
    """
    check = Check(module, inputs, d_output, seed)
    pairs: Pairs = {}
    skipped: dict[str, int] = {}
    middle = check.run().real
    for name, gradient, tensor in check.tensors():
        places = check.places(gradient, entries)
        left, right = np.zeros(len(places)), np.zeros(len(places))
        movable = check.movable(tensor)
        for number, place in enumerate(places):
            index = np.unravel_index(place, tensor.shape)
            if not movable[index]:
                continue
            value = tensor[index]
            h = step * max(1.0, float(abs(value)))
            tensor[index] = value + h
            right[number] = (check.run().real - middle) / (tensor[index] - value).real
            tensor[index] = value - h
            left[number] = (middle - check.run().real) / (value - tensor[index]).real
            tensor[index] = value
        central = (left + right) / 2
        smooth = np.abs(right - left) <= KINK * np.abs(central).max(initial=0.0)
        pairs[name] = gradient.reshape(-1)[places][smooth], central[smooth]
        skipped[name] = int((~smooth).sum())
    return pairs, skipped


def deviation(pairs: Pairs) -> dict[str, float]:
    """Return the largest |analytic - numeric| of each tensor, relative to its largest numeric one.

    A tensor without gradient, analytic and numeric, deviates by 0.
    """
    return {
        name: float(np.abs(analytic - numeric).max(initial=0.0))
        / (float(np.abs(numeric).max(initial=0.0)) or 1.0)
        for name, (analytic, numeric) in pairs.items()
    }


def norm_ratio(analytic: Array, numeric: Array) -> float:
    """Return ||analytic - numeric|| / (||analytic|| + ||numeric||), the measure of the book (12.2).

    >>> norm_ratio(np.array([3.0, 4.0]), np.array([3.0, 4.0]))
    0.0
    """
    sizes = float(np.linalg.norm(analytic) + np.linalg.norm(numeric))
    return float(np.linalg.norm(analytic - numeric)) / (sizes or 1.0)


def reading(ratio: float) -> str:
    """Return how the book reads a `norm_ratio`: right, acceptable, suspect or wrong.

    >>> reading(3e-10), reading(0.5)
    ('right', 'wrong')
    """
    return next(word for limit, word in BANDS if ratio < limit or limit == np.inf)


def _shaped(gradient: Array, numeric: Array, places: Array) -> tuple[Array, Array]:
    if len(places) == gradient.size:
        return gradient, numeric.reshape(gradient.shape)
    return gradient.reshape(-1)[places], numeric
