"""How far torch is from itself if a batch is turned round: what rounding does to a deep network.

Rounding grows with depth. `bounds.whole` holds for about a hundred layers; what a network of more
is allowed is asked of torch, which computes the same gradients from the images in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from parity_tests.harness import bounds, outputs
from parity_tests.harness.compare import compare
from parity_tests.harness.pair import Pair
from parity_tests.harness.run import Result, run_torch
from parity_tests.harness.verdict import SETTLED, Check, Verdict
from parity_tests.harness.visits import reference_trace

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
    limited = {name: (found.tensors()[name], want) for name, want in truth.tensors().items()}
    return [
        _again(check, *limited[check.tensor], back.tensors()[check.tensor], limits[check.tensor])
        if _missed(check, truth)
        else check
        for check in checks
    ]


class Tap(NamedTuple):
    """A tensor that a module passed on in a whole run.

    Attributes:
        key: path of the module, and which of its calls.
        kind: "output" or "d_output".
        tensor: the same, with its field if there are several.
        got: scratch's.
        want: torch's.
    """

    key: tuple[str, int]
    kind: str
    tensor: str
    got: Array
    want: Array


def settle_taps(checks: Sequence[Check], taps: Sequence[Tap], pair: Pair) -> list[Check]:
    """Judge the failing taps of a whole run in float64 again, by `bounds.reordered`.

    Args:
        checks: one of each tap.
        taps: what was compared.
        pair: both twins and what they were given.

    Returns:
        The checks; one that passes now says how far torch is from itself.
    """
    if not any(map(_near, checks)) or len(pair.inputs[0]) < 2:
        return list(checks)
    inputs, d_output = tuple(map(_turned, pair.inputs)), outputs.each(_turned, pair.d_output)
    visits = reference_trace(replace(pair, inputs=inputs, d_output=d_output)).by_key()
    settled = []
    for check, tap in zip(checks, taps, strict=True):
        if _near(check):
            back = outputs.named(tap.kind, getattr(visits[tap.key], tap.kind))[tap.tensor]
            check = _again(check, tap.got, tap.want, _turned(back), bounds.whole(tap.want))
        settled.append(check)
    return settled


def _again(check: Check, got: Array, want: Array, back: Array, limit: Any) -> Check:
    """Return the check by twice what torch is from itself, or as it was."""
    gap = float(np.abs(back - want).max())
    again = compare(got, want, limit + bounds.reordered(gap, want))
    if again.verdict is not Verdict.PASS:
        return check
    note = (
        f"{SETTLED} by the order of the images: scratch {check.used:.2g} of the bound of a network "
        f"of fewer layers off, torch from itself {gap / bounds.whole(want):.2g}"
    )
    return replace(check, verdict=Verdict.PASS, used=again.used, note=note)


def _near(check: Check) -> bool:
    """Whether a check failed by so little that the order of the images might explain it."""
    missed = check.verdict is Verdict.FAIL and bool(check.index)
    return missed and check.used <= 1 + 2 * bounds.ROUNDING_ALONE


def _missed(check: Check, truth: Result) -> bool:
    return _near(check) and check.tensor in truth.tensors()


def _turned(value: Array) -> Array:
    return np.ascontiguousarray(value[::-1])
