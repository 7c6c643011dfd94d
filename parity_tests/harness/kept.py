"""Rows of a long count, kept in a file of lines: an interruption loses the one in work."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scratch.spec import UserError


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Append a record as a line, at once; half a line that stands there is ended before it.

    Raises:
        UserError: the file cannot be written.
    """
    line = json.dumps(record, ensure_ascii=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if file.tell():
                file.seek(-1, 2)
                line = line if file.read(1) == b"\n" else f"\n{line}"
            file.write(line.encode())
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); what stands there is kept. "
            "Make room, or choose a folder that can be written to, and say the same again"
        ) from error


def records(path: Path) -> list[Any]:
    """Return what a file of lines holds; one that was cut off, by a power failure say, is not."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


class Kept:
    """Rows by key, as long as what they were made of stays the same.

    Args:
        path: file of lines; None keeps nothing.
        of: what the rows depend on, a hash of the sources.
    """

    def __init__(self, path: Path | None = None, of: str = "") -> None:
        self.path, self.of = path, of
        held = records(path) if path is not None and path.exists() else []
        self.rows: dict[str, Any] = {
            record["key"]: record["row"]
            for record in held
            if isinstance(record, dict) and record.get("digest") == of and "row" in record
        }

    def row(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the row of a key: as it is kept, or made, and kept from now on."""
        if key not in self.rows:
            made = make()
            if self.path is not None:
                append(self.path, {"digest": self.of, "key": key, "row": made})
            self.rows[key] = json.loads(json.dumps(made))  # as it is read from the file
        row: dict[str, Any] = self.rows[key]
        return row
