"""Judge a student's backward of a class: what it returns, call by call, and every gradient."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from parity_tests.harness import bounds
from parity_tests.harness.compare import compare
from parity_tests.harness.exercise.calls import as_tuple, put
from parity_tests.harness.exercise.functions import differing, told
from parity_tests.harness.exercise.grade import MISSING, NOT_EXACT, TODO, Finding, Grade, of_levels
from parity_tests.harness.exercise.items import Block
from parity_tests.harness.exercise.network import Gradients, Network, backward_order, limits
from parity_tests.harness.exercise.student import Student, Trouble
from parity_tests.harness.golden.causes import fits
from parity_tests.harness.golden.judge import pattern
from parity_tests.harness.verdict import Verdict
from scratch.nn.guard import StaleForwardWarning

Array = np.ndarray[Any, np.dtype[Any]]


class Visit(NamedTuple):
    """One call of a backward: what it returns, and what its children return in it."""

    results: tuple[Any, ...]
    children: dict[str, Any]


Returned = list[Visit]


def judge(
    student: Student, item: Block, network: Network, want: Gradients, exact: tuple[Network, ...]
) -> Grade:
    """Return the grade of one class's backward.

    Args:
        student: whose it is.
        item: the class.
        network: on real numbers.
        want: its right gradients.
        exact: the network on integers, in float64 and in float32.
    """
    if student.of(item) is None:
        return Grade(item.name, MISSING)
    fault = student.signature_fault(item)
    if fault:
        return of_levels(item.name, {"network": Finding(fault)})
    returned = _returns(item, network)
    got, mine, stale = _run(student, item, network)
    own = _own(mine, returned)
    if isinstance(got, Trouble):
        why = own or Finding(got.text)
        return Grade(item.name, TODO) if got.todo else of_levels(item.name, {"network": why})
    whole = differing(got, want, network)
    behind = _first_wrong(network, got, want)
    if own:
        own = Finding(own.text, (*own.causes, *_unreached(network, got, want), *behind, *stale))
    elif whole:
        whole = Finding(whole.text, (*_unreached(network, got, want), *stale))
    elif stale:
        whole = Finding("not every forward gets its backward", stale)
    levels: dict[str, Finding | str | None] = {"bounded": own}
    levels["exact"] = _exact(student, item, exact)
    levels["network"] = whole
    return of_levels(item.name, levels)


def _returns(item: Block, network: Network) -> Returned:
    """Return what scratch's own backward returns, call by call, and its children in each."""
    kept: Returned = []
    with put(item.cls, "backward", _watched(item.cls.backward, kept)):
        network.run()
    return kept


def _run(student: Student, item: Block, network: Network) -> tuple[Any, Returned, tuple[str, ...]]:
    """Run the network with the student's backward; return gradients, returns and leftovers."""
    kept: Returned = []
    with student.planted(item), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", StaleForwardWarning)
        with put(item.cls, "backward", _watched(item.cls.backward, kept)):
            got = student.attempt(network.run, len(item.paths))
    left = [str(w.message) for w in seen if issubclass(w.category, StaleForwardWarning)]
    return got, kept, tuple(f"!{text.split(' (')[0]}" for text in left)


def _watched(method: Callable[..., Any], kept: Returned) -> Callable[..., Any]:
    def backward(self: Any, *args: Any) -> Any:
        made: dict[str, Any] = {}
        with contextlib.ExitStack() as undo:
            for name, child in self.named_children():
                undo.enter_context(_noted(name, child, made))
            result = method(self, *args)
        whole = tuple(None if one is None else np.array(one) for one in as_tuple(result))
        kept.append(Visit(whole, made))
        return result

    return backward


@contextlib.contextmanager
def _noted(name: str, child: Any, made: dict[str, Any]) -> Iterator[None]:
    """Keep what the backward of a child returns."""
    old, original = child.__dict__.get("backward"), child.backward

    def backward(*args: Any) -> Any:
        result = original(*args)
        made[name] = None if isinstance(result, tuple) else np.array(result)
        return result

    child.__dict__["backward"] = backward
    try:
        yield
    finally:
        if old is None:
            del child.__dict__["backward"]
        else:
            child.__dict__["backward"] = old


def _own(mine: Returned, want: Returned) -> Finding | None:
    """Return the first wrong result of the backward itself; later calls are given its mistakes."""
    for got, right in zip(mine, want, strict=False):
        if len(got.results) != len(right.results):
            return Finding(f"it returns {len(got.results)} results, expected {len(right.results)}")
        for one, other in zip(got.results, right.results, strict=True):
            if one is None:
                return Finding("it returns None: is the return missing?")
            most = bounds.whole(other)
            verdict = compare(one, other, most, dtype=other.dtype)
            if verdict.verdict is Verdict.FAIL:
                text = told("its result", verdict, pattern(one, other, most))
                return Finding(text, tuple(_branches(one, other, right.children)))
    return None


def _branches(got: Array, want: Array, children: dict[str, Any]) -> Iterator[str]:
    """Name branches of a block that are forgotten or added twice."""
    if got.shape != want.shape:
        return
    for name, part in children.items():
        if part is not None and part.shape == want.shape:
            guesses = {
                f"what {name}.backward returns is not added": want - part,
                f"what {name}.backward returns is added twice": want + part,
            }
            for text, predicted in guesses.items():
                if fits(got.ravel(), predicted.ravel(), want.ravel(), bounds.whole(want)):
                    yield text


def _first_wrong(network: Network, got: Gradients, want: Gradients) -> tuple[str, ...]:
    """Say which gradient of a parameter is wrong first, in the order of the backward."""
    most = limits(want, network)
    for name in backward_order(list(want)):
        if name != "dx" and compare(got[name], want[name], most[name]).verdict is Verdict.FAIL:
            return (f"!in the order of backward, the gradient of {name} is the first wrong one",)
    return ()


def _exact(student: Student, item: Block, exact: tuple[Network, ...]) -> Finding | str | None:
    """Judge the gradients on integers by equality, where nothing is rounded."""
    wide, narrow = (network.run() for network in exact)
    if not _returns(item, exact[0]):
        return NOT_EXACT
    if not all(np.array_equal(wide[name], narrow[name]) for name in wide):
        return NOT_EXACT
    got, _, _ = _run(student, item, exact[0])
    if isinstance(got, Trouble):
        return Finding(f"on integers {got.text}")
    for name, right in wide.items():
        verdict = compare(got[name], right, 0.0)
        if verdict.verdict is Verdict.FAIL:
            label = "the gradient of the input" if name == "dx" else f"the gradient of {name}"
            where = pattern(got[name], right, 0.0)
            return Finding(f"on integers {told(label, verdict, where)}")
    return None


def _unreached(network: Network, got: Gradients, want: Gradients) -> tuple[str, ...]:
    """Name modules whose gradients stayed zero, or came twice."""
    found = []
    most = limits(want, network)
    for path, _ in network.model.named_modules():
        names = [n for n in want if n != "dx" and n.rpartition(".")[0] == path]
        if names and all(not got[n].any() and want[n].any() for n in names):
            found.append(f"!the backward of {path} is not called: its gradients are zero")
        elif names and all(_twice(got[n], want[n], most[n]) for n in names):
            found.append(f"!the backward of {path} is given its gradient twice")
    return tuple(found[:1])


def _twice(got: Array, want: Array, most: float) -> bool:
    return bool(want.any() and np.abs(got - 2 * want).max() <= 2 * most)
