"""A module gives the same however it is used: again, two calls at once, in another memory layout.

Every check here repeats what a level has already judged, in a way that stale memory, shared
workspaces, assigned gradients and assumptions about strides do not survive.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.harness import bounds, outputs
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.inputs import generator
from parity_tests.harness.local import as_check, judge
from parity_tests.harness.run import (
    BrokenError,
    Result,
    backward,
    run_scratch,
    scratch_buffers_kept,
)
from parity_tests.harness.verdict import Check, Verdict
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]

AGAIN = "a second forward of the same input gave something else"
HANDED_OUT = "an array handed out earlier was written again"
STACK = "with two forwards before two backwards a backward used the wrong forward or mode"
ADDED = "a second backward did not add the same gradient again"
CLEARED = "zero_grad left something behind"
LAYOUT = "with another memory layout of the same numbers"
OWN_MASK = "with a mask of its own"
DEVIATIONS = 5.0  # standard deviations that the share of kept units may be off


def twice(
    level: str,
    subject: str,
    path: str,
    ours: nn.Module,
    inputs: tuple[Array, ...],
    d_output: Any,
    first: Result,
) -> list[Check]:
    """Run forward twice, then backward twice, and clear.

    The second forward has other inputs and its backward a cotangent of zeros, so it must add
    nothing; the first one must give what it gave before and exactly double the gradients. Between
    forward and backward the module changes between training and evaluation, which must not matter.

    Args:
        level: name of the level.
        subject: chapter or layer case.
        path: of the module.
        ours: the module, after `first`, not cleared.
        inputs: what `first` was made of.
        d_output: cotangent, likewise.
        first: what the module gave.

    Returns:
        The failing checks, none if all is well.
    """
    engine = f"scratch {outputs.parts(first.output)[0].dtype}"
    held = {name: value.copy() for name, value in first.tensors().items()}
    outer = Result(first.output, first.dx, {}).tensors()
    others = tuple(-value if value.dtype.kind == "f" else value for value in inputs)
    checks: list[Check] = []

    def expect(found: Mapping[str, Array], factor: int, note: str) -> None:
        for name, value in found.items():
            want = factor * held[name] if factor else np.zeros_like(held[name])
            result = compare(value, want, 0.0, reach=0)
            if result.verdict is not Verdict.PASS:
                check = as_check(result, level, subject, path, name, engine)
                checks.append(replace(check, verdict=Verdict.FAIL, note=note))

    mode = ours.training
    try:
        with scratch_buffers_kept(ours):
            again = outputs.each(np.asarray, outputs.call(ours, inputs))
            outputs.call(ours, others)
        ours.train(not mode)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", nn.StaleForwardWarning)
            backward(ours, outputs.each(np.zeros_like, d_output))
        expect(outer, 1, HANDED_OUT)
        dx = backward(ours, d_output)
    except Exception as cause:
        note = f"a second use raised {type(cause).__name__}: {cause}"
        found = Comparison(Verdict.FAIL, np.inf, note=note)
        return [as_check(found, level, subject, path, "output", engine)]
    finally:
        ours.train(mode)
    expect(outputs.named("output", again), 1, AGAIN)
    expect(dict(zip([name for name in outer if name.startswith("dx")], dx, strict=True)), 1, STACK)
    expect(_gradients(ours), 2, ADDED)
    with scratch_buffers_kept(ours):
        outputs.call(ours, inputs)
    ours.zero_grad()
    expect(_gradients(ours), 0, CLEARED)
    if any(module.pending() for _, module in ours.named_modules()):
        found = Comparison(Verdict.FAIL, np.inf, note=CLEARED)
        checks.append(as_check(found, level, subject, path, "dx", engine))
    return checks


def _gradients(ours: nn.Module) -> dict[str, Array]:
    return {name: parameter.grad for name, parameter in ours.named_parameters()}


def permuted(value: Array) -> Array:
    """Return a copy with the first axis innermost in memory; images channels last.

    >>> permuted(np.zeros((2, 3, 5, 7))).strides
    (840, 8, 168, 24)
    """
    if value.ndim == 4:
        return np.ascontiguousarray(value.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return np.asfortranarray(value) if value.ndim else value


def gapped(value: Array) -> Array:
    """Return a copy in every second place of a larger array, the last axis backwards.

    >>> gapped(np.array([1.0, 2.0])), gapped(np.array([1.0, 2.0])).strides
    (array([1., 2.]), (-16,))
    """
    if not value.ndim:
        return value
    copied = np.full((*value.shape[:-1], 2 * value.shape[-1]), 97, value.dtype)[..., ::-2]
    copied[...] = value
    return copied


def relaid(
    level: str,
    subject: str,
    path: str,
    ours: nn.Module,
    inputs: tuple[Array, ...],
    d_output: Any,
    first: Result,
    limits: Mapping[str, Array | float],
) -> list[Check]:
    """Run a copy with inputs and cotangent in two other memory layouts.

    Args:
        level: name of the level.
        subject: chapter or layer case.
        path: of the module.
        ours: the module.
        inputs: what `first` was made of.
        d_output: cotangent, likewise.
        first: what the module gave.
        limits: tolerance of each tensor against the truth.

    Returns:
        The failing checks, none if all is well.
    """
    dtype = str(outputs.parts(first.output)[0].dtype)
    engine = f"scratch {dtype}"
    fresh = copy.deepcopy(ours)
    both = {name: 2 * limit for name, limit in limits.items()}
    given = first.tensors()
    if any(np.ndim(v) and np.shape(v) != given[name].shape for name, v in both.items()):
        return []  # of the wrong shape, which is judged already
    anything = dict.fromkeys(both, 0)
    checks: list[Check] = []
    for lay in (permuted, gapped):
        try:
            found = run_scratch(fresh, tuple(map(lay, inputs)), outputs.each(lay, d_output))
        except BrokenError as error:
            broken = Comparison(Verdict.FAIL, np.inf, note=error.reason)
            tensor = "output" if error.direction == "forward" else "dx"
            checks.append(as_check(broken, level, subject, path, tensor, engine))
            continue
        checks += judge(level, subject, path, engine, found, first, both, anything, dtype)
    return [_noted(check, LAYOUT) for check in checks if check.failing]


def _noted(check: Check, note: str) -> Check:
    return replace(check, note=f"{check.note} {note}".strip())


def own_mask(
    level: str,
    subject: str,
    path: str,
    ours: nn.Module,
    inputs: tuple[Array, ...],
    d_output: Array,
) -> list[Check]:
    """Let a dropout layer draw its mask, which every other check pins.

    Returns:
        The failing checks: kept units are not scaled by 1/(1 - p), the backward has another mask
        than the forward, or the share of kept units is far from 1 - p. None for other modules and
        in evaluation.
    """
    if not isinstance(ours, nn.Dropout) or not ours.training:
        return []
    fresh = copy.deepcopy(ours)
    fresh.mask = None
    fresh.generator = generator(0, level, subject, path)
    # A zero, such as a ReLU gives, does not show whether it was kept.
    x, dtype = np.where(inputs[0] == 0, inputs[0].dtype.type(1), inputs[0]), str(inputs[0].dtype)
    found = run_scratch(fresh, (x,), d_output)
    mask, scale = found.output != 0, 1 / (1 - fresh.p)
    truth = Result(x * mask * scale, (d_output * mask * scale,), {})
    limits = {
        name: bounds.tolerance(bounds.ROUNDED_PRODUCT * np.abs(value), dtype)
        for name, value in truth.tensors().items()
    }
    common = (level, subject, path, f"scratch {dtype}")
    anything = dict.fromkeys(limits, 0)
    checks = [c for c in judge(*common, found, truth, limits, anything, dtype) if c.failing]
    spread = DEVIATIONS * math.sqrt(x.size * fresh.p * (1 - fresh.p))
    kept, expected = int(mask.sum()), x.size * (1 - fresh.p)
    if abs(kept - expected) > spread:
        note = f"{kept} of {x.size} units kept, {expected:.0f} expected"
        result = Comparison(Verdict.FAIL, np.inf, got=kept, want=expected, note=note)
        check = as_check(result, *common[:3], "mask", common[3])
        checks.append(replace(check, direction="forward"))
    return [_noted(check, OWN_MASK) for check in checks]
