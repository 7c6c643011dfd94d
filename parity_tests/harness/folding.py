"""A folded network held against the network it was made from, and against torch's.

Each pair of a layer and a normalisation is given torch's own input of the layer, so that one that
is wrong is named; then the whole network is run.
"""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

import numpy as np
import torch

from parity_tests.harness import bounds, bounds_fold
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.levels.exact import power_of_two
from parity_tests.harness.local import as_check
from parity_tests.harness.pair import Pair
from parity_tests.harness.trace import tap_torch
from parity_tests.harness.verdict import Check, Verdict
from scratch import nn
from scratch.fold import Folded, fold

Array = np.ndarray[Any, np.dtype[Any]]
Paths = tuple[str, str]

LEVELS = {"float64": "L2", "float32": "L3"}


class Numbers(NamedTuple):
    """What meets in a pair, in float64: per channel in a shape that broadcasts."""

    product: Array
    bias: Array
    scale: Array
    mean: Array
    beta: Array
    between: Array
    terms: int

    @property
    def magnitude(self) -> Array:
        """Sums of the absolute terms of the folded layer."""
        return bounds_fold.magnitude(*self[:5])

    def units(self, both: bool) -> Array:
        """Units of the folded layer, and of the two one after the other as well."""
        folded = bounds_fold.folded(self.magnitude, self.terms)
        return folded + bounds_fold.unfolded(*self) if both else folded


def run(pair: Pair, dtype: str, exact: bool = False) -> list[Check]:
    """Judge a folded network, pair by pair and as a whole.

    Args:
        pair: a network with batch normalisation, and its twin, representable in `dtype`.
        dtype: precision of the judged side.
        exact: every term is an integer or dyadic, and no difference is allowed.

    Returns:
        Checks of each pair in `dtype` against torch in float64, torch in `dtype` and the unfolded
        twin in `dtype`; and of the network's output.
    """
    pair = pair.evaluated()
    ours, theirs = pair.scratch_as(dtype), pair.torch_as(dtype)
    inputs = tuple(x.astype(dtype) for x in pair.inputs)
    folded = fold(ours, *inputs)
    level = "L0" if exact else LEVELS[dtype]
    seen = _inputs(pair)
    checks: list[Check] = []
    for paths in folded.pairs:
        x = seen[paths[0]].astype(dtype)
        numbers = _numbers(pair.torch, paths, x.astype(np.float64))
        got = _modules(folded.network)[paths[0]](x)
        rivals = {
            "torch float64": _through_torch(pair.torch, paths, x.astype(np.float64)),
            f"torch {dtype}": _through_torch(theirs, paths, x),
            f"unfolded {dtype}": _through(ours, paths, x),
        }
        for rival, want in rivals.items():
            rounded = dtype == "float64" or rival != "torch float64"
            limit = 0.0 if exact else bounds.tolerance(numbers.units(both=rounded), dtype)
            found = compare(got, want, limit, dtype=dtype)
            engine = f"folded {dtype} / {rival}"
            checks.append(as_check(found, level, pair.subject, paths[1], "output", engine))
        if exact:
            checks += _proof(pair.subject, paths, numbers, x, folded)
    return [*checks, _whole(level, pair, folded, inputs, dtype, exact)]


def _whole(
    level: str, pair: Pair, folded: Folded, inputs: tuple[Array, ...], dtype: str, exact: bool
) -> Check:
    """Judge the output of the network, behind all its pairs."""
    with torch.no_grad():
        given = [torch.from_numpy(x) for x in inputs]
        truth = pair.torch(*(x.double() for x in given)).numpy()
        reference = pair.torch_as(dtype)(*given).numpy()
    limit = bounds.whole(truth, dtype)
    if dtype == "float32":
        limit = bounds.end_to_end(float(np.abs(reference - truth).max()), truth)
    found = compare(folded(*inputs), truth, 0.0 if exact else limit, dtype=dtype)
    engine = f"folded {dtype} / torch float64"
    return as_check(found, level, pair.subject, "", "output", engine)


def _inputs(pair: Pair) -> dict[str, Array]:
    """Return what each module of torch's network is given, by its path."""
    with tap_torch(pair.torch) as trace, torch.no_grad():
        pair.torch(*map(torch.from_numpy, pair.inputs))
    return {visit.path: visit.inputs[0] for visit in trace.visits}


def _modules(network: Any) -> dict[str, Any]:
    return dict(network.named_modules())


def _through(network: nn.Module, paths: Paths, x: Array) -> Array:
    """Return what a layer and the normalisation behind it make of an input."""
    modules = _modules(network)
    with nn.inference():
        made: Array = modules[paths[1]](modules[paths[0]](x))
    return made


def _through_torch(network: torch.nn.Module, paths: Paths, x: Array) -> Array:
    modules = _modules(network)
    with torch.no_grad():
        made: Array = modules[paths[1]](modules[paths[0]](torch.from_numpy(x))).numpy()
    return made


def _numbers(network: torch.nn.Module, paths: Paths, x: Array) -> Numbers:
    layer, norm = (_modules(network)[path] for path in paths)
    absolute = copy.deepcopy(layer)
    absolute.bias = None
    with torch.no_grad():
        absolute.weight.abs_()
        product = absolute(torch.from_numpy(np.abs(x))).numpy()
        between = layer(torch.from_numpy(x)).numpy()
    keep = (-1, *[1] * (product.ndim - 2))

    def wide(value: torch.Tensor | None, otherwise: float) -> Array:
        given = np.full(1, otherwise) if value is None else value.detach().numpy()
        return np.asarray(given.reshape(keep))

    scale = wide(norm.weight, 1.0) / np.sqrt(wide(norm.running_var, 1.0) + norm.eps)
    mean, beta = wide(norm.running_mean, 0.0), wide(norm.bias, 0.0)
    terms = math.prod(layer.weight.shape[1:])
    return Numbers(product, wide(layer.bias, 0.0), scale, mean, beta, between, terms)


def _proof(subject: str, paths: Paths, numbers: Numbers, x: Array, folded: Folded) -> list[Check]:
    """Return a MISTRUSTED check unless every sum of the folded layer is exact in float32."""
    layer = _modules(folded.network)[paths[0]]
    grain = power_of_two(x) * power_of_two(layer.weight.data)
    grain = min(grain, power_of_two(layer.bias.data))
    if float(numbers.magnitude.max()) / grain < bounds.EXACT_LIMIT:
        return []
    doubt = Comparison(Verdict.MISTRUSTED, note="sums beyond 2^24 units are not exact")
    return [as_check(doubt, "L0", subject, paths[1], "output", "folded")]
