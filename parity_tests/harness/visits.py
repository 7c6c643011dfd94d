"""Walk through both twins of a pair, module by module, with the reference's own tensors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.local import as_check
from parity_tests.harness.pair import Pair
from parity_tests.harness.rows import has_row
from parity_tests.harness.run import BrokenError, Result, cast, run_scratch, run_torch
from parity_tests.harness.trace import Trace, Visit, tap_scratch, tap_torch
from parity_tests.harness.verdict import Check, Verdict
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]

KINKED = ("ReLU", "LeakyReLU", "ELU", "Step")
MASK_GUARD = 8  # a mask over at least so many units must have both arms


@dataclass
class Place:
    """One module call, with both twins' modules and the reference's tensors.

    Attributes:
        path: of the module.
        visit: the reference's tensors.
        scratch: judged module, in the judged dtype.
        peer: torch's module in the judged dtype.
        torch: reference, in float64.
    """

    path: str
    visit: Visit
    scratch: nn.Module
    peer: torch.nn.Module
    torch: torch.nn.Module

    @property
    def leaf(self) -> bool:
        """Whether a bound is derived for the module itself."""
        return has_row(self.torch)


def reference_trace(pair: Pair) -> Trace:
    """Return torch's float64 trace, forward and backward."""
    model = pair.torch_as("float64")
    with tap_torch(model) as trace:
        run_torch(model, pair.inputs, pair.d_output)
    return trace


def candidate_trace(pair: Pair, dtype: str) -> Trace:
    """Return scratch's trace in `dtype`, forward and backward, as far as it got."""
    model = pair.scratch_as(dtype)
    inputs = cast(pair.inputs, dtype)
    with tap_scratch(model) as trace, contextlib.suppress(BrokenError):
        run_scratch(model, inputs, np.asarray(pair.d_output).astype(dtype))
    return trace


def broken(
    level: str,
    pair: Pair,
    path: str,
    dtype: str,
    error: BrokenError,
    truth: Result,
    limits: Mapping[str, Any],
) -> list[Check]:
    """Return the checks of a module that raised; a backward may do so because forward is wrong."""
    engine = f"scratch {dtype}"
    raised = Comparison(Verdict.FAIL, np.inf, note=error.reason)
    if error.output is None:
        return [as_check(raised, level, pair.subject, path, "output", engine)]
    forward = compare(error.output, truth.output, limits["output"], dtype=dtype)
    return [
        as_check(forward, level, pair.subject, path, "output", engine),
        as_check(raised, level, pair.subject, path, "dx", engine),
    ]


def places(pair: Pair, trace: Trace, dtype: str) -> Iterator[Place]:
    """Yield every recorded call in the order in which the forwards ended."""
    ours = dict(pair.scratch_as(dtype).named_modules())
    theirs = dict(pair.torch_as("float64").named_modules())
    peers = dict(pair.torch_as(dtype).named_modules())
    for visit in trace.visits:
        if visit.d_output is not None:
            path = visit.path
            yield Place(path, visit, ours[path], peers[path], theirs[path])


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


def kinks(pair: Pair, reference: Trace, candidate: Trace) -> tuple[int, str]:
    """Count the units that lie on different sides of a kink, and name the first module."""
    ours, theirs = masks(pair, candidate), masks(pair, reference)
    count, first = 0, ""
    for key, mask in theirs.items():
        if key in ours and ours[key].shape == mask.shape:
            wrong = int((ours[key] != mask).sum())
            if wrong and not count:
                first = key[0]
            count += wrong
    return count, first


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
