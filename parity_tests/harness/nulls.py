"""Null directions: parameters whose true gradient is zero, such as a bias before BatchNorm.

In training a batch normalisation subtracts the mean, and with it whatever was added to every
sample. What is computed for such a bias is rounding alone: it is held to the sum that it is made
of, never to its own size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from parity_tests.harness import bounds, rows
from parity_tests.harness.pair import Pair
from parity_tests.harness.run import run_torch
from parity_tests.harness.trace import Trace
from scratch import spec

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]
T = TypeVar("T")


def names(pair: Pair) -> dict[str, str]:
    """Return the null directions of a pair, each with the path of its batch normalisation.

    A chapter declares them; in a form without batch normalisation, or in evaluation, they are none.
    """
    if pair.subject not in spec.ids():
        return {}
    modules = list(pair.scratch.named_modules())
    paths = [path for path, _ in modules]
    found = {}
    for name in spec.get(pair.subject).null_directions:
        path = name.rpartition(".")[0]
        follower, module = modules[paths.index(path) + 1]
        if type(module).__name__.startswith("BatchNorm") and module.training:
            found[name] = follower
    return found


def units(pair: Pair, trace: Trace) -> Units:
    """Return the units of each null direction in a whole network.

    The batch normalisation behind it hands back numbers that should add up to zero; their own
    units, which its row knows, add up instead, and the sum's c(K).
    """
    visits = {visit.path: visit for visit in trace.visits}
    modules = dict(pair.torch_as("float64").named_modules())
    found: Units = {}
    for name, norm in names(pair).items():
        visit = visits[norm]
        assert visit.d_output is not None
        truth = run_torch(modules[norm], visit.inputs, visit.d_output)
        row = rows.units(modules[norm], visit.inputs, visit.d_output, truth)
        assert row is not None
        dy = truth.dx[0]
        axes = (0, *range(2, dy.ndim))
        sums = np.abs(dy).sum(axes)
        found[name] = row["dx"].sum(axes) + bounds.accumulated(dy.size // dy.shape[1], sums)
    return found


def floors(pair: Pair, trace: Trace) -> Units:
    """Return the units of every bias that feeds a batch normalisation in training.

    A unit that is on in every sample hands its bias on unchanged, and the batch normalisation
    subtracts it: then the gradient is zero though the bias of another unit has one, and a network
    may happen to have such units only. What is computed is what is left of a sum whose terms
    cancel, so it is never held to less than that sum's own units in the row of its layer.
    """
    modules = dict(pair.torch_as("float64").named_modules())
    norms = [
        visit.start
        for visit in trace.visits
        if type(modules[visit.path]).__name__.startswith("BatchNorm")
        and modules[visit.path].training
    ]
    found: Units = {}
    for visit in trace.visits:
        if visit.start >= max(norms, default=-1) or visit.d_output is None or visit.call:
            continue
        module = modules[visit.path]
        if "bias" not in dict(module.named_parameters(recurse=False)):
            continue
        truth = run_torch(module, visit.inputs, visit.d_output)
        row = rows.units(module, visit.inputs, visit.d_output, truth)
        if row is not None:
            found[f"{visit.path}.bias"] = row["bias"]
    return found


def below(path: str, found: Mapping[str, T]) -> dict[str, T]:
    """Return those of a module and of what lies below it, by their names in that module."""
    prefix = f"{path}." if path else ""
    return {name[len(prefix) :]: value for name, value in found.items() if name.startswith(prefix)}


def invariant(weights: Mapping[str, Array], found: Mapping[str, str]) -> dict[str, Array]:
    """Return a state without its null directions.

    A running mean follows the bias before it wherever that drifts, so their difference takes its
    place.
    """
    kept = {name: value for name, value in weights.items() if name not in found}
    for bias, norm in found.items():
        mean = f"{norm}.running_mean"
        if mean in kept:
            kept[mean] = kept[mean] - weights[bias]
    return kept
