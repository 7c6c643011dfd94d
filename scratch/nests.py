"""Tuples in tuples, as layers with several inputs or outputs take and return them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def leaves(nest: Any) -> list[Any]:
    """Return what a nest of tuples holds, in order; of anything else, itself.

    >>> leaves(("x", ("h0", "c0")))
    ['x', 'h0', 'c0']
    """
    if not isinstance(nest, tuple):
        return [nest]
    return [leaf for part in nest for leaf in leaves(part)]


def rebuilt(nest: Any, values: Iterator[Any]) -> Any:
    """Return a nest of the same build, NamedTuples included, that holds other values.

    >>> rebuilt(("x", ("h0", "c0")), iter([1, 2, 3]))
    (1, (2, 3))
    """
    if not isinstance(nest, tuple):
        return next(values)
    parts = [rebuilt(part, values) for part in nest]
    kind: Any = type(nest)
    return kind(*parts) if hasattr(nest, "_fields") else tuple(parts)


def spread(nest: Any, given: Any) -> list[Any]:
    """Return the leaves of `given`, which is built as `nest` but may have None for a part of it.

    >>> spread(("x", ("h0", "c0")), (1, None))
    [1, None, None]
    """
    if not isinstance(nest, tuple):
        return [given]
    parts = [None] * len(nest) if given is None else given
    pairs = zip(nest, parts, strict=True)
    return [leaf for part, one in pairs for leaf in spread(part, one)]
