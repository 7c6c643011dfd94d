"""Is the right module blamed? Small faults in every module of a network, one at a time.

The faults are those of `small_faults`. Each sits on an instance, so that the other leaves of the
same class stay right, and the first divergence must name it and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from parity_tests.harness import inputs, outputs
from parity_tests.harness.kinks import idle
from parity_tests.harness.levels import exact, judge
from parity_tests.harness.levels.known import Earlier
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.pair import Pair, load, of_chapter, with_cotangent
from parity_tests.harness.run import run_torch
from parity_tests.harness.small_faults import SmallFault, leaf_faults, wiring_faults
from parity_tests.harness.verdict import Check
from parity_tests.harness.visits import reference_trace
from scratch import spec

Make = Callable[[int], Pair]

BATCH = 3
DRAWS = 200
AGAIN = 3  # draws of a forward fault that changes no number of the forward pass
FORMS = ("real", "piecewise linear", "exact")


@dataclass(frozen=True)
class Attempt:
    """One fault and what was blamed for it.

    Attributes:
        form: of `FORMS`: the chapter as it is (L2), its exact form with real numbers (L2), or with
            integers (L0).
        fault: in words.
        expected: "forward PATH output", "backward PATH dx" or "backward PATH parameter"; the path
            of the whole network is "(CHAPTER)".
        blamed: the same for every divergence that was reported, joined by "; ".
        skipped: why it was not tried, "" if it was.
    """

    form: str
    fault: str
    expected: str
    blamed: str = ""
    skipped: str = ""

    @property
    def right(self) -> bool:
        """Whether exactly the faulty place was blamed."""
        return self.blamed == self.expected


def make_pair(id: str, form: str, size: str = "tiny", seed: int = 0) -> Pair:
    """Return the pair of a chapter in one of `FORMS`."""
    pair = of_chapter(id, size, seed, exact=form != "real", batch=BATCH)
    if form != "piecewise linear":
        return pair
    rng = inputs.generator(seed, id, size, form)
    load(pair.scratch, pair.torch, inputs.moved(pair.scratch.state_dict(), rng))
    pair.inputs = (inputs.signed(rng, pair.inputs[0].shape),)
    return with_cotangent(pair, rng)


def run(
    id: str,
    size: str = "tiny",
    factor: float = 1.001,
    form: str = "real",
    most: int | None = None,
) -> list[Attempt]:
    """Plant every fault of a chapter in turn.

    Args:
        id: chapter.
        size: "tiny" or "full".
        factor: of the leaf faults.
        form: of `FORMS`.
        most: plant only so many, spread over the whole network; None for all.

    Returns:
        One attempt per fault, those that cannot be planted with the reason; none if the chapter
        has no such form.
    """
    if form != "real" and not spec.get(id, size).exact:
        return []
    return of_pairs(lambda seed: make_pair(id, form, size, seed), form, factor, most)


def of_pairs(
    make: Make, form: str, factor: float = 1.001, most: int | None = None
) -> list[Attempt]:
    """Plant every fault of a network in turn.

    Args:
        make: returns the same pair for the same seed, BATCH samples wide.
        form: of `FORMS`: "exact" for integers, judged by L0.
        factor: of the leaf faults.
        most: plant only so many, spread over the whole network; None for all.
    """
    first = _Draw(make, form)
    faults = [*leaf_faults(first.clean, factor), *wiring_faults(first.clean)]
    if most is not None:
        faults = faults[:: -(-len(faults) // most)]
    attempts = []
    for fault in faults:
        blamed, draw = "" if fault.skipped else first.blamed(fault), first
        for _ in range(AGAIN):
            if not _unseen_in_forward(fault, blamed):
                break
            draw = _Draw(make, form, draw.seed + 1)
            blamed = draw.blamed(fault)
        attempts.append(Attempt(form, fault.name, fault.expected, blamed, fault.skipped))
    return attempts


def _unseen_in_forward(fault: SmallFault, blamed: str) -> bool:
    """Return whether the right block is blamed, but in backward alone.

    Of few weights that are not zero none may meet the entries that a fault in forward changed, but
    for the gradient of the weights themselves.
    """
    direction, where, _ = fault.expected.split(" ")
    return direction == "forward" and blamed.startswith(f"backward {where} ")


class _Draw:
    """A network, and what is known of it without a fault."""

    def __init__(self, make: Make, form: str, first: int = 0) -> None:
        self.make, self.form = make, form
        self.seed = _alive(make, first)
        self.clean, self.earlier = make(self.seed), Earlier()
        _judged(self.clean, form, self.earlier)

    def blamed(self, fault: SmallFault) -> str:
        """Return the places that are blamed for a fault."""
        pair = self.make(self.seed)
        fault.plant(dict(pair.scratch.named_modules())[fault.path])
        checks = _judged(pair, self.form, replace(self.earlier, changed=fault.path))
        return "; ".join(
            f"{c.direction} {c.where} {outputs.without_field(c.tensor)}"
            for c in first_divergences(checks)
        )


def _alive(make: Make, first: int) -> int:
    """Return the next seed at which the samples of a batch differ and all of them pass a gradient.

    Where every unit of a layer is shut, one sample is as good as another: a mix-up is no fault. Nor
    is a rectifier that is left out where a maximum behind it is positive anyway.
    """
    for seed in range(first, first + DRAWS):
        pair = make(seed)
        found = run_torch(pair.torch_as("float64"), pair.inputs, pair.d_output)
        both = (*outputs.parts(found.output), *outputs.parts(pair.d_output))
        rows = [len(np.unique(value, axis=0)) for value in both]
        if (
            min(rows) == BATCH
            and all(v.reshape(BATCH, -1).any(axis=1).all() for v in found.dx)
            and not idle(pair, reference_trace(pair), "")
        ):
            return seed
    return first


def _judged(pair: Pair, form: str, earlier: Earlier) -> list[Check]:
    return exact.run(pair, earlier) if form == "exact" else judge.run(pair, "float64", earlier)


def counts(attempts: list[Attempt]) -> str:
    """Return how many were attributed, and why the others were not tried.

    >>> counts([Attempt("real", "a", "x", "x"), Attempt("real", "b", "x", skipped="no room")])
    '1/1 attributed; 1 not tried: no room'
    """
    tried = [attempt for attempt in attempts if not attempt.skipped]
    text = f"{sum(attempt.right for attempt in tried)}/{len(tried)} attributed"
    reasons = [attempt.skipped for attempt in attempts if attempt.skipped]
    for reason in dict.fromkeys(reasons):
        text += f"; {reasons.count(reason)} not tried: {reason}"
    return text
