"""L5: training, step by step, on the same batches from the same state.

Forced steps start from the reference's own parameters and optimiser state and add up the gradients
of two half batches. Free runs are gated at the same steps: where rounding grows, a run is only
held to what torch keeps against itself when the rows of each batch change places.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.harness import bounds, nulls
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.curves import Curves
from parity_tests.harness.local import as_check
from parity_tests.harness.training import (
    BATCH,
    OPTIMISERS,
    Record,
    ScratchTwin,
    Snapshot,
    Task,
    TorchTwin,
    make_task,
    through_a_file,
    train,
)
from parity_tests.harness.traits import is_convolutional, is_deep, normalised
from parity_tests.harness.verdict import Check, Verdict
from scratch import spec
from scratch.build import construct

Array = np.ndarray[Any, np.dtype[Any]]

LEVEL = "L5"
MARKS = (1, 10, 100, 1000)
RESUMED = (5, 10)  # saved after, compared after
REPEATED = 10  # of a run this part is run again, but no less than the resumed one is long


def usual_steps(id: str, size: str = "tiny") -> int:
    """Return 1000, or 100 for a deep or a convolutional network, as `make test` does.

    A step of those takes ten times as long, and rectifiers by the dozen make a thousand of them
    chaotic, for torch against itself as well. `run` takes a thousand where asked to, and
    `make test-long` asks.
    """
    network = construct(spec.get(id, size))
    slow = is_deep(network.state_dict()) or is_convolutional(network)
    return MARKS[2] if slow else MARKS[3]


def run(
    id: str,
    size: str = "tiny",
    seed: int = 0,
    steps: int = 1000,
    dtype: str = "float64",
    exact: bool = False,
) -> list[Check]:
    """Train a chapter with each optimiser.

    Args:
        id: chapter.
        size: "tiny" or "full".
        seed: of weights, data and order.
        steps: of the free run; steps 1, 10, 100 and 1000 are compared as far as it goes.
        dtype: "float64" is gated; "float32" says at which step each twin leaves float64.
        exact: train the chapter's piecewise linear form, which may be chaotic.

    Returns:
        Per optimiser the losses, parameters and buffers of the free run, parameters and moments
        of the forced steps, and whether the run repeats and resumes bit for bit. A check that
        passes only thanks to torch's gap to itself says so in its note.
    """
    checks: list[Check] = []
    for optimizer in OPTIMISERS:
        task = make_task(id, optimizer, size, seed, steps, dtype, exact)
        level = _Level(task, optimizer, dtype, range(1, steps + 1))
        checks += level.free() if dtype == "float64" else level.horizons()
        checks += level.forced() if dtype == "float64" else ()
        checks += level.repeatable()
    return checks


def curves(
    id: str,
    optimizer: str,
    size: str = "tiny",
    seed: int = 0,
    steps: int = 1000,
    dtype: str = "float32",
) -> Curves:
    """Return the losses that `run` judges; arguments as there, `optimizer` of `OPTIMISERS`."""
    task = make_task(id, optimizer, size, seed, steps, dtype)
    return _Level(task, optimizer, dtype, range(1, steps + 1)).curves


class _Level:
    """The checks of one chapter under one optimiser."""

    def __init__(self, task: Task, optimizer: str, dtype: str, steps: Sequence[int]) -> None:
        self.task, self.optimizer, self.dtype, self.steps = task, optimizer, dtype, steps
        self.marks = [t for t in MARKS if t in steps]
        self.engine = f"scratch {dtype}"
        self.null = nulls.names(task.pair)
        # Half a batch has other statistics than the batch, and two samples hardly any.
        self.parts = 1 if normalised(task.pair.scratch) else 2
        self.names = [name for name, _ in task.pair.scratch.named_parameters()]

    @functools.cached_property
    def ours(self) -> Record:
        marks = {*self.marks, RESUMED[1]}
        return train(ScratchTwin(self.task, self.dtype), self.task, self.steps, sorted(marks))

    @functools.cached_property
    def theirs(self) -> Record:
        return train(TorchTwin(self.task, self.dtype), self.task, self.steps, self.marks)

    @functools.cached_property
    def curves(self) -> Curves:
        truth = self.theirs
        if self.dtype != "float64":
            truth = train(TorchTwin(self.task, "float64"), self.task, self.steps)
        id = self.task.pair.subject
        losses = (self.ours.losses, self.theirs.losses, truth.losses)
        return Curves(id, self.optimizer, self.dtype, *losses)

    def check(self, tensor: str, found: Comparison, engine: str = "") -> Check:
        subject = self.task.pair.subject
        check = as_check(found, LEVEL, subject, self.optimizer, tensor, engine or self.engine)
        return replace(check, direction="step")

    # ---- free run

    def free(self) -> Iterator[Check]:
        start = self.theirs.before[1].weights
        for t in self.marks:
            losses = [record.losses[:t] for record in (self.ours, self.theirs)]
            check = self.judged(f"loss of steps 1 to {t}", losses, _largest(losses[1]), t)
            last = t == self.marks[-1]
            yield replace(check, curve=self.curves.curve(self.ours.losses)) if last else check
            after = nulls.invariant(self.theirs.after[t].weights, self.null)
            ours = nulls.invariant(self.ours.after[t].weights, self.null)
            for name, want in after.items():
                arrays = [ours[name], want]
                scale = _largest(want, start[name])
                check = self.judged(f"{name} after step {t}", arrays, scale, t)
                if np.array_equal(want, start[name]) and not check.failing:
                    note = "the reference has not moved"
                    check = replace(check, verdict=Verdict.MISTRUSTED, note=note)
                yield check

    def judged(self, tensor: str, arrays: list[Array], scale: float, t: int) -> Check:
        """Hold one tensor to the bound, or else to what torch keeps against itself."""
        got, want = arrays
        found = compare(got, want, bounds.TRAJECTORY * scale, dtype=want.dtype)
        if found.verdict is Verdict.FAIL and np.isfinite(found.used):
            allowed = bounds.SELF_GAP * self.self_gaps[t] * scale
            loose = compare(got, want, allowed, dtype=want.dtype)
            if loose.verdict is Verdict.PASS:
                note = (
                    f"gate loosened from {bounds.TRAJECTORY:g}: the twins differ by "
                    f"{found.used * bounds.TRAJECTORY:.1e}, torch with permuted rows from itself "
                    f"by {self.self_gaps[t]:.1e}"
                )
                found = replace(loose, note=note)
        return self.check(tensor, found)

    @functools.cached_property
    def self_gaps(self) -> dict[int, float]:
        """How far torch leaves itself when the rows of each batch are rotated, at every mark.

        The largest relative gap of any tensor under any rotation: after a unit has changed sides
        of its kink in one run only, a single rotation or a single tensor says little.
        """
        gaps = dict.fromkeys(self.marks, 0.0)
        for roll in range(1, BATCH):
            twin = TorchTwin(self.task, self.dtype)
            other = train(twin, self.task, self.steps, self.marks, roll=roll)
            for t in self.marks:
                rolled = nulls.invariant(other.after[t].weights, self.null)
                for name, want in nulls.invariant(self.theirs.after[t].weights, self.null).items():
                    scale = _largest(want, self.theirs.before[1].weights[name])
                    gap = float(np.abs(rolled[name] - want).max()) / scale
                    gaps[t] = max(gaps[t], gap)
        return gaps

    # ---- forced steps

    def forced(self) -> Iterator[Check]:
        ours, theirs = ScratchTwin(self.task, self.dtype), TorchTwin(self.task, self.dtype)
        for t in self.marks:
            before = self.theirs.before[t]
            losses = []
            for twin in (ours, theirs):
                twin.restore(before)
                losses.append(np.array([twin.train(*self.task.batch(t, self.dtype), self.parts)]))
            yield from self.forced_step(t, losses, ours.snapshot(), theirs.snapshot(), before)

    def forced_step(
        self, t: int, losses: list[Array], ours: Snapshot, theirs: Snapshot, before: Snapshot
    ) -> Iterator[Check]:
        where = f"of forced step {t}"
        scale = _largest(self.theirs.losses[:t])
        found = compare(losses[0], losses[1], bounds.FORCED_STEP * scale)
        yield self.check(f"loss {where}", found)
        for name, want in theirs.weights.items():
            if name in self.null:
                continue
            limit = bounds.FORCED_STEP * _largest(want, before.weights[name])
            found = compare(ours.weights[name], want, limit, dtype=want.dtype)
            yield self.check(f"{name} {where}", found)
        moments = zip(
            self.names, ours.state.moments, theirs.state.moments, before.state.moments, strict=True
        )
        for name, got_slots, want_slots, old_slots in moments:
            for slot, want in want_slots.items() if name not in self.null else ():
                old = old_slots.get(slot, want)
                if slot in got_slots:
                    limit = bounds.FORCED_STATE * _largest(want, old)
                    found = compare(got_slots[slot], want, limit, dtype=want.dtype)
                else:
                    found = Comparison(Verdict.FAIL, np.inf, note="missing")
                yield self.check(f"{name} {slot} {where}", found)
        got, want = (np.array([snapshot.state.count]) for snapshot in (ours, theirs))
        yield self.check(f"step counter {where}", compare(got, want, 0.0))

    # ---- float32

    def horizons(self) -> Iterator[Check]:
        last = self.steps[-1]
        for engine, losses in (("scratch", self.curves.scratch), ("torch", self.curves.torch)):
            step = self.curves.horizon(losses)
            gap = self.curves.gap(losses).max()
            note = f"within {gap:.1e} of float64 for {last} steps"
            if step is not None:
                note = f"leaves float64 by {bounds.HORIZON:g} at step {step}"
            found = Comparison(Verdict.PASS, note=note)
            if not np.isfinite(losses).all():
                found = Comparison(Verdict.FAIL, np.inf, note="a loss is not finite")
            check = self.check(f"loss of steps 1 to {last}", found, f"{engine} {self.dtype}")
            yield replace(check, curve=self.curves.curve(losses))

    # ---- the same again

    def repeatable(self) -> Iterator[Check]:
        length = max(RESUMED[1], self.steps[-1] // REPEATED)
        stop = max(t for t in self.marks if t <= length)
        other = train(ScratchTwin(self.task, self.dtype), self.task, range(1, stop + 1), [stop])
        same = other.losses.tobytes() == self.ours.losses[:stop].tobytes()
        odd = _differing(other.after[stop], self.ours.after[stop])
        yield self.bitwise(
            f"all bits after {stop} steps, run again", odd if same else ["loss", *odd]
        )
        saved, stop = RESUMED
        if stop in self.ours.after:
            twin = ScratchTwin(self.task, self.dtype)
            train(twin, self.task, range(1, saved + 1))
            resumed = through_a_file(twin, ScratchTwin(self.task, self.dtype))
            record = train(resumed, self.task, range(saved + 1, stop + 1), [stop])
            odd = _differing(record.after[stop], self.ours.after[stop])
            yield self.bitwise(f"all bits after {stop} steps, saved and restored at {saved}", odd)

    def bitwise(self, tensor: str, odd: list[str]) -> Check:
        if not odd:
            return self.check(tensor, Comparison(Verdict.PASS))
        note = f"not the same bits: {', '.join(odd)}"
        return self.check(tensor, Comparison(Verdict.FAIL, np.inf, note=note))


def _largest(*arrays: Array) -> float:
    """Largest absolute value; a lone bias that passes zero is as uncertain as it was before."""
    return max(float(np.abs(array).max(initial=0.0)) for array in arrays)


def _differing(a: Snapshot, b: Snapshot) -> list[str]:
    pairs = {name: (value, b.weights[name]) for name, value in a.weights.items()}
    for number, slots in enumerate(a.state.moments):
        for slot, value in slots.items():
            pairs[f"{slot} {number}"] = (value, b.state.moments[number][slot])
    names = [name for name, (x, y) in pairs.items() if x.tobytes() != y.tobytes()]
    same = (a.state.count, a.state.rates) == (b.state.count, b.state.rates)
    return names if same else [*names, "step counter or lr"]
