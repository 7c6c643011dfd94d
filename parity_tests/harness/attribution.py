"""Is the right module blamed? Small faults in every module of a network, one at a time.

Into each leaf goes a factor of 1.001 on its output, on the gradient of its input and on the
gradient of each parameter; into each block a mistake of wiring: a child left out, taken twice the
wrong way round, or given the numbers of another sample. The fault sits on the instance, so that
the leaves of the same class stay right, and the first divergence must name it and nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness import inputs, nulls
from parity_tests.harness.levels import exact, judge
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.pair import Pair, load, of_chapter, with_cotangent
from parity_tests.harness.run import run_torch
from parity_tests.harness.trace import Visit
from parity_tests.harness.visits import reference_trace
from scratch import nn, spec

Array = np.ndarray[Any, np.dtype[Any]]
Change = Callable[..., Any]

BATCH = 3
DRAWS = 200
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


def run(id: str, size: str = "tiny", factor: float = 1.001, form: str = "real") -> list[Attempt]:
    """Plant every fault of a chapter in turn.

    Args:
        id: chapter.
        size: "tiny" or "full".
        factor: of the leaf faults.
        form: of `FORMS`.

    Returns:
        One attempt per fault, those that cannot be planted with the reason; none if the chapter
        has no such form.
    """
    if form != "real" and not spec.get(id, size).exact:
        return []
    seed = _alive(id, form, size)
    clean = make_pair(id, form, size, seed)
    attempts = []
    for fault in (*_leaf_faults(clean, factor), *_wiring_faults(clean)):
        blamed = "" if fault.skipped else _blamed(fault, make_pair(id, form, size, seed), form)
        attempts.append(Attempt(form, fault.name, fault.expected, blamed, fault.skipped))
    return attempts


def _alive(id: str, form: str, size: str) -> int:
    """Return the first seed at which the samples of a batch differ and all of them pass a gradient.

    Where every unit of a layer is shut, one sample is as good as another: a mix-up is no fault.
    """
    for seed in range(DRAWS):
        pair = make_pair(id, form, size, seed)
        found = run_torch(pair.torch_as("float64"), pair.inputs, pair.d_output)
        rows = [len(np.unique(v, axis=0)) for v in (found.output, pair.d_output)]
        if min(rows) == BATCH and all(v.reshape(BATCH, -1).any(axis=1).all() for v in found.dx):
            return seed
    return 0


def _blamed(fault: _Fault, pair: Pair, form: str) -> str:
    fault.plant(dict(pair.scratch.named_modules())[fault.path])
    checks = exact.run(pair) if form == "exact" else judge.run(pair, "float64")
    return "; ".join(f"{c.direction} {c.where} {c.tensor}" for c in first_divergences(checks))


@dataclass(frozen=True)
class _Fault:
    name: str
    path: str
    expected: str
    plant: Callable[[nn.Module], None] = lambda _: None
    skipped: str = ""


def swap(module: nn.Module, /, **methods: Change) -> None:
    """Give an instance changed methods; each takes the class's own method first, then `self`.

    The class is replaced by a subclass of the same name, so that copies keep the change and
    everything that goes by the class's name goes on.
    """
    kind = type(module)

    def changed(own: Change, change: Change) -> Change:
        return lambda self, *arguments: change(own, self, *arguments)

    body = {name: changed(getattr(kind, name), change) for name, change in methods.items()}
    for name, method in body.items():
        method.__name__ = name
    module.__class__ = type(kind.__name__, (kind,), body)


# ---- leaves


def _leaf_faults(pair: Pair, factor: float) -> Iterator[_Fault]:
    def larger(own: Change, self: nn.Module, *arguments: Any) -> Any:
        return own(self, *arguments) * factor

    null = nulls.names(pair)
    for path, module in pair.scratch.named_modules():
        if module._modules:
            continue
        name = f"{path} ({type(module).__name__})"
        yield _Fault(
            f"output of {name} times {factor}",
            path,
            f"forward {path} output",
            functools.partial(swap, forward=larger),
        )
        yield _Fault(
            f"dx of {name} times {factor}",
            path,
            f"backward {path} dx",
            functools.partial(swap, backward=larger),
        )
        for parameter in module._parameters:
            zero = f"{path}.{parameter}" in null
            yield _Fault(
                f"gradient of {name} {parameter} times {factor}",
                path,
                f"backward {path} {parameter}",
                functools.partial(swap, backward=_larger_gradient(parameter, factor)),
                "its true gradient is zero" if zero else "",
            )


def _larger_gradient(parameter: str, factor: float) -> Change:
    def change(own: Change, self: nn.Module, *arguments: Any) -> Any:
        before = self._parameters[parameter].grad.copy()
        dx = own(self, *arguments)
        gradient = self._parameters[parameter].grad
        gradient += (gradient - before) * (factor - 1)
        return dx

    return change


# ---- wiring


def _left_out(own: Change) -> Change:
    """The child is called and what it returns is dropped."""

    def change(value: Array) -> Array:
        own(value)
        return value

    return change


def _other_sample(own: Change) -> Change:
    return lambda value: own(np.roll(value, 1, axis=0))


def _wiring_faults(pair: Pair) -> Iterator[_Fault]:
    visits = {visit.path: visit for visit in reference_trace(pair).visits}
    for path, block in pair.scratch.named_modules():
        where, prefix = path or f"({pair.subject})", f"{path}." if path else ""
        children = list(block._modules.items())
        calls = {name: visits[prefix + name] for name, _ in children}
        for name, child in children:
            blocked = _why_not([calls[name]])
            full = f"{prefix}{name} ({type(child).__name__})"
            for method, tensor in (("forward", "output"), ("backward", "dx")):
                expected = f"{method} {where} {tensor}"
                yield _Fault(
                    f"{method} of {full} left out",
                    path,
                    expected,
                    _inside(method, {name: _left_out}),
                    blocked,
                )
                yield _Fault(
                    f"{method} of {full} given another sample",
                    path,
                    expected,
                    _inside(method, {name: _other_sample}),
                )
        for one, two in itertools.pairwise(calls):
            yield _Fault(
                f"{prefix}{one} and {prefix}{two} change places",
                path,
                f"forward {where} output",
                _exchanged(one, two),
                _why_not([calls[one], calls[two]]),
            )


def _why_not(calls: Sequence[Visit]) -> str:
    """Return why one of these children cannot be left out, or two cannot change places."""
    if any(np.array_equal(call.inputs[0], call.output) for call in calls):
        return "the child changes nothing here"
    shapes = {shape for call in calls for shape in (call.inputs[0].shape, call.output.shape)}
    return "" if len(shapes) == 1 else "the shapes do not allow it"


def _inside(method: str, changes: dict[str, Callable[[Change], Change]]) -> Callable[[Any], None]:
    """Return what makes a block see changed children in one of its methods, and nobody else."""

    def change(own: Change, self: nn.Module, *arguments: Any) -> Any:
        with contextlib.ExitStack() as stack:
            for name, make in changes.items():
                child = self._modules[name]
                stack.enter_context(_override(child, method, make(getattr(child, method))))
            return own(self, *arguments)

    return functools.partial(swap, **{method: change})


def _exchanged(one: str, two: str) -> Callable[[Any], None]:
    def change(method: str) -> Change:
        def changed(own: Change, self: nn.Module, *arguments: Any) -> Any:
            first, second = self._modules[one], self._modules[two]
            a, b = getattr(first, method), getattr(second, method)
            with _override(first, method, b), _override(second, method, a):
                return own(self, *arguments)

        return changed

    return functools.partial(swap, forward=change("forward"), backward=change("backward"))


@contextlib.contextmanager
def _override(module: nn.Module, method: str, changed: Change) -> Iterator[None]:
    """Hold another method on the instance, where taps may already have put theirs."""
    tapped = module.__dict__.get(method)
    module.__dict__[method] = changed
    try:
        yield
    finally:
        if tapped is None:
            del module.__dict__[method]
        else:
            module.__dict__[method] = tapped


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
