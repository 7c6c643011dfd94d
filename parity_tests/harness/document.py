"""The results of a run as versioned JSON, and back.

The schema is derived from the dataclasses and stands beside this file, `document.schema.json`.
What is not finite is a string in JSON, which has no number for it: "nan", "inf" or "-inf".
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from parity_tests.harness.environment import Environment, now
from parity_tests.harness.verdict import Check, Verdict, worst
from scratch.spec import UserError

SCHEMA = 2
SCHEMA_FILE = Path(__file__).with_name("document.schema.json")
NOT_FINITE = ("nan", "inf", "-inf")


@dataclass(frozen=True)
class Subject:
    """One chapter, layer or optimizer in one precision.

    Attributes:
        subject: its name.
        kind: "chapter", "layer" or "optimizer".
        size: "tiny" or "full" for a chapter, "" otherwise.
        dtype: "float64" or "float32".
        seconds: that it took.
        verdict: the worst of its checks.
        divergence: lines that name where the twins part; none if they do not.
        reproduce: the command that shows it again; "" if there is nothing to show.
        checks: all of them.
    """

    subject: str
    kind: str
    size: str
    dtype: str
    seconds: float
    verdict: Verdict
    divergence: tuple[str, ...]
    reproduce: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Document:
    """One run of `python -m parity_tests`.

    Attributes:
        schema: version of this format.
        command: as it was called.
        seconds: that it took.
        partial: whether it was interrupted; what was checked until then is here.
        verdict: the worst of all checks.
        environment: where it ran.
        subjects: in the order of the run.
    """

    schema: int
    command: str
    seconds: float
    partial: bool
    verdict: Verdict
    environment: Environment
    subjects: tuple[Subject, ...]


def make(subjects: Sequence[Subject], command: str, seconds: float, partial: bool) -> Document:
    """Return the document of what has been checked."""
    verdict = worst(check for subject in subjects for check in subject.checks)
    return Document(SCHEMA, command, round(seconds, 3), partial, verdict, now(), tuple(subjects))


def text(document: Document) -> str:
    """Return the document as JSON."""
    return json.dumps(_plain(document), indent=1, allow_nan=False) + "\n"


def read(path: Path) -> Document:
    """Return the document that `text` wrote.

    Raises:
        UserError: the file cannot be read, is of another version or has a key too many or too few.
    """
    try:
        body = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UserError(f"{path}: is not JSON ({error})") from error
    version = body.get("schema") if isinstance(body, dict) else None
    if version != SCHEMA:
        raise UserError(
            f"{path}: schema {version}, expected {SCHEMA}; write it anew with "
            "python -m parity_tests ... --json"
        )
    try:
        document = _read(Document, body, "")
    except ValueError as error:
        raise UserError(f"{path}: not a document of results: {error}") from error
    assert isinstance(document, Document)
    return document


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a document."""
    defined: dict[str, Any] = {}
    root = _schema(Document, defined)
    defined["Document"]["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Results of python -m parity_tests",
        **root,
        "$defs": dict(sorted(defined.items())),
    }


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, Enum) else value


def _read(kind: Any, value: Any, path: str) -> Any:
    """Return the JSON value as an object of a type; a ValueError names the path of what is odd."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if value is None else _read(arguments[0], value, path)
    if origin is tuple:
        parts = _expect(list, value, path)
        return tuple(_read(arguments[0], part, f"{path}[{i}]") for i, part in enumerate(parts))
    if origin is dict:
        named = _expect(dict, value, path)
        return {key: _read(arguments[1], part, f"{path}.{key}") for key, part in named.items()}
    if is_dataclass(kind):
        named, hints = _expect(dict, value, path), typing.get_type_hints(kind)
        for key in {*named} ^ {*hints}:
            raise ValueError(f"{path}.{key} is {'unknown' if key in named else 'missing'}")
        found = {key: _read(hints[key], part, f"{path}.{key}") for key, part in named.items()}
        return typing.cast(Any, kind)(**found)
    if issubclass(kind, Enum):
        if value not in [str(member) for member in kind]:
            raise ValueError(f"{path} is {value!r}, no {kind.__name__}")
        return kind(value)
    if kind is float:
        if value in NOT_FINITE or (isinstance(value, int) and not isinstance(value, bool)):
            return float(value)
    elif kind is int and isinstance(value, bool):
        raise ValueError(f"{path} is {value!r}, expected int")
    return _expect(kind, value, path)


def _expect(kind: type, value: Any, path: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{path or 'the file'} is {str(value)[:40]!r}, expected {kind.__name__}")
    return value


def _schema(kind: Any, defined: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return {"anyOf": [_schema(arguments[0], defined), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], defined)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], defined)}
    if is_dataclass(kind):
        name = typing.cast(type, kind).__name__
        hints = typing.get_type_hints(kind)
        if name not in defined:
            defined[name] = {}
            defined[name] = {
                "type": "object",
                "properties": {key: _schema(hint, defined) for key, hint in hints.items()},
                "required": list(hints),
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{name}"}
    if issubclass(kind, Enum):
        return {"enum": [str(member) for member in kind]}
    if kind is float:
        return {"anyOf": [{"type": "number"}, {"enum": list(NOT_FINITE)}]}
    return {"type": {str: "string", int: "integer", bool: "boolean"}[kind]}
