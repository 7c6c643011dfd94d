"""What a module returns: one array, or a NamedTuple of them, whose fields the losses name.

Recurrent layers return plain tuples, as in torch: (output, h_n), or (output, (h_n, c_n)), and take
the initial states in the same form. The harness gives those parts names, so that everything behind
`call` and `flat` sees a NamedTuple.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Recurrent(NamedTuple):
    """What an RNN or a GRU returns: the states of the last layer at every step, the last states."""

    sequence: Any
    h_n: Any


class LongShort(NamedTuple):
    """What an LSTM returns: the same, and the last cells."""

    sequence: Any
    h_n: Any
    c_n: Any


PARTS = (Recurrent, LongShort)


def flat(value: Any) -> Any:
    """Return a recurrent layer's plain tuple as a NamedTuple, and anything else as it is.

    >>> flat((1, 2)), flat((1, (2, 3)))
    (Recurrent(sequence=1, h_n=2), LongShort(sequence=1, h_n=2, c_n=3))
    """
    if type(value) is not tuple:
        return value
    sequence, state = value
    return LongShort(sequence, *state) if isinstance(state, tuple) else Recurrent(sequence, state)


def filled(value: Any, like: Any) -> Any:
    """Return a cotangent in the form of the output `like`, zeros for each part that is None.

    >>> filled(Recurrent(None, np.ones(2)), Recurrent(np.ones(1), np.ones(2))).sequence
    array([0.])
    """
    if not isinstance(like, PARTS):
        return value
    given = (None,) * len(like) if value is None else tuple(value)
    given += (None,) * (len(like) - len(given))  # an LSTM's two states may be one None
    pairs = zip(given, like, strict=True)
    return type(like)(*(np.zeros_like(b) if a is None else np.array(a) for a, b in pairs))


def nested(value: Any) -> Any:
    """Return what `flat` was given.

    >>> nested(flat((1, (2, 3)))), nested(4)
    ((1, (2, 3)), 4)
    """
    if isinstance(value, LongShort):
        return value.sequence, (value.h_n, value.c_n)
    return tuple(value) if isinstance(value, Recurrent) else value


def arguments(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a module's inputs as its forward takes them: an LSTM's two states are one tuple."""
    if type(module).__name__ == "LSTM" and len(inputs) == len(LongShort._fields):
        return inputs[0], inputs[1:]
    return inputs


def call(module: Any, inputs: tuple[Any, ...]) -> Any:
    """Run the forward of a module of either twin on flat inputs; return its output flat."""
    return flat(module(*arguments(module, inputs)))


def leaves(value: Any) -> tuple[Any, ...]:
    """Return the arrays of any nest of tuples, none for None.

    >>> leaves((1, (2, 3))), leaves(4), leaves(None)
    ((1, 2, 3), (4,), ())
    """
    if not isinstance(value, tuple):
        return () if value is None else (value,)
    return tuple(leaf for part in value for leaf in leaves(part))


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
