"""Constructor arguments of a chapter's network, with a user's overrides."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from scratch.spec.errors import unknown
from scratch.spec.schema import Chapter, Data


def arguments(
    constructor: Callable[..., Any], chapter: Chapter, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the chapter's constructor arguments, replaced by `overrides`.

    Raises:
        UserError: an override that the constructor does not have.
    """
    names = tuple(inspect.signature(constructor).parameters)
    for name in overrides:
        if name not in names:
            raise unknown(f"argument of {chapter.model}", name, names)
    return {**chapter.arguments, **overrides}


def named_classes(data: Data, overrides: Mapping[str, Any]) -> Data:
    """Return the data of a network that tells another number of classes apart.

    Args:
        data: of the chapter; as many of its names are kept as the network has outputs.
        overrides: constructor arguments, in which "classes" may stand.

    >>> data = Data("shapes", (3, 9, 9), "multiclass", ("round", "square"))
    >>> named_classes(data, {"classes": 3}).classes, named_classes(data, {"classes": 1}).classes
    (('round', 'square', 'class 2'), ('round',))
    """
    count = overrides.get("classes")
    if not isinstance(count, int):  # the network says what it takes
        return data
    more = (f"class {number}" for number in range(len(data.classes), count))
    return dataclasses.replace(data, classes=(*data.classes[: max(count, 0)], *more))
