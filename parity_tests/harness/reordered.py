"""How far torch is from itself if a batch is turned round: what rounding does to a deep network.

Rounding grows with depth. `bounds.whole` holds for about a hundred layers; what a network of more
is allowed is asked of torch, which computes the same gradients from the images in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.harness import bounds, outputs
from parity_tests.harness.compare import compare
from parity_tests.harness.run import Result, run_torch
from parity_tests.harness.verdict import SETTLED, Check, Verdict

Array = np.ndarray[Any, np.dtype[Any]]


def settle(
    checks: Sequence[Check],
    module: Any,
    inputs: tuple[Array, ...],
    d_output: Any,
    found: Result,
    truth: Result,
    limits: Mapping[str, Any],
) -> list[Check]:
    """Judge the failing tensors of a block again, by `bounds.reordered`.

    Args:
        checks: of a block, scratch float64 against torch float64.
        module: torch's block.
        inputs: what both were given, images along the first axis of each.
        d_output: cotangent.
        found: what scratch made of them.
        truth: what torch made of them.
        limits: tolerance of each tensor that failed.

    Returns:
        The checks; one that passes now says how far torch is from itself.
    """
    if not any(_missed(check, truth) for check in checks) or len(inputs[0]) < 2:
        return list(checks)
    turned = run_torch(module, tuple(map(_turned, inputs)), outputs.each(_turned, d_output))
    back = replace(
        turned, output=outputs.each(_turned, turned.output), dx=tuple(map(_turned, turned.dx))
    )
    settled = []
    for check in checks:
        if _missed(check, truth):
            want = truth.tensors()[check.tensor]
            gap = float(np.abs(back.tensors()[check.tensor] - want).max())
            limit = limits[check.tensor] + bounds.reordered(gap, want)
            again = compare(found.tensors()[check.tensor], want, limit)
            if again.verdict is Verdict.PASS:
                of_whole = gap / bounds.whole(want)
                note = (
                    f"{SETTLED} by the order of the images: scratch {check.used:.2g} of the bound "
                    f"of a network of fewer layers off, torch from itself {of_whole:.2g}"
                )
                check = replace(check, verdict=Verdict.PASS, used=again.used, note=note)
        settled.append(check)
    return settled


def _missed(check: Check, truth: Result) -> bool:
    """Whether a check failed, by so little that the order of the images might explain it."""
    near = check.verdict is Verdict.FAIL and check.used <= 1 + 2 * bounds.ROUNDING_ALONE
    return near and bool(check.index) and check.tensor in truth.tensors()


def _turned(value: Array) -> Array:
    return np.ascontiguousarray(value[::-1])
