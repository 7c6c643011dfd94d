"""How a fault is put on one instance: changed methods, of a module or as one block sees a child."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from scratch import nn

Change = Callable[..., Any]


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


def inside(method: str, changes: dict[str, Callable[[Change], Change]]) -> Callable[[Any], None]:
    """Return what makes a block see changed children in one of its methods, and nobody else."""

    def change(own: Change, self: nn.Module, *arguments: Any) -> Any:
        with contextlib.ExitStack() as stack:
            for name, make in changes.items():
                child = self._modules[name]
                stack.enter_context(_override(child, method, make(getattr(child, method))))
            return own(self, *arguments)

    return functools.partial(swap, **{method: change})


def exchanged(one: str, two: str) -> Callable[[Any], None]:
    """Return what makes a block take one child for the other, forward and backward."""

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
