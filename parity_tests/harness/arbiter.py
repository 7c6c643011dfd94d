"""Where torch adds equal numbers one by one, and errs by more than errors of random sign would.

A channel of thousands of equal numbers, as a rectifier that is nearly shut leaves behind, rounds
in the same direction every time, and so does the gradient of a bias below a mean over the map,
which hands every position the same; NumPy adds in pairs. In float64, where torch is the reference,
a failing layer is computed once more in long double; in float32 the reference is float64 already.
Scratch is not blamed for being nearer to the truth, and it is still held to its own bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.harness import bounds
from parity_tests.harness.run import Result
from parity_tests.harness.verdict import SETTLED, Check, Verdict

Array = np.ndarray[Any, np.dtype[Any]]

Wide = np.longdouble


def settle(
    checks: Sequence[Check],
    module: Any,
    inputs: tuple[Array, ...],
    d_output: Array,
    found: Result,
    reference: Result,
    limits: Mapping[str, Any],
) -> list[Check]:
    """Judge the failing checks of a layer again, each side against long double.

    Scratch passes if it keeps the bound of one side and torch errs by no more than rounding can
    explain at the worst: a formula that is wrong here, or in both, would not.

    Args:
        checks: of one layer, scratch float64 against torch float64.
        module: torch's layer.
        inputs: what both were given.
        d_output: cotangent.
        found: what scratch made of them.
        reference: what torch made of them.
        limits: tolerance of each tensor between the two.

    Returns:
        The checks; the failing ones say how far off each side is. All unchanged for a layer without
        such a formula, or where long double has no more bits than float64.
    """
    formula = FORMULAS.get(type(module).__name__)
    failing = {check.tensor for check in checks if check.verdict is Verdict.FAIL and check.index}
    if formula is None or not failing or np.finfo(Wide).eps >= np.finfo(np.float64).eps:
        return list(checks)
    terms, truth = formula(module, inputs[0].astype(Wide), d_output.astype(Wide))
    settled = []
    for check in checks:
        if check.verdict is Verdict.FAIL and check.index and check.tensor in truth:
            want, limit = truth[check.tensor], limits[check.tensor] / 2
            ours = _share(found.tensors()[check.tensor], want, limit)
            theirs = _share(reference.tensors()[check.tensor], want, limit)
            note = f"scratch {ours:.2g} of its bound off, torch {theirs:.2g}"
            check = replace(check, want=float(want[check.index]), note=f"in long double {note}")
            if ours <= 1 and theirs <= bounds.worst_over_probable(terms):
                check = replace(
                    check,
                    verdict=Verdict.PASS,
                    used=ours,
                    note=f"{SETTLED} in long double, torch is off: {note}",
                )
        settled.append(check)
    return settled


def settle_torch(
    ours: Sequence[Check], theirs: Sequence[Check], module: Any, d_output: Any
) -> list[Check]:
    """Hold a plain sum of torch's that breaks its float32 bound to the worst case of rounding.

    That is K u |A| instead of c(K) u |A|, and only beside a scratch that keeps c(K): a sum that is
    wrong in both, or in scratch, is not excused.

    Args:
        ours: checks of the layer, scratch float32 against torch float64.
        theirs: checks of the layer, torch float32 against torch float64.
        module: torch's layer.
        d_output: cotangent.

    Returns:
        Torch's checks; a settled one says how far off each side is.
    """
    counted = PLAIN_SUMS.get(type(module).__name__)
    if counted is None:
        return list(theirs)
    sound = {check.tensor: check for check in ours if check.verdict is Verdict.PASS}
    settled = []
    for check in theirs:
        if check.verdict is Verdict.FAIL and check.index and check.tensor in counted & set(sound):
            sums = d_output.shape[1]
            worst = bounds.worst_over_probable(d_output.size // sums, sums)
            note = (
                f"{SETTLED} against float64, torch is off: scratch {sound[check.tensor].used:.2g} "
                f"of its bound off, torch {check.used:.2g}, rounding at its worst {worst:.2g}"
            )
            if check.used <= worst:
                check = replace(check, verdict=Verdict.PASS, used=check.used / worst, note=note)
        settled.append(check)
    return settled


def _share(got: Array, want: Array, limit: Array) -> float:
    """Return the largest share of its bound that an array is off; infinite beside a bound of 0."""
    error = np.abs(got - want)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(error == 0, 0, error / limit).max())


def _batch_norm(module: Any, x: Array, dy: Array) -> tuple[int, dict[str, Array]]:
    """Return the terms of a sum, and every tensor of a batch normalisation."""
    axes, channels = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    count = x.size // x.shape[1]
    tracked = module.running_mean is not None
    batch = module.training or not tracked
    mean, variance = x.mean(axes), x.var(axes)
    truth: dict[str, Array] = {}
    if tracked:
        old_mean, old_variance = (
            value.numpy().astype(Wide) for value in (module.running_mean, module.running_var)
        )
        if not module.training:
            mean, variance = old_mean, old_variance
        else:
            batches = int(module.num_batches_tracked) + 1
            share = Wide(1) / batches if module.momentum is None else Wide(module.momentum)
            truth["running_mean"] = old_mean + share * (mean - old_mean)
            estimate = variance * count / (count - 1)
            truth["running_var"] = old_variance + share * (estimate - old_variance)
    deviation = np.sqrt(variance + Wide(module.eps)).reshape(channels)
    standard = (x - mean.reshape(channels)) / deviation
    weight, bias = (
        Wide(default) if value is None else value.detach().numpy().astype(Wide).reshape(channels)
        for value, default in ((module.weight, 1), (module.bias, 0))
    )
    truth["output"] = standard * weight + bias
    truth["weight"], truth["bias"] = (dy * standard).sum(axes), dy.sum(axes)
    dx = dy
    if batch:
        along = (truth["weight"] / count).reshape(channels)
        dx = dy - (truth["bias"] / count).reshape(channels) - standard * along
    truth["dx"] = dx * weight / deviation
    return count, truth


FORMULAS: dict[str, Callable[[Any, Array, Array], tuple[int, dict[str, Array]]]] = {
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
}

PLAIN_SUMS = {"Conv2d": {"bias"}}  # gradients that add up a channel of the cotangent, nothing else
