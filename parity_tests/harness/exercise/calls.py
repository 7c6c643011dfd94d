"""What a chapter's network asks of the functions it is made of: every call of every backward."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

import scratch.ops
from parity_tests.harness import inputs
from parity_tests.harness.exercise.network import Network

Array = np.ndarray[Any, np.dtype[Any]]
BACKWARD = "_backward"
Made = tuple[Callable[..., Any], inspect.BoundArguments, Any, Any]
"""A forward, what it was given, what it returned, and its cache."""
LIVELY = 2.0  # scale of a layer that has 0
LARGEST = 3  # integers that are drawn, with zero among them


@dataclass(frozen=True)
class Call:
    """One call of a backward.

    Attributes:
        where: path of the module that made it.
        forward: the function whose gradient it takes.
        given: what the forward was given.
        y: what the forward returned.
        dy: the gradient that the backward was given, or the tuple of them.
        cache: what the forward left for it.
    """

    where: str
    forward: Callable[..., Any]
    given: inspect.BoundArguments
    y: Any
    dy: Any
    cache: Any

    def again(self, change: Callable[[str, Array], Array], dy: Any) -> Call:
        """Return the same call with other arrays.

        Args:
            change: takes the name of a floating argument and its value.
            dy: the new gradient.
        """
        signature = inspect.signature(self.forward)
        bound = signature.bind(*self.given.args, **self.given.kwargs)
        for name, value in bound.arguments.items():
            bound.arguments[name] = _changed(change, name, value)
            if name == "scale" and value == 0:  # padding: whatever comes back, zero is right
                bound.arguments[name] = LIVELY
        y, cache = self.forward(*bound.args, **bound.kwargs)
        return Call(self.where, self.forward, bound, y, dy, cache)

    def integers(self, seed: int) -> Call:
        """Return the call on small integers; labels stay what they are."""
        rng = inputs.generator(seed, "integers", self.where, self.forward.__name__)

        def change(name: str, value: Array) -> Array:
            if name == "target" and np.array_equal(value, np.round(value)):
                return value  # labels
            drawn = rng.integers(-LARGEST, LARGEST + 1, value.shape).astype(value.dtype)
            return np.abs(drawn) + 1 if self.forward.__name__ in ("log", "sqrt") else drawn

        def draw(one: Any) -> Any:
            dy: Any = np.asarray(inputs.integers(rng, np.shape(one), LARGEST))
            return dy if np.ndim(one) else float(dy)

        return self.again(change, each(draw, self.dy))

    def narrow(self) -> Call:
        """Return the call in float32."""

        def change(one: Any) -> Any:
            return one.astype(np.float32) if isinstance(one, np.ndarray) else one

        return self.again(lambda _, value: value.astype(np.float32), each(change, self.dy))


@dataclass
class Function:
    """A backward that a chapter uses.

    Attributes:
        owner: the module of `scratch.ops` in which it stands.
        name: of it.
        calls: of one forward and backward of the chapter's network.
    """

    owner: ModuleType
    name: str
    calls: list[Call] = field(default_factory=list)

    @property
    def forward(self) -> str:
        """Name of the function whose gradient it takes."""
        return self.name.removesuffix(BACKWARD)

    @property
    def truth(self) -> Callable[..., Any]:
        """Scratch's own."""
        found: Callable[..., Any] = vars(self.owner)[self.name]
        return found

    def results(self) -> tuple[str, ...]:
        """Return what its results are called: d and the name of each array of the forward."""
        given = self.calls[0].given
        names = []
        for name, value in given.arguments.items():
            kind = given.signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                names += [f"d{name}[{number}]" for number in range(len(value))]
            elif value is None or (_floats(value) and name not in ("target", "mask")):
                names.append(f"d{name}")
        first = self.calls[0]
        count = len(as_tuple(self.truth(*as_tuple(first.dy), first.cache)))
        return tuple(names[:count])


def functions_of(network: Network) -> list[Function]:
    """Run a network once and return the backwards that it used, in the order of their first use."""
    found: dict[str, Function] = {}
    made: dict[int, Made] = {}
    path = ["loss"]
    inside = False  # a backward that asks another one for help

    def forward(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def run(*args: Any, **kwargs: Any) -> Any:
            y, cache = original(*args, **kwargs)
            bound = inspect.signature(original).bind(*args, **kwargs)
            bound.apply_defaults()
            made[id(cache)] = original, bound, y, cache
            return y, cache

        return run

    def backward(owner: ModuleType, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def run(*given: Any) -> Any:
            nonlocal inside
            if inside:
                return original(*given)
            *gradients, cache = given
            function, bound, y, _ = made.get(id(cache)) or _made_of(cache, made.values())
            entry = found.setdefault(original.__name__, Function(owner, original.__name__))
            held = tuple(np.array(one) if np.ndim(one) else float(one) for one in gradients)
            dy = held if len(held) > 1 else held[0]
            entry.calls.append(Call(path[-1], function, bound, y, dy, cache))
            inside = True
            try:
                return original(*given)
            finally:
                inside = False

        return run

    with contextlib.ExitStack() as undo:
        for owner, name in _pairs():
            plain = name.removesuffix(BACKWARD)
            undo.enter_context(put(owner, plain, forward(vars(owner)[plain])))
            undo.enter_context(put(owner, name, backward(owner, vars(owner)[name])))
        undo.enter_context(_followed(network, path))
        network.run()
    return list(found.values())


def _made_of(cache: Any, made: Iterable[Made]) -> Made:
    """Return the forward of a cache that a layer has taken apart: its arrays are still the same."""
    own = [value for value in cache if isinstance(value, np.ndarray)]
    for one in reversed(list(made)):
        other = one[-1]
        theirs = [value for value in other if isinstance(value, np.ndarray)]
        same = type(other) is type(cache) and len(own) == len(theirs)
        if same and all(np.shares_memory(a, b) for a, b in zip(own, theirs, strict=True)):
            return one
    raise LookupError(f"no forward has left this {type(cache).__name__}")


@contextlib.contextmanager
def put(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Hold something else at a name of a module or class inside the block."""
    original = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def each(change: Callable[[Any], Any], dy: Any) -> Any:
    """Return the gradient changed, or the tuple of them with every one changed."""
    return tuple(map(change, dy)) if isinstance(dy, tuple) else change(dy)


def as_tuple(result: Any) -> tuple[Any, ...]:
    """Return what a function returned as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def _pairs() -> Iterator[tuple[ModuleType, str]]:
    """Yield every module of `scratch.ops` with the name of each backward of a forward in it.

    A step of a recurrent layer has no cache of its own: it is a part of its operation's loop.
    """
    for found in pkgutil.iter_modules(scratch.ops.__path__):
        if found.name.endswith("_naive"):
            continue
        owner = importlib.import_module(f"scratch.ops.{found.name}")
        for name, value in list(vars(owner).items()):
            public = name.endswith(BACKWARD) and not name.startswith("_")
            if public and value.__module__ == owner.__name__ and _takes_a_cache(value):
                yield owner, name


def _takes_a_cache(backward: Callable[..., Any]) -> bool:
    return list(inspect.signature(backward).parameters)[-1] == "cache"


@contextlib.contextmanager
def _followed(network: Network, path: list[str]) -> Iterator[None]:
    """Keep in `path` which module's backward is running."""
    modules = [(name, module) for name, module in network.paths() if name]

    def follow(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            path.append(name)
            try:
                return original(*args)
            finally:
                path.pop()

        return run

    for name, module in modules:
        module.__dict__["backward"] = follow(name, module.backward)
    try:
        yield
    finally:
        for _, module in modules:
            del module.__dict__["backward"]


def _floats(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _changed(change: Callable[[str, Array], Array], name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_changed(change, name, part) for part in value)
    return change(name, value) if _floats(value) else value
