"""Which module is wrong: the deepest that fails with the reference's own input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from parity_tests.harness.verdict import Check, Verdict

# Levels that judge module by module come first; the others only say that something is wrong.
ORDER = ("L0", "L2", "L3", "L1", "L4", "L5", "L6")
WHOLE_RUN = "in the whole run"
EVALUATION = "in evaluation"


def first_divergences(checks: Sequence[Check]) -> list[Check]:
    """Return the first divergence, and if it is a forward one also the first backward one.

    Args:
        checks: of one subject, modules in the order in which their forwards end.

    Returns:
        Nothing if no check fails. A value that is wrong outranks a comparison without power, and
        a module that is wrong by itself one that passes an error on.
    """
    for verdict in (Verdict.FAIL, Verdict.MISTRUSTED):
        for level in ORDER:
            failing = [c for c in checks if c.level == level and c.verdict is verdict]
            local = [c for c in failing if WHOLE_RUN not in c.engine] or failing
            if local:
                return _both(local, checks)
    return []


def _both(failing: Sequence[Check], checks: Sequence[Check]) -> list[Check]:
    forward = [c for c in failing if c.direction == "forward"]
    backward = [c for c in failing if c.direction == "backward"]
    other = [c for c in failing if c.direction not in ("forward", "backward")]
    found = []
    if forward:
        found.append(_deepest(forward)[0])
    backward = [c for c in backward if not _explained(c, forward, checks)]
    if backward:
        found.append(_first_backward(_deepest(backward), checks))
    return [_wiring(check, checks) for check in found or other[:1]]


def _explained(check: Check, forward: Sequence[Check], checks: Sequence[Check]) -> bool:
    """Whether a block's gradient is wrong because it was taken at values that are wrong already."""
    block = any(_below(c.module, check.module) for c in checks)
    return block and any(
        c.module == check.module or _below(c.module, check.module) for c in forward
    )


def _below(path: str, parent: str) -> bool:
    return path != parent and (not parent or path.startswith(f"{parent}."))


def _deepest(failing: Sequence[Check]) -> list[Check]:
    paths = {check.module for check in failing}
    guilty = {path for path in paths if not any(_below(other, path) for other in paths)}
    return [check for check in failing if check.module in guilty]


def _first_backward(failing: Sequence[Check], checks: Sequence[Check]) -> Check:
    """Backward runs through the modules in reverse, so the last one comes first."""
    order = list(dict.fromkeys(check.module for check in checks))
    last = max((check.module for check in failing), key=order.index)
    return next(check for check in failing if check.module == last)


def _wiring(check: Check, checks: Sequence[Check]) -> Check:
    inside = [c for c in checks if c.level == check.level and _below(c.module, check.module)]
    if check.verdict is not Verdict.FAIL or not inside or check.note:
        return check
    note = "every module inside is right: its wiring is wrong"
    taps = [c for c in inside if WHOLE_RUN in c.engine and c.verdict is Verdict.FAIL]
    taps = [c for c in taps if c.direction == check.direction]
    if taps:
        order = list(dict.fromkeys(c.module for c in checks))
        pick, tensor = (min, "output") if check.direction == "forward" else (max, "cotangent")
        first = pick((c.module for c in taps), key=order.index)
        note += f", seen first in the {tensor} of {first}"
    return replace(check, note=note)
