"""Grade a whole file: one thing after the other, then all together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from parity_tests.harness import bounds, outputs
from parity_tests.harness.compare import compare
from parity_tests.harness.exercise import functions, models
from parity_tests.harness.exercise.calls import Function, functions_of
from parity_tests.harness.exercise.functions import told as worded
from parity_tests.harness.exercise.grade import RIGHT, Finding, Grade
from parity_tests.harness.exercise.items import ALL, LAYERS, Item, items_of
from parity_tests.harness.exercise.network import (
    EXACT,
    IntegerNetwork,
    Network,
    backward_order,
    sizes,
)
from parity_tests.harness.exercise.student import Student, Trouble
from parity_tests.harness.traits import normalised
from parity_tests.harness.verdict import Verdict
from scratch.gradcheck import complex_step
from scratch.spec.errors import UserError

MANY = 20  # calls of a whole network
ENTRIES = 3  # of every tensor that the complex step moves


@dataclass(frozen=True)
class Together:
    """The verdict on everything that was filled in, at once.

    Attributes:
        judge: "complex step" or "torch".
        tensors: how many were compared.
        finding: the first that is wrong.
    """

    judge: str
    tensors: int
    finding: Finding | None = None


def grade(
    student: Student, seed: int = 0, told: Callable[[Grade], None] = lambda _: None
) -> list[Grade]:
    """Return the grade of everything that the student's file was to fill in.

    Args:
        student: whose file it is.
        seed: of the numbers.
        told: is given every grade as soon as it is known.

    Raises:
        UserError: the chapter is unknown, or does not use what the file lists.
    """
    network = Network(student.chapter, seed)
    want = network.run()
    items = expected(student, network)
    exact = Network(student.chapter, seed, EXACT)
    both = (
        IntegerNetwork(student.chapter, seed),
        IntegerNetwork(student.chapter, seed, np.float32),
    )
    of_integers = {function.name: function for function in functions_of(exact)}
    grades = []
    for item in items:
        if isinstance(item, Function):
            one = functions.judge(student, item, of_integers[item.name], network, want)
        else:
            one = models.judge(student, item, network, want, both)
        grades.append(one)
        told(one)
    return grades


def asked(
    student: Student,
    kind: str = LAYERS,
    only: tuple[str, ...] = (),
    besides: tuple[str, ...] = (),
) -> Student:
    """Return a student of whom the chapter asks, whatever the list in the file says.

    Args:
        student: whose file it is.
        kind: of what there is to fill in, as in `items_of`.
        only: names of some of it.
        besides: more names.

    Raises:
        UserError: the chapter is unknown, or does not use a name.
    """
    network = Network(student.chapter)
    expected(student, network)  # refuses a list of something else
    wanted = {*(item.name for item in items_of(network, kind, only)), *besides}
    names = tuple(item.name for item in items_of(network, ALL) if item.name in wanted)
    return replace(student, names=names)


def expected(student: Student, network: Network) -> list[Item]:
    """Return what a file's list names.

    Raises:
        UserError: a name that the chapter does not use.
    """
    known = {item.name: item for item in items_of(network, ALL)}
    strange = [name for name in student.names if name not in known]
    if strange:
        raise UserError(
            f"{student.path}: EXERCISE names {strange[0]}, which {student.chapter} does not use;"
            f" known: {', '.join(known)}"
        )
    return [known[name] for name in dict.fromkeys(student.names)]


def together(student: Student, seed: int = 0) -> Together:
    """Hold the network with everything of the student's in it against the complex step.

    The complex step runs through the forward alone: no backward of scratch takes part.
    """
    network = Network(student.chapter, seed)
    with planted(student, network):
        got = student.attempt(network.run, MANY)
        if isinstance(got, Trouble):
            return Together("complex step", 0, Finding(got.text))
        found = {
            **complex_step(network.model, (network.x,), entries=ENTRIES, seed=seed),
            **_of_loss(network, seed),
        }
    size = sizes({name: numeric for name, (_, numeric) in found.items()}, network)
    magnified = normalised(network.model)
    for name in backward_order(list(found)):
        analytic, numeric = found[name]
        most = bounds.complex_step(size[name], magnified)
        verdict = compare(analytic, numeric, most, reach=0)
        if verdict.verdict is not Verdict.PASS:
            text = f"{worded(name, verdict, '')} by the complex step"
            return Together("complex step", len(found), Finding(text))
    return Together("complex step", len(found))


def passed(grades: list[Grade]) -> bool:
    """Whether everything is right."""
    return all(one.state == RIGHT for one in grades)


def planted(student: Student, network: Network) -> contextlib.ExitStack:
    """Return what lets scratch use everything that a student wrote."""
    stack = contextlib.ExitStack()
    for item in expected(student, network):
        stack.enter_context(student.planted(item))
    return stack


def _of_loss(network: Network, seed: int) -> dict[str, tuple[Any, Any]]:
    output, *_ = outputs.parts(network.model(network.x))
    network.model.zero_grad()
    found = complex_step(network.loss, (output, network.target), entries=ENTRIES, seed=seed)
    return {f"loss.{name}": pair for name, pair in found.items()}
