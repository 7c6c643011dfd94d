"""Tap every named module of a network: inputs, output and cotangent of every call."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from parity_tests.harness import outputs
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Visit:
    """One call of one module.

    Attributes:
        path: of the module, "" for the whole network.
        call: 0 for its first call, 1 for its second, ...
        start: position of the call among all calls, in order of entry.
        inputs: what it was given.
        output: what it returned; a NamedTuple if that is several arrays.
        d_output: cotangent its backward was given, of the same form.
        dx: what its backward returned (scratch only).
    """

    path: str
    call: int
    start: int
    inputs: tuple[Array, ...] = ()
    output: Any = field(default_factory=lambda: np.empty(0))
    d_output: Any = None
    dx: tuple[Array, ...] = ()

    def forget(self) -> None:
        """Give up the arrays."""
        self.inputs, self.output, self.d_output, self.dx = (), np.empty(0), None, ()


@dataclass
class Trace:
    """All visits, in the order in which their forwards ended: children before parents."""

    visits: list[Visit] = field(default_factory=list)

    def by_key(self) -> dict[tuple[str, int], Visit]:
        """Return the visits by (path, call)."""
        return {(visit.path, visit.call): visit for visit in self.visits}

    def backward_order(self) -> list[Visit]:
        """Return the visits in the order in which their backwards end."""
        return sorted(self.visits, key=lambda visit: visit.start, reverse=True)


def _copies(values: Any) -> tuple[Array, ...]:
    return tuple(np.array(value) for value in outputs.leaves(values))


def _array(value: torch.Tensor) -> Array:
    return value.detach().numpy().copy()


class _Recorder:
    """Numbers the calls and pairs each backward with the latest forward that waits for it."""

    def __init__(self) -> None:
        self.trace = Trace()
        self._calls: dict[str, int] = {}
        self._open: dict[str, list[Visit]] = {}
        self._waiting: dict[str, list[Visit]] = {}
        self._clock = 0

    def enter(self, path: str, inputs: tuple[Array, ...]) -> None:
        visit = Visit(path, self._calls.get(path, 0), self._clock, inputs)
        self._calls[path] = visit.call + 1
        self._clock += 1
        self._open.setdefault(path, []).append(visit)

    def leave(self, path: str, output: Any) -> Visit:
        visit = self._open[path].pop()
        visit.output = output
        self.trace.visits.append(visit)
        self._waiting.setdefault(path, []).append(visit)
        return visit

    def back(self, path: str) -> Visit:
        return self._waiting[path].pop()


@contextlib.contextmanager
def tap_scratch(model: nn.Module) -> Iterator[Trace]:
    """Record every forward and backward of a scratch network inside this block."""
    recorder = _Recorder()
    modules = list(model.named_modules())
    for path, module in modules:
        _wrap(recorder, path, module)
    try:
        yield recorder.trace
    finally:
        for _, module in modules:
            del module.__dict__["forward"], module.__dict__["backward"]


def _wrap(recorder: _Recorder, path: str, module: nn.Module) -> None:
    forward, backward = module.forward, module.backward

    def tapped_forward(*inputs: Any) -> Any:
        recorder.enter(path, _copies(inputs))
        output = forward(*inputs)
        recorder.leave(path, outputs.each(np.array, outputs.flat(output)))
        return output

    def tapped_backward(*d_output: Any) -> Any:
        dx = backward(*d_output)
        visit = recorder.back(path)
        visit.d_output = outputs.filled(outputs.flat(d_output[0]), visit.output)
        visit.dx = _copies(dx)
        return dx

    module.__dict__["forward"] = tapped_forward
    module.__dict__["backward"] = tapped_backward


@contextlib.contextmanager
def tap_torch(model: torch.nn.Module) -> Iterator[Trace]:
    """Record every forward and the cotangent of every output of a torch network."""
    recorder = _Recorder()
    handles = []

    def hook(path: str, module: torch.nn.Module) -> None:
        # Hooks of modules see neither what lies in a nest of tuples nor a part nobody uses, and
        # warn where no input has a gradient; those of tensors do.
        by_tensor = isinstance(module, torch.nn.RNNBase | torch.nn.Embedding)

        def before(_: Any, inputs: Any) -> None:
            given = outputs.leaves(inputs)
            recorder.enter(path, _copies(tuple(value.detach().numpy() for value in given)))

        def after(_: Any, __: Any, output: Any) -> None:
            made = outputs.flat(output)
            visit = recorder.leave(path, outputs.each(_array, made))
            for number, part in enumerate(outputs.parts(made) if by_tensor else ()):
                part.register_hook(functools.partial(arrived, visit, number))

        def arrived(visit: Visit, number: int, gradient: torch.Tensor) -> None:
            held = list(outputs.parts(outputs.filled(visit.d_output, visit.output)))
            held[number] = _array(gradient)
            visit.d_output = outputs.like(visit.output, tuple(held))

        def back(_: Any, d_output: Any) -> None:
            visit = recorder.back(path)
            given = None if any(part is None for part in d_output) else tuple(map(_array, d_output))
            visit.d_output = None if given is None else outputs.like(visit.output, given)

        handles.append(module.register_forward_pre_hook(before))
        handles.append(module.register_forward_hook(after))
        if not by_tensor:
            handles.append(module.register_full_backward_pre_hook(back))

    for path, module in model.named_modules():
        hook(path, module)
    try:
        yield recorder.trace
    finally:
        for handle in handles:
            handle.remove()
