"""A fault: one realistic mistake, planted in `scratch` for as long as a block lasts.

A fault has the right shapes and raises nothing, as the mistakes have that people really make. It
replaces a function, or a method of a class, by one that calls the original and spoils the result;
it knows the public signatures of `scratch` and nothing of how its kernels work inside.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Faulty = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """One mistake.

    Attributes:
        name: in the words of the catalogue.
        plants: (dotted path below `scratch`, replacement), the replacement taking the original
            first and then all its arguments by name.
        subjects: what shows it: layer classes, chapters or optimizer cases.
        blame: the place that must be named first: "forward output", "backward weight", or with a
            module "backward s2 dx".
    """

    name: str
    plants: tuple[tuple[str, Faulty], ...]
    subjects: tuple[str, ...]
    blame: str

    @contextlib.contextmanager
    def planted(self) -> Iterator[None]:
        """Hold the fault in place inside the block.

        Raises:
            LookupError: the place is gone; the fault has to be planted elsewhere.
        """
        with contextlib.ExitStack() as undo:
            for path, faulty in self.plants:
                owner, name = _place(path, self.name)
                original = vars(owner)[name]
                undo.callback(setattr, owner, name, original)
                setattr(owner, name, _replacement(original, faulty))
            yield


def pair(value: Any) -> tuple[int, int]:
    """Return an option of one number, or of two, as (vertical, horizontal)."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _place(path: str, fault: str) -> tuple[Any, str]:
    """Return the module or class and the name in it that a dotted path stands for."""
    parts = ["scratch", *path.split(".")]
    for split in range(len(parts) - 1, 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            owner: Any = importlib.import_module(".".join(parts[:split]))
            for part in parts[split:-1]:
                owner = getattr(owner, part)
            if parts[-1] in vars(owner):
                return owner, parts[-1]
    raise LookupError(f"scratch.{path} is gone: plant the fault {fault!r} elsewhere")


def _replacement(original: Any, faulty: Faulty) -> Any:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def run(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return faulty(original, **bound.arguments)

    return run


class Call:
    """A forward call that a fault in the backward looks back at."""

    def __init__(self, forward: Callable[..., Any], arguments: dict[str, Any], y: Any) -> None:
        self.forward = forward
        self.arguments = arguments
        self.y = y

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["arguments"][name]
        except KeyError:
            raise AttributeError(name) from None

    def cache(self, **changes: Any) -> Any:
        """Return the cache of the same call with some arguments changed."""
        return self.forward(**{**self.arguments, **changes})[1]


def _remember(original: Any, **arguments: Any) -> Any:
    y, cache = original(**arguments)
    return y, (cache, Call(original, arguments, y))


def planter(faults: list[Fault]) -> Callable[..., Callable[[Faulty], Faulty]]:
    """Return a decorator that adds faults to `faults`.

    Its arguments are the fault's name, the place at which it is planted, the subjects on which it
    shows and its blame. With `remembers`, the forward function that belongs to the backward,
    the replacement also takes `call`, the `Call` that tells what the forward was given.
    """

    def plant(
        name: str, at: str, on: Sequence[str], blame: str, remembers: str = ""
    ) -> Callable[[Faulty], Faulty]:
        def add(faulty: Faulty) -> Faulty:
            plants: tuple[tuple[str, Faulty], ...] = ((at, faulty),)
            if remembers:

                def spoilt(original: Any, *, cache: Any, **arguments: Any) -> Any:
                    inner, call = cache
                    return faulty(original, cache=inner, call=call, **arguments)

                plants = ((remembers, _remember), (at, spoilt))
            faults.append(Fault(name, plants, tuple(on), blame))
            return faulty

        return add

    return plant
