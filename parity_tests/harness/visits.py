"""Walk through both twins of a pair, module by module, with the reference's own tensors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from parity_tests.harness import outputs
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.local import as_check
from parity_tests.harness.pair import Pair
from parity_tests.harness.rows import has_row
from parity_tests.harness.run import BrokenError, Result, cast, run_scratch, run_torch
from parity_tests.harness.trace import Trace, Visit, tap_scratch, tap_torch
from parity_tests.harness.verdict import Check, Verdict
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]


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
        run_scratch(model, inputs, outputs.cast(pair.d_output, dtype))
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
    found, want = (outputs.named("output", value) for value in (error.output, truth.output))
    checks = [as_check(raised, level, pair.subject, path, "dx", engine)]
    for name, value in found.items():
        forward = Comparison(Verdict.FAIL, np.inf, note="the reference has no such output")
        if name in want:
            forward = compare(value, want[name], limits[name], dtype=dtype)
        checks.insert(-1, as_check(forward, level, pair.subject, path, name, engine))
    return checks


def places(pair: Pair, trace: Trace, dtype: str) -> Iterator[Place]:
    """Yield every recorded call in the order in which the forwards ended.

    In float64 these are the pair's own modules: a copy of a large network takes gigabytes, and
    those who run a module put its buffers back.
    """
    theirs = dict(pair.torch.named_modules())
    wide = dtype == "float64"
    ours = dict((pair.scratch if wide else pair.scratch_as(dtype)).named_modules())
    peers = theirs if wide else dict(pair.torch_as(dtype).named_modules())
    for visit in trace.visits:
        if visit.d_output is not None:
            path = visit.path
            yield Place(path, visit, ours[path], peers[path], theirs[path])
