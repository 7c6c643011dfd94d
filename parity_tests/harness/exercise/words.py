"""What an exercise says of a function: its forward, its shapes, where it is called."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import typing
from types import NoneType
from typing import Any

import numpy as np

from parity_tests.harness.exercise.calls import Call, Function, as_tuple

WIDTH = 96
CALLS = 3  # that are described
MEMORY = "order"
SECTIONS = ("Args:", "Returns:", "Raises:")


def docstring(item: Function, hints: bool) -> str:
    """Return summary, forward, arguments, results and example; the derivation only with hints."""
    summary, derivation, rest = _parts(inspect.getdoc(item.truth) or "")
    forward, equations, _ = _parts(inspect.getdoc(item.calls[0].forward) or "")
    if not hints:
        summary = re.sub(r":\s+(:math:`|``)[^`]*`.*", ".", summary, flags=re.DOTALL)
        rest = re.sub(r"``(\w+) = [^`]*``", r"``\1``", rest)
    lead = f"The forward, ``{item.forward}``: {_lower(' '.join(forward.split()))}"
    what = ["\n".join(textwrap.wrap(lead, WIDTH)), equations]
    hint = [derivation] if hints else []
    rest = re.sub(r"(    cache: ).*", lambda found: found[1] + _cache(item), rest, count=1)
    return "\n\n".join(part for part in (summary, *what, *hint, rest) if part)


def _parts(doc: str) -> tuple[str, str, str]:
    """Return the summary, what follows it, and arguments, results and examples."""
    paragraphs = doc.split("\n\n")
    at = next((i for i, p in enumerate(paragraphs) if p.startswith((*SECTIONS, ">>>"))), 1)
    rest = [p for p in paragraphs[at:] if not p.startswith("Raises:")]
    return paragraphs[0], "\n\n".join(paragraphs[1:at]), "\n\n".join(rest)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _cache(item: Function) -> str:
    """Describe the cache: what it is, and the parts of what is no array."""
    cache = item.calls[0].cache
    text = f"What ``{item.forward}`` kept. {_first(type(cache))}"
    for name in getattr(cache, "_fields", ()):
        value = getattr(cache, name)
        if hasattr(value, "_fields"):
            text += f" ``{name}``: {_first(type(value))} It has {', '.join(value._fields)}"
            taps = getattr(type(value), "taps", None)
            text += f", and ``taps()``: {_yields(taps)}" if taps else "."
    if MEMORY in getattr(cache, "_fields", ()):
        text += f" ``{MEMORY}``: how x lies in memory; you may leave it aside."
    body = textwrap.wrap(text, WIDTH - 16)
    return "\n        ".join(body)


def _first(thing: Any) -> str:
    """Return the first paragraph of a docstring in one line."""
    own = vars(thing).get("__doc__") if isinstance(thing, type) else inspect.getdoc(thing)
    if thing is tuple or not own:
        return ""
    return " ".join(own.split("\n\n")[0].split())


def _yields(method: Any) -> str:
    """Return what a method does and what it yields."""
    doc = inspect.getdoc(method) or ""
    what = doc.partition("Yields:")[2].partition("\n\n")[0]
    return f"{_lower(_first(method))} It yields {_lower(' '.join(what.split()))}"


def unpacking(item: Function, node: ast.FunctionDef) -> str:
    """Return the line that takes the cache apart."""
    hints = typing.get_type_hints(item.truth)
    fields = getattr(hints.get("cache"), "_fields", None)
    if fields is None:
        return next(ast.unparse(part) for part in node.body if isinstance(part, ast.Assign))
    names = ", ".join(fields)
    return f"{names if len(fields) > 1 else f'({names},)'} = cache"


def comment(item: Function) -> str:
    """Return the calls that the chapter makes, as comments."""
    lines: list[str] = []
    for call in item.calls[:CALLS]:
        kind = "" if call.where == "loss" else "layer "
        text = f"{kind}{call.where}: {', '.join(_given(item, call))}"
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="    ")
    more = len(item.calls) - CALLS
    lines += [f"and {more} more"] if more > 0 else []
    return "\n".join(f"# {line}" for line in lines)


def _given(item: Function, call: Call) -> list[str]:
    """Return shapes of the arrays and values of the rest: of the gradient and of the cache."""
    names = inspect.signature(item.truth).parameters
    found = [
        f"{name} {np.shape(one) if np.ndim(one) else 'a number'}"
        for name, one in zip(names, as_tuple(call.dy), strict=False)
    ]
    for name in getattr(call.cache, "_fields", ()):
        value = getattr(call.cache, name)
        if hasattr(value, "_fields"):
            found += [f"{name}.{key} {getattr(value, key)}" for key in value._fields]
        elif isinstance(value, np.ndarray):
            found.append(f"{name} {value.shape}")
        elif name != MEMORY and isinstance(
            value, NoneType | bool | int | float | str | tuple | np.number
        ):
            found.append(f"{name} {value}")
    return found
