"""Is a float32 failure wrong logic, or right logic computed in TF32 or bfloat16?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from parity_tests.harness import outputs
from parity_tests.harness.compare import compare
from parity_tests.harness.run import Result, run_torch
from parity_tests.harness.verdict import Check, Verdict
from parity_tests.harness.visits import Place

Array = np.ndarray[Any, np.dtype[Any]]

KEPT_BITS = {"TF32": 10, "bfloat16": 7}


def round_to(value: Array, bits: int) -> Array:
    """Round to `bits` stored mantissa bits, ties to even, returned in float64.

    >>> round_to(np.array([1.0 + 2.0**-9]), 7)
    array([1.])
    """
    mantissa, exponent = np.frexp(np.asarray(value, dtype=np.float64))
    scale = 2.0 ** (bits + 1)
    return np.ldexp(np.rint(mantissa * scale) / scale, exponent)


def precision_path(
    checks: list[Check],
    place: Place,
    inputs: tuple[Array, ...],
    d_output: Any,
    ours: Result,
    theirs: Result,
    limits: Mapping[str, Any],
) -> list[Check]:
    """Re-judge failing checks against the truth of operands rounded to a shorter format."""
    if not any(check.verdict is Verdict.FAIL for check in checks):
        return checks
    truths = {name: _rounded(place, inputs, d_output, bits) for name, bits in KEPT_BITS.items()}
    judged = []
    for check in checks:
        found = (ours if check.engine.startswith("scratch") else theirs).tensors()
        if check.verdict is Verdict.FAIL and check.tensor in found:
            for name, truth in truths.items():
                again = compare(
                    found[check.tensor], truth.tensors()[check.tensor], limits[check.tensor]
                )
                if again.verdict is Verdict.PASS:
                    note = f"the operands were rounded to {name}"
                    check = replace(check, verdict=Verdict.PRECISION_PATH, note=note)
                    break
        judged.append(check)
    return judged


def _rounded(place: Place, inputs: tuple[Array, ...], d_output: Any, bits: int) -> Result:
    module = copy.deepcopy(place.torch)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "weight" in name:
                parameter.copy_(torch.from_numpy(round_to(parameter.numpy(), bits)))
    rounded = tuple(round_to(v, bits) if v.dtype.kind == "f" else v for v in inputs)
    return run_torch(module, rounded, outputs.each(lambda value: round_to(value, bits), d_output))
