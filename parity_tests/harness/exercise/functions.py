"""Judge a student's function: on real numbers, on integers, in float32, inside the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.harness import bounds, inputs
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.exercise import causes
from parity_tests.harness.exercise.calls import Call, Function, as_tuple, each
from parity_tests.harness.exercise.grade import MISSING, NOT_EXACT, TODO, Finding, Grade, of_levels
from parity_tests.harness.exercise.network import Gradients, Network, backward_order, limits
from parity_tests.harness.exercise.student import Student, Trouble, arrays_in, own_copy
from parity_tests.harness.golden.judge import pattern
from parity_tests.harness.verdict import Verdict

Array = np.ndarray[Any, np.dtype[Any]]

CALLS = 6  # of different shapes that are tried
DRAWS = 3  # of integers for each
UNEVEN = -0.75  # gradient of a loss, which is 1 in training and hides that it was forgotten
DUMB = "no number in it says anything"


def judge(
    student: Student, item: Function, exact: Function, network: Network, want: Gradients
) -> Grade:
    """Return the grade of one function.

    Args:
        student: whose it is.
        item: with the calls on real numbers.
        exact: the same function with the calls on integers.
        network: on real numbers.
        want: its right gradients.
    """
    found = student.of(item)
    if found is None:
        return Grade(item.name, MISSING)
    fault = student.signature_fault(item)
    if fault:
        return of_levels(item.name, {"bounded": Finding(fault)})
    one = _Judge(student, item, found)
    bounded = one.real()
    if one.todo:
        return Grade(item.name, TODO)
    levels: dict[str, Finding | str | None] = {"bounded": bounded}
    levels["exact"] = one.integers(exact)
    levels["network"] = one.inside(network, want) if bounded is None else ""
    return of_levels(item.name, levels, tuple(one.remarks))


class _Judge:
    def __init__(self, student: Student, item: Function, found: Callable[..., Any]) -> None:
        self.student, self.item, self.found = student, item, found
        self.names = item.results()
        self.todo = False
        self.remarks: list[str] = []
        self.trusted: set[str] = set()

    def real(self) -> Finding | None:
        """Judge on the numbers of the network in float64, then once in float32."""
        calls = list(_different(self.item.calls))
        for call in calls:
            lively = replace(call, dy=_lively(call))
            want = self._truth(lively)
            finding = self._one(lively, want, [bounds.whole(w) for w in map(_array, want)])
            if finding:
                return finding
        narrow = replace(calls[0], dy=_lively(calls[0])).narrow()
        want = self._truth(narrow)
        limit = [bounds.whole(w, "float32") for w in map(_array, want)]
        finding = self._one(narrow, want, limit)
        untrusted = [n for n in self.names if n not in self.trusted]
        if finding is None and untrusted:
            return Finding(f"{', '.join(untrusted)}: {DUMB}")
        return finding and Finding(f"given float32, {finding.text}", finding.causes)

    def integers(self, exact: Function) -> Finding | str | None:
        """Judge on integers, where the right result has no rounding, by equality."""
        judged = False
        for call in _different(exact.calls):
            for seed in range(DRAWS):
                whole = call.integers(seed)
                want = self._truth(whole)
                if not _unrounded(want, self._truth(whole.narrow())):
                    continue
                judged = True
                finding = self._one(whole, want, [0.0] * len(want))
                if finding:
                    return Finding(f"on integers {finding.text}", finding.causes)
        return None if judged else NOT_EXACT

    def inside(self, network: Network, want: Gradients) -> Finding | None:
        """Judge the gradients of the whole network with this function in it."""
        with self.student.planted(self.item):
            got = self.student.attempt(network.run, len(self.item.calls))
        return differing(got, want, network)

    def _truth(self, call: Call) -> tuple[Any, ...]:
        with np.errstate(all="ignore"):
            return as_tuple(self.item.truth(*as_tuple(call.dy), call.cache))

    def _one(self, call: Call, want: tuple[Any, ...], limit: list[float]) -> Finding | None:
        """Make one call and return the first thing that is wrong with its results."""
        dy, cache = own_copy(call.dy), own_copy(call.cache)
        result = self.student.attempt(lambda: self.found(*as_tuple(dy), cache))
        if isinstance(result, Trouble):
            self.todo = self.todo or result.todo
            return Finding(result.text, (f"!it was given {_shapes(dy, cache)}",))
        before = [*arrays_in(call.dy, "dy"), *arrays_in(call.cache, "cache")]
        after = [*arrays_in(dy, "dy"), *arrays_in(cache, "cache")]
        for (name, old), (_, new) in zip(before, after, strict=True):
            if not np.array_equal(old, new, equal_nan=True):
                return Finding(f"it writes into its argument {name}; work on a copy")
        fault = self._form(result, want)
        if fault:
            return Finding(fault)
        results = as_tuple(result)
        at = f"called by {call.where}: "
        for name, got, right, most in zip(self.names, results, want, limit, strict=True):
            finding = self._tensor(call, name, got, right, most)
            if finding:
                swapped = causes.order(results, want, self.names)
                found = (swapped,) if swapped else finding.causes
                return Finding(at + finding.text, found)
            if any(
                isinstance(got, np.ndarray) and np.shares_memory(got, array) for _, array in after
            ):
                remark = f"{name} is no copy: it shares memory with what was given"
                self.remarks += [remark] if remark not in self.remarks else []
        return None

    def _form(self, result: Any, want: tuple[Any, ...]) -> str:
        """Return what is wrong with the form of a result, "" for nothing."""
        listed = f"({', '.join(self.names)})"
        if result is None:
            return "it returns None: is the return missing?"
        if len(want) == 1 and isinstance(result, tuple):
            return f"it returns a tuple of {len(result)}, expected {self.names[0]} alone"
        if len(want) > 1 and not isinstance(result, tuple):
            return f"it returns a {type(result).__name__}, expected the tuple {listed}"
        if len(want) != len(as_tuple(result)):
            return f"it returns {len(result)} results, expected {listed}"
        return ""

    def _tensor(self, call: Call, name: str, got: Any, want: Any, most: float) -> Finding | None:
        if want is None:  # nobody asked for it
            self.trusted.add(name)
            return None
        if got is None:
            return Finding(f"{name} is None, expected an array of shape {want.shape}")
        if not isinstance(got, np.ndarray):
            return Finding(f"{name} is a {type(got).__name__}, expected an array {want.shape}")
        found = got
        if found.dtype.kind not in "biuf":
            return Finding(f"{name} is {found.dtype}, expected {want.dtype}")
        verdict = compare(found, want, most, dtype=want.dtype)
        if verdict.verdict is Verdict.MISTRUSTED:
            return None
        self.trusted.add(name)
        if verdict.verdict is Verdict.PASS:
            return None
        wide = found.astype(np.float64), want.astype(np.float64)
        where = pattern(*wide, most)
        return Finding(told(name, verdict, where), causes.explain(call, name, *wide))


def told(name: str, found: Comparison, where: str) -> str:
    """Return how a tensor is wrong, in words."""
    place = f"[{', '.join(map(str, found.index))}]" if found.index else ""
    if found.note:
        note = found.note.replace("shape (", "has the shape (").replace("dtype ", "is ")
        if "pattern" in note:
            note = f"is {found.got!r}, expected {found.want!r}"
            return f"{name}{place} {note}"
        return f"{name} {note}"
    got, want = (f"{value:.8g}" for value in (found.got, found.want))
    if got == want:
        got, want = repr(found.got), repr(found.want)
    text = f"{name}{place} is {got}, expected {want}"
    return f"{text}; {where}" if where else text


def differing(got: Any, want: Gradients, network: Network) -> Finding | None:
    """Return the first gradient of a network, in backward order, that is wrong."""
    if isinstance(got, Trouble):
        return Finding(f"inside the network {got.text}")
    most = limits(want, network)
    for name in backward_order(list(want)):
        verdict = compare(got[name], want[name], most[name])
        if verdict.verdict is Verdict.FAIL:
            where = pattern(got[name], want[name], most[name])
            label = "the gradient of the input" if name == "dx" else f"the gradient of {name}"
            return Finding(f"inside the network {told(label, verdict, where)}")
    return None


def _lively(call: Call) -> Any:
    """Return a gradient that is random and signed: the network's own may cancel in every sum."""
    rng = inputs.generator(0, "dy", call.where)

    def draw(one: Any) -> Any:
        return inputs.signed(rng, np.shape(one)) if np.ndim(one) else UNEVEN

    return each(draw, call.dy)


def _shapes(dy: Any, cache: Any) -> str:
    """Return the shapes of everything that a function was given."""
    given = [*arrays_in(dy, "dy"), *arrays_in(cache, "cache")]
    return ", ".join(f"{name} {array.shape}" for name, array in given) or "a number"


def _array(value: Any) -> Array:
    return np.zeros(1) if value is None else np.asarray(value)


def _unrounded(wide: tuple[Any, ...], narrow: tuple[Any, ...]) -> bool:
    """Whether float32 and float64 come to the same numbers: then nothing was rounded in either."""
    return all(
        a is None or (np.isfinite(a).all() and np.array_equal(a, b))
        for a, b in zip(wide, narrow, strict=True)
    )


def _different(calls: list[Call]) -> Iterator[Call]:
    """Yield the first calls that differ in shapes or settings."""
    seen: set[str] = set()
    if calls[0].given.arguments.get("scale") == 0:
        calls = [*calls, calls[0].again(lambda _, value: value, calls[0].dy)]
    for call in calls:
        key = str([*map(np.shape, as_tuple(call.dy)), *map(_key, call.given.arguments.values())])
        if key not in seen and len(seen) < CALLS:
            seen.add(key)
            yield call


def _key(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape
    if isinstance(value, tuple):
        return [_key(part) for part in value]
    return value
