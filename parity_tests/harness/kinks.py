"""Which side of its kink every unit is on, and whether rounding explains that two runs disagree.

In float32 a pre-activation of 1e-9 may come out as -1e-9; its unit shuts, and gradients behind it
differ by as much as they are large. That is no mistake, as long as the unit really lay at its kink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from parity_tests.harness import bounds
from parity_tests.harness.pair import Pair
from parity_tests.harness.trace import Trace
from parity_tests.harness.verdict import Check, Verdict

Array = np.ndarray[Any, np.dtype[Any]]

KINKED = ("ReLU", "LeakyReLU", "ELU", "Step")
MASK_GUARD = 8  # a mask over at least so many units must have both arms


@dataclass(frozen=True)
class Crossing:
    """Units that lie on different sides of a kink.

    Attributes:
        count: in the whole network.
        path: the first module that has any, "" if there are none.
        far: how far the furthest of that module's units is from its kink in the reference, in units
            of what rounding explains. The modules behind it see inputs that differ already.
        pool: whether that module is a max pool to which both runs give the same but for rounding.
    """

    count: int = 0
    path: str = ""
    far: float = 0.0
    pool: bool = False

    @property
    def tied(self) -> bool:
        """Whether they begin with two values under a maximum that only rounding tells apart.

        Where neighbouring windows of a pool share the winners of all maps, a layer behind it sees
        the same numbers twice. Its two results are equal, and which of them a second pool takes
        is up to the place at which a library's matrix product computed them, in any precision.
        """
        return self.pool and self.explained

    @property
    def explained(self) -> bool:
        """Whether there are such units and rounding can have brought them to the other side."""
        return self.count > 0 and self.far <= 1


def masks(pair: Pair, trace: Trace) -> dict[tuple[str, int], Array]:
    """Return which side of its kink every unit is on, by module call.

    Rectifiers and steps: input above zero. Max pooling: place of the winner.
    """
    theirs = dict(pair.torch.named_modules())
    found: dict[tuple[str, int], Array] = {}
    for visit in trace.visits:
        module = theirs.get(visit.path)
        x = visit.inputs[0] if visit.inputs else None
        if type(module).__name__ in KINKED and x is not None:
            found[visit.path, visit.call] = x > 0
        elif isinstance(module, torch.nn.MaxPool2d) and x is not None:
            _, winners = torch.nn.functional.max_pool2d(
                torch.from_numpy(x.astype(np.float64)),
                module.kernel_size,
                module.stride,
                module.padding,
                module.dilation,
                module.ceil_mode,
                return_indices=True,
            )
            found[visit.path, visit.call] = winners.numpy()
    return found


def crossing(pair: Pair, reference: Trace, candidate: Trace, dtype: str) -> Crossing:
    """Compare the sides of two runs.

    Args:
        pair: both networks.
        reference: run of torch in float64.
        candidate: judged run.
        dtype: its precision.
    """
    ours, theirs = masks(pair, candidate), masks(pair, reference)
    given, wanted = candidate.by_key(), reference.by_key()
    found = Crossing()
    for key, mask in theirs.items():
        if key not in ours or given[key].inputs[0].shape != wanted[key].inputs[0].shape:
            continue  # whoever made that fails by himself
        wrong = ours[key] != mask
        count = int(wrong.sum())
        if count and not found.count:
            x = wanted[key].inputs[0]
            far = _distances(x, mask, ours[key])[wrong].max() / bounds.whole(x, dtype)
            alike = np.abs(given[key].inputs[0] - x).max() <= bounds.whole(x, dtype)
            found = Crossing(0, key[0], float(far), mask.dtype != bool and bool(alike))
        found = Crossing(found.count + count, found.path, found.far, found.pool)
    return found


def _distances(x: Array, mask: Array, other: Array) -> Array:
    """Return how far each unit is from its kink; for a pool, how far apart the two winners are."""
    if mask.dtype == bool:
        return np.abs(x)
    planes = x.reshape(*x.shape[:2], -1)
    values = [
        np.take_along_axis(planes, winners.reshape(*x.shape[:2], -1), 2).reshape(mask.shape)
        for winners in (mask, other)
    ]
    return np.abs(values[0] - values[1])


def one_armed(pair: Pair, reference: Trace, level: str) -> list[Check]:
    """Return a MISTRUSTED check for every rectifier that is open, or shut, everywhere."""
    checks = []
    for (path, _), mask in masks(pair, reference).items():
        if mask.dtype == bool and mask.size >= MASK_GUARD and mask.all() == mask.any():
            arm = "open" if mask.all() else "shut"
            checks.append(
                Check(
                    level,
                    pair.subject,
                    path,
                    "forward",
                    "mask",
                    "torch float64",
                    Verdict.MISTRUSTED,
                    note=f"every unit is {arm}",
                )
            )
    return checks


def idle(pair: Pair, reference: Trace, level: str) -> list[Check]:
    """Return a MISTRUSTED check for every max pooling that makes the rectifier before it idle.

    Where the largest value of every window passes the rectifier, the two are one maximum, and a
    rectifier that is forgotten changes nothing. Before a batch normalisation the bias of the layer
    before them has a gradient of zero, too, which no factor on it changes.
    """
    theirs = dict(pair.torch.named_modules())
    rectified = [v.output for v in reference.visits if type(theirs.get(v.path)).__name__ == "ReLU"]
    checks = []
    for visit in reference.visits:
        pool = isinstance(theirs.get(visit.path), torch.nn.MaxPool2d)
        if not pool or visit.output.size < MASK_GUARD or not (visit.output > 0).all():
            continue
        if any(np.array_equal(visit.inputs[0], value) for value in rectified):
            note = "no window is shut, so the rectifier before it changes nothing"
            place = (level, pair.subject, visit.path, "forward", "mask", "torch float64")
            checks.append(Check(*place, Verdict.MISTRUSTED, note=note))
    return checks
