"""What a network returns: one array, or a NamedTuple of them, whose fields the losses name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def parts(value: Any) -> tuple[Any, ...]:
    """Return the fields, or the one value, as a tuple.

    >>> parts(3), parts((3, 4))
    ((3,), (3, 4))
    """
    return value if isinstance(value, tuple) else (value,)


def named(name: str, value: Any) -> dict[str, Any]:
    """Return the one value by `name`, or every field by `name[field]`.

    >>> named("output", 3)
    {'output': 3}
    >>> from collections import namedtuple
    >>> named("output", namedtuple("Heads", "main side")(3, 4))
    {'output[main]': 3, 'output[side]': 4}
    """
    if not isinstance(value, tuple):
        return {name: value}
    fields: Any = value
    return {f"{name}[{field}]": part for field, part in fields._asdict().items()}


def dotted(name: str, value: Any) -> dict[str, Array]:
    """Return the one value by `name`, or every field of a NamedTuple by `name.field`.

    >>> dotted("output", 3)
    {'output': 3}
    """
    if not isinstance(value, tuple):
        return {name: value}
    fields: Any = value
    return {f"{name}.{field}": part for field, part in fields._asdict().items()}


def without_field(name: str) -> str:
    """Return the name that `named` was given.

    >>> without_field("output[main]"), without_field("output")
    ('output', 'output')
    """
    return name.partition("[")[0]


def each(change: Callable[[Any], Any], value: Any) -> Any:
    """Return the changed value, or a NamedTuple of the same kind with every field changed."""
    if not isinstance(value, tuple):
        return change(value)
    kind: Any = type(value)
    return kind(*map(change, value))


def like(value: Any, found: tuple[Any, ...]) -> Any:
    """Return `found` in the form of `value`: its one element, or a NamedTuple of that kind."""
    if not isinstance(value, tuple):
        return found[0]
    kind: Any = type(value)
    return kind(*found)


def cast(value: Any, dtype: Any) -> Any:
    """Cast the one value, or every field, to `dtype`."""
    return each(lambda part: np.asarray(part).astype(dtype), value)
