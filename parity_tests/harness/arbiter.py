"""Where both sides compute in float64 and disagree: the layer once more, in long double.

torch adds up a channel of a batch normalisation number by number. A channel of thousands of equal
ones, as a rectifier that is nearly shut leaves behind, then rounds in the same direction every
time, and its variance is further off than errors of random sign would be; NumPy adds in pairs.
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
                check = replace(check, verdict=Verdict.PASS, used=ours, note=f"{SETTLED}: {note}")
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
