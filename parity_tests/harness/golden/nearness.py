"""Units that lie so near a kink that a run in float32 may see them on the other side.

In a small network the batch is drawn anew. A large one always has some: then float32 is held to
its bounds as far as the gradient has passed no such unit, and behind it by the integer set alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from parity_tests.harness.golden.limits import float32
from parity_tests.harness.golden.reference import Run, modules
from parity_tests.harness.kinks import KINKED
from parity_tests.harness.pair import Pair
from parity_tests.harness.trace import Trace

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Near:
    """Where a run has units at their kinks.

    Attributes:
        last: the last module with one in the first step, in forward order; None for none.
        later: whether there is one in a later step.
        units: how many, over all steps.
    """

    last: str | None = None
    later: bool = False
    units: int = 0

    @property
    def note(self) -> str:
        """What a set says about it, "" if there is nothing to say."""
        if not self.units:
            return ""
        where = f" behind {self.last}" if self.last is not None else " of later steps"
        return (
            f"; {self.units} unit(s) may change sides in float32, so gradients{where} have no "
            "bound there: the exact set holds them"
        )


def near(pair: Pair, wide: Run, narrow: Run) -> Near:
    """Look for units at their kinks in every step.

    Args:
        pair: gives the modules.
        wide: run in float64.
        narrow: the same run in float32.
    """
    parts = modules(pair)
    found = [
        _units(parts, truth, other) for truth, other in zip(wide.traces, narrow.traces, strict=True)
    ]
    paths = [path for path, count in found[0].items() if count]
    later = any(sum(one.values()) for one in found[1:])
    total = sum(sum(one.values()) for one in found)
    return Near(paths[-1] if paths else None, later, total)


def _units(parts: dict[str, torch.nn.Module], truth: Trace, other: Trace) -> dict[str, int]:
    others = other.by_key()
    found: dict[str, int] = {}
    for key, visit in truth.by_key().items():
        module = parts[visit.path]
        if type(module).__name__ in KINKED:
            x = visit.inputs[0]
            count = np.abs(x) <= float32(x, others[key].inputs[0]).absolute
        elif isinstance(module, torch.nn.MaxPool2d):
            x = visit.inputs[0]
            count = _rivals(module, x, 2 * float32(x, others[key].inputs[0]).absolute)
        else:
            continue
        found[visit.path] = found.get(visit.path, 0) + int(count.sum())
    return found


def _rivals(module: torch.nn.MaxPool2d, x: Array, margin: float) -> Array:
    """Return for every window whether its two largest values are too close.

    Zeros that a rectifier has made are equal in every precision, and the first one wins.
    """
    (kh, kw), (sh, sw), (top, left), (dh, dw) = (
        (value, value) if isinstance(value, int) else tuple(value)
        for value in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    if kh * kw == 1:
        return np.zeros(1, bool)
    # As far to the right and below as the last window of ceil_mode can reach.
    right, below = left + sw + dw * kw, top + sh + dh * kh
    padded = torch.nn.functional.pad(
        torch.from_numpy(x), (left, right, top, below), value=-float("inf")
    )
    reach = padded.unfold(2, dh * (kh - 1) + 1, sh).unfold(3, dw * (kw - 1) + 1, sw)
    windows = reach[..., ::dh, ::dw].flatten(4)
    first, second = windows.topk(2, dim=-1).values.unbind(-1)
    zeros = (first == 0) & (second == 0)
    return ((first - second <= margin) & ~zeros & first.isfinite()).numpy()
