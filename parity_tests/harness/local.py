"""Local error: give each module of the candidate the reference's own input and cotangent.

A module that is wrong here is guilty; one that is right here and wrong in the whole run only
passes an error on.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parity_tests.harness import bounds, outputs
from parity_tests.harness.case import RECURRENT
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.rows import magnitudes, units
from parity_tests.harness.run import Result, is_buffer, run_torch
from parity_tests.harness.verdict import Check, Verdict

Array = np.ndarray[Any, np.dtype[Any]]

PASSING = ("ReLU", "Dropout", "Identity", "Flatten")  # each cotangent goes to its own place
JOINING = ("Add", "Multiply", "Concat")  # each cotangent goes to both inputs, or to one of them


def as_check(
    found: Comparison, level: str, subject: str, module: str, tensor: str, engine: str
) -> Check:
    """Return the comparison as a check of one tensor of one module."""
    return Check(
        level,
        subject,
        module,
        "forward" if outputs.without_field(tensor) == "output" or is_buffer(tensor) else "backward",
        tensor,
        engine,
        found.verdict,
        found.used,
        found.index,
        found.got,
        found.want,
        found.share,
        found.note,
    )


def tolerances(
    module: Any, inputs: tuple[Array, ...], d_output: Any, truth: Result, dtype: str, sides: int
) -> dict[str, Array | float]:
    """Return the tolerance of every tensor of a module.

    Args:
        module: torch's module in float64; one without a row is bounded as a whole network.
        inputs: what it was given.
        d_output: cotangent.
        truth: float64 result.
        dtype: precision of the judged side.
        sides: 1 against a truth of higher precision, 2 between implementations of equal precision.
    """
    row = units(module, inputs, d_output, truth)
    if row is None:
        return {name: bounds.whole(value, dtype) for name, value in truth.tensors().items()}
    return {name: bounds.tolerance(value, dtype, sides) for name, value in row.items()}


def reach(module: Any, inputs: tuple[Array, ...], d_output: Any) -> dict[str, int]:
    """Return how many entries of each tensor can be non-zero at all.

    Found by running the module on ones, with a one for every weight that is not zero. A max pool
    sends each cotangent to one place, and behind it an activation can only pass on what arrives.
    """
    kind = type(module).__name__
    if kind == "Step":
        return {"dx": 0}
    if silent(module):
        return {"output": 0, "dx": 0}
    if kind in PASSING or (kind.startswith("BatchNorm") and not module.training):
        return {"dx": max(1, int(np.count_nonzero(d_output)))}
    if kind in JOINING:
        parts = _parts(module, inputs, d_output)
        return {f"dx{i}": max(1, int(np.count_nonzero(part))) for i, part in enumerate(parts)}
    if kind == "MaxPool2d":
        # Overlapping windows may share a winner: a quarter of those given something is still power.
        windows = int(np.count_nonzero(d_output))
        return {"dx": max(1, min(windows, inputs[0].size))}
    if kind == "Embedding":
        ones = run_torch(module, inputs, np.ones_like(d_output))
        return {"weight": int(np.count_nonzero(ones.gradients["weight"]))}
    if (
        kind.endswith("Loss")
        or kind in RECURRENT
        or kind.startswith("BatchNorm")
        or not any(True for _ in module.parameters())
    ):
        return {}
    ones = magnitudes(_with_ones(module), tuple(np.ones_like(v) for v in inputs), d_output * 0 + 1)
    counts = {name: int(np.count_nonzero(value)) for name, value in ones.tensors().items()}
    if kind == "Linear":
        counts["weight"] = _met(inputs[0], d_output, counts["weight"])
    return counts


def _met(x: Array, dy: Array, otherwise: int) -> int:
    """Return how many entries dy x^T of a weight's gradient see two non-zero factors in a sample.

    A rectifier and a dropout of one half before a layer and the same behind it leave one entry in
    sixteen, though each factor has a quarter of its entries. So each factor must have its share,
    and of the product what they reach; of factors without power, or which never meet, `otherwise`
    is returned.
    """
    on = [values.reshape(-1, values.shape[-1]) != 0 for values in (dy, x)]
    if min(np.mean(values) for values in on) < bounds.MIN_SHARE:
        return otherwise
    both = on[0].T.astype(np.float32) @ on[1].astype(np.float32)
    return int(np.count_nonzero(both)) or otherwise


def silent(module: Any) -> bool:
    """Tell whether a layer answers zero whatever it is given, as the padding of a shortcut does."""
    return type(module).__name__ == "Affine" and module.scale == 0 and module.shift == 0


def _parts(module: Any, inputs: tuple[Array, ...], d_output: Array) -> Sequence[Array]:
    """Return the cotangents that each input of a join can see."""
    if type(module).__name__ != "Concat":
        return [d_output] * len(inputs)
    ends = np.cumsum([value.shape[module.dim] for value in inputs])
    return np.split(d_output, ends[:-1], module.dim)


def _with_ones(module: Any) -> Any:
    opened = copy.deepcopy(module)
    for parameter in opened.parameters():
        parameter.data = (parameter.data != 0).to(parameter.dtype)
    return opened


def judge(
    level: str,
    subject: str,
    path: str,
    engine: str,
    found: Result,
    truth: Result,
    limits: Mapping[str, Array | float],
    can: Mapping[str, int],
    dtype: str,
) -> list[Check]:
    """Hold every tensor of a module's result against the truth.

    Args:
        level: name of the level.
        subject: chapter or layer case.
        path: of the module.
        engine: what is judged, such as "scratch float32".
        found: its result.
        truth: float64 result of the reference.
        limits: tolerance of each tensor.
        can: how many entries of a tensor can be non-zero; a missing one stands for all.
        dtype: what the result must be in.
    """
    checks = []
    tensors = found.tensors()
    for name, want in truth.tensors().items():
        if name in tensors:
            wanted = dtype if want.dtype.kind == "f" else want.dtype
            result = compare(tensors[name], want, limits[name], dtype=wanted, reach=can.get(name))
        else:
            result = Comparison(Verdict.FAIL, np.inf, note="this tensor is missing")
        checks.append(as_check(result, level, subject, path, name, engine))
    return checks
