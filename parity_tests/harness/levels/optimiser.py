"""L4: optimisers and schedules on given gradients, step by step.

Every parameter has one row per gradient scale, from 1 down to exactly 0, and is judged row by row:
an epsilon in the wrong place shows only where gradients are tiny. One parameter starts at zero,
where the change is the parameter itself and no rounding of it hides a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from parity_tests.harness import bounds, inputs
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.local import as_check
from parity_tests.harness.optimiser_cases import SCALES, STARTS, Case, Lane
from parity_tests.harness.optimiser_settings import CASES
from parity_tests.harness.rows_optimiser import units
from parity_tests.harness.stepping import (
    Moments,
    ScratchStepper,
    State,
    Stepper,
    TorchStepper,
    torch_optimizer,
)
from parity_tests.harness.verdict import Check, Verdict
from ref_torch.optim import make_schedule as make_torch_schedule
from scratch import optim
from scratch.nn import Parameter
from scratch.train import make_schedule

Array = np.ndarray[Any, np.dtype[Any]]

LEVEL = "L4"
RATES = "lr of every epoch"
STEPS = max(bounds.OPTIMISER_STEPS)
EPOCH = 20  # steps between two steps of a schedule, 50 epochs in all


@dataclass
class _Run:
    stepper: Stepper
    schedule: Any
    case: Case
    rates: list[list[float]] = field(default_factory=list)

    def advance(self, t: int, gradients: list[Array]) -> None:
        if t == 1:
            self.rates.append(self.stepper.state().rates)
        self.step(gradients)
        if self.schedule is not None and t % EPOCH == 0:
            self.schedule.step()
            self.rates.append(self.stepper.state().rates)

    def step(self, gradients: list[Array]) -> None:
        self.stepper.give(gradients)
        if self.case.clip:
            self.stepper.clip(self.case.clip, self.case.norm)
        self.stepper.step()


def run(name: str, seed: int = 0, dtype: str = "float64") -> list[Check]:
    """Judge one case of `CASES`.

    Args:
        name: key of `CASES`.
        seed: of starts and gradients.
        dtype: "float64" steps both twins side by side; "float32" makes single steps of both in
            float32 from the state of torch in float64, and judges each against float64.

    Returns:
        Per gradient scale the parameter, its change and every moment after 1, 10 and 1000 steps;
        per case the rates of all epochs and the step counter.
    """
    case = CASES[name]
    rng = inputs.generator(seed, LEVEL, name)
    starts = _starts(case, rng, dtype)
    gradients = [_gradients(starts, rng, dtype) for _ in range(STEPS)]
    if dtype == "float64":
        checks = _side_by_side(name, case, starts, gradients)
        return sorted(checks, key=lambda check: check.tensor != RATES)  # they explain the steps
    return list(_single_steps(name, case, starts, gradients, dtype))


def _starts(case: Case, rng: np.random.Generator, dtype: str) -> list[Array]:
    return [
        inputs.signed(rng, (len(SCALES), columns), dtype) * (start != "from zero")
        for _ in case.groups
        for start, columns in STARTS.items()
    ]


def _gradients(starts: list[Array], rng: np.random.Generator, dtype: str) -> list[Array]:
    scales = np.array(SCALES)[:, None]
    return [
        (inputs.signed(rng, start.shape) * scales).astype(dtype).astype(np.float64)
        for start in starts
    ]


def _grouped(case: Case, parameters: list[Any]) -> list[dict[str, Any]]:
    size = len(STARTS)
    return [
        {"params": parameters[size * number : size * (number + 1)], **options}
        for number, options in enumerate(case.groups)
    ]


def _scratch(case: Case, starts: list[Array], dtype: str) -> _Run:
    groups = _grouped(case, [Parameter(start.astype(dtype)) for start in starts])
    optimizer = getattr(optim, case.optimizer)(groups, **case.options)
    rates = make_schedule(case.schedule, case.schedule_args, optimizer) if case.schedule else None
    return _Run(ScratchStepper(optimizer), rates, case)


def _torch(case: Case, starts: list[Array], dtype: str) -> _Run:
    tensors = [torch.from_numpy(start.astype(dtype)).requires_grad_() for start in starts]
    optimizer = torch_optimizer(case.optimizer, _grouped(case, tensors), case.options)
    rates = (
        make_torch_schedule(case.schedule, case.schedule_args, optimizer) if case.schedule else None
    )
    return _Run(TorchStepper(optimizer), rates, case)


def walked(name: str, steps: int, dtype: str) -> Iterator[list[Array]]:
    """Yield what all parameters of a case are after so many steps: scratch's, then torch's."""
    case, rng = CASES[name], inputs.generator(0, LEVEL, name)
    starts = _starts(case, rng, dtype)
    gradients = [_gradients(starts, rng, dtype) for _ in range(steps)]
    for make in (_scratch, _torch):
        side = make(case, starts, dtype)
        for t, given in enumerate(gradients, start=1):
            side.advance(t, given)
        yield side.stepper.values()


def _side_by_side(
    name: str, case: Case, starts: list[Array], gradients: list[list[Array]]
) -> Iterator[Check]:
    ours, theirs = _scratch(case, starts, "float64"), _torch(case, starts, "float64")
    lanes = list(case.lanes())
    engine = "scratch float64"
    for t, given in enumerate(gradients, start=1):
        forced = case.forced and t == STEPS
        if forced:
            ours.stepper.set_values(theirs.stepper.values())
            ours.stepper.restore(theirs.stepper.state())
        ours.advance(t, given)
        theirs.advance(t, given)
        if t not in bounds.OPTIMISER_STEPS:
            continue
        limit = bounds.OPTIMISER_STEPS[1 if forced else t]
        values, wanted = ours.stepper.values(), theirs.stepper.values()
        state, reference = ours.stepper.state(), theirs.stepper.state()
        for lane in lanes:
            at, row = lane.parameter, lane.row
            got, want = values[at][row], wanted[at][row]
            tensor = "delta p" if lane.from_zero else "p"
            reach = None if lane.moves or not lane.from_zero else 0
            found = compare(got, want, limit * _largest(want), dtype="float64", reach=reach)
            yield _check(name, lane.name, f"{tensor} after {_steps(t)}", engine, found)
            yield from _moments(name, lane, t, engine, state, reference, limit, "float64")
        yield _counter(name, t, engine, state, reference)
    for number in range(len(case.groups)):
        got, want = (np.array([r[number] for r in side.rates]) for side in (ours, theirs))
        found = compare(got, want, 0.0, dtype="float64")
        yield _check(name, f"group {number}", RATES, engine, found)


def _moments(
    name: str,
    lane: Lane,
    t: int,
    engine: str,
    state: State,
    reference: State,
    limits: float | Moments,
    dtype: str,
) -> Iterator[Check]:
    at, row = lane.parameter, lane.row
    ours, theirs = state.moments[at], reference.moments[at]
    for slot in sorted({*ours, *theirs}):
        tensor = f"{slot} after {_steps(t)}"
        if slot in ours and slot in theirs:
            want = theirs[slot][row]
            limit: Array | float = (
                limits[at][slot][row] if isinstance(limits, list) else limits * _largest(want)
            )
            reach = None if lane.fed else 0
            found = compare(ours[slot][row], want, limit, dtype=dtype, reach=reach)
        else:
            note = "missing" if slot in theirs else "torch keeps no such moment"
            found = Comparison(Verdict.FAIL, np.inf, note=note)
        yield _check(name, lane.name, tensor, engine, found)


def _single_steps(
    name: str, case: Case, starts: list[Array], gradients: list[list[Array]], dtype: str
) -> Iterator[Check]:
    walk = _torch(case, starts, "float64")
    for t, given in enumerate(gradients, start=1):
        if t in bounds.OPTIMISER_STEPS:
            values = [v.astype(dtype).astype(np.float64) for v in walk.stepper.values()]
            state = _rounded(walk.stepper.state(), dtype)
            yield from _single_step(name, case, t, values, state, given, dtype)
        walk.advance(t, given)


def _rounded(state: State, dtype: str) -> State:
    moments = [
        {slot: value.astype(dtype).astype(np.float64) for slot, value in slots.items()}
        for slots in state.moments
    ]
    return State(moments, state.count, state.rates)


def _single_step(
    name: str,
    case: Case,
    t: int,
    values: list[Array],
    state: State,
    given: list[Array],
    dtype: str,
) -> Iterator[Check]:
    def stepped(side: _Run) -> Stepper:
        side.stepper.set_values(values)
        side.stepper.restore(state)
        side.step(given)
        return side.stepper

    truth = stepped(_torch(case, values, "float64"))
    reference, wanted = truth.state(), truth.values()
    steps, limits = _tolerances(case, values, given, state, reference, dtype)
    for engine, make in ((f"scratch {dtype}", _scratch), (f"torch {dtype}", _torch)):
        side = stepped(make(case, values, dtype))
        found_state, found_values = side.state(), side.values()
        for lane in case.lanes():
            at, row = lane.parameter, lane.row
            old = values[at][row]
            change = found_values[at][row].astype(np.float64) - old
            reach = None if lane.moves else 0
            found = compare(change, wanted[at][row] - old, steps[at][row], reach=reach)
            if found_values[at].dtype != np.dtype(dtype):
                found = Comparison(Verdict.FAIL, np.inf, note=f"p is {found_values[at].dtype}")
            yield _check(name, lane.name, f"delta p of step {t}", engine, found)
            yield from _moments(name, lane, t, engine, found_state, reference, limits, dtype)
        yield _counter(name, t, engine, found_state, reference)


def _tolerances(
    case: Case,
    values: list[Array],
    given: list[Array],
    state: State,
    reference: State,
    dtype: str,
) -> tuple[list[Array], Moments]:
    steps: list[Array] = []
    moments: Moments = []
    for number, value in enumerate(values):
        group = number // len(STARTS)
        options = {**case.all_options()[group], "lr": state.rates[group]}
        step, slots = units(
            case.optimizer,
            options,
            value,
            given[number],
            state.moments[number],
            reference.moments[number],
            reference.count,
        )
        steps.append(bounds.tolerance(step, dtype))
        moments.append({slot: bounds.tolerance(limit, dtype) for slot, limit in slots.items()})
    return steps, moments


def _counter(name: str, t: int, engine: str, state: State, reference: State) -> Check:
    found = compare(np.array([state.count]), np.array([reference.count]), 0.0)
    return _check(name, "", f"step counter after {_steps(t)}", engine, found)


def _check(name: str, module: str, tensor: str, engine: str, found: Comparison) -> Check:
    check = as_check(found, LEVEL, name, module, tensor, engine)
    return replace(check, direction="step")


def _largest(values: Array) -> float:
    return float(np.abs(values).max())


def _steps(t: int) -> str:
    return "1 step" if t == 1 else f"{t} steps"
