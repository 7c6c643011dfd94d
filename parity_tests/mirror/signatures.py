"""Constructor signatures as comparable data, and where the torch twin of a layer lives."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterable
from typing import Any

import torch

import ref_torch.nn
import scratch.nn

# Arguments of torch that have no meaning in NumPy, or that torch itself has deprecated, or that
# its own `from_pretrained` alone gives.
NOT_MIRRORED = ("device", "dtype", "size_average", "reduce", "_weight", "_freeze")

Signature = list[tuple[str, str, Any]]


def signature(cls: type, leave_out: Iterable[str] = ()) -> Signature:
    """Return (name, kind, default) of each constructor argument, without annotations.

    The name of `*args` and of `**kwargs` says nothing to a caller and is replaced by "". A class
    without a constructor of its own takes nothing, though `torch.nn.Module`'s lists both. Torch's
    recurrent layers take `*args` and say in an overload what it is; the first is the written one.
    """
    if next(base for base in cls.__mro__ if "__init__" in vars(base)) is torch.nn.Module:
        return []
    found: Signature = []
    written = vars(cls).get("__init__")
    overloads = [] if written is None else typing.get_overloads(written)
    constructor = inspect.signature(overloads[0] if overloads else cls)
    for parameter in list(constructor.parameters.values())[len(overloads) > 0 :]:
        if parameter.name in leave_out:
            continue
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        name = "" if variadic else parameter.name
        found.append((name, parameter.kind.description, parameter.default))
    return found


def twin(name: str) -> type | None:
    """Return the torch class of a layer's name: torch's own, or what `ref_torch.nn` adds."""
    return getattr(torch.nn, name, None) or getattr(ref_torch.nn, name, None)


def layer_classes() -> dict[str, type]:
    """Return every layer, container and loss that `scratch.nn` exports."""
    exported = {name: getattr(scratch.nn, name) for name in scratch.nn.__all__}
    return {
        name: cls
        for name, cls in exported.items()
        if isinstance(cls, type)
        and issubclass(cls, scratch.nn.Module)
        and cls is not scratch.nn.Module
    }
