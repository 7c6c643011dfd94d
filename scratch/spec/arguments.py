"""Constructor arguments of a chapter's network, with a user's overrides."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from scratch.spec.errors import unknown
from scratch.spec.schema import Chapter


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
