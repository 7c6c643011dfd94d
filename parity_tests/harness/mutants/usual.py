"""Which faults the usual tolerances of other projects would have let live, on the same outputs."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from parity_tests.harness import cases, outputs
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.levels import optimiser
from parity_tests.harness.mutants.fault import Fault
from parity_tests.harness.mutants.policies import POLICIES, Policy
from parity_tests.harness.pair import Pair, of_chapter
from parity_tests.harness.run import BrokenError, cast, run_scratch, run_torch
from scratch import spec

Array = np.ndarray[Any, np.dtype[Any]]
Tensors = Mapping[str, Array]
Both = Callable[[], tuple[Tensors, Tensors] | None]  # scratch's and torch's; None if it raised

STEPS = 3 * optimiser.EPOCH  # of an optimiser: two steps of its schedule are among them
DTYPE = "float32"


def killed_by(fault: Fault) -> dict[str, bool]:
    """Return for each policy whether it would have noticed a fault."""
    runs = [run for subject in fault.subjects for run in _trusted(subject)]
    killed = dict.fromkeys((policy.name for policy in POLICIES), False)
    with fault.planted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for ones, both, policies in runs:
            open_ = [p for p in policies if p.ones == ones and not killed[p.name]]
            found = both() if open_ else None
            for policy in open_:
                killed[policy.name] = found is None or not _agrees(policy, *found)
    return killed


@functools.cache
def _trusted(subject: str) -> list[tuple[bool, Both, list[Policy]]]:
    """Return the runs of a subject with the policies that pass them while nothing is planted.

    A project whose tolerance fails right code would have widened it.
    """
    found = []
    for ones, both in _runs(subject):
        clean = both()
        passing = [p for p in POLICIES if clean is not None and _agrees(p, *clean)]
        found.append((ones, both, passing))
    return found


def _agrees(policy: Policy, ours: Tensors, theirs: Tensors) -> bool:
    return all(
        name in ours and policy.agrees(name, np.asarray(ours[name]), want)
        for name, want in theirs.items()
    )


def _runs(subject: str) -> Iterator[tuple[bool, Both]]:
    if subject in optimiser.CASES:
        for ones in (False, True):  # no cotangent is there to be of ones
            yield ones, functools.partial(_steps, subject)
        return
    makes: list[Callable[[], Pair]] = (
        [functools.partial(of_chapter, subject, "tiny", 0, DTYPE)]
        if subject in spec.ids()
        else [functools.partial(of_case, case, 0, DTYPE) for case in cases.of_layer(subject)]
    )
    for make in makes:
        for ones in (False, True):
            yield ones, functools.partial(_passes, make, ones)


def _passes(make: Callable[[], Pair], ones: bool) -> tuple[Tensors, Tensors] | None:
    """Run both twins in float32, forward and backward."""
    try:
        pair = make()
        inputs = cast(pair.inputs, DTYPE)
        d_output = outputs.cast(pair.d_output, DTYPE)
        d_output = outputs.each(np.ones_like, d_output) if ones else d_output
        ours = run_scratch(pair.scratch_as(DTYPE), inputs, d_output)
    except BrokenError:
        return None
    theirs = run_torch(pair.torch_as(DTYPE), inputs, d_output)
    return ours.tensors(), theirs.tensors()


def _steps(name: str) -> tuple[Tensors, Tensors] | None:
    """Step both optimisers in float32 on the same gradients, from 1 down to 1e-10."""
    try:
        ours, theirs = optimiser.walked(name, STEPS, DTYPE)
    except Exception:
        return None
    names = [f"parameter {number}" for number in range(len(theirs))]
    return dict(zip(names, ours, strict=True)), dict(zip(names, theirs, strict=True))
