"""Mutants that survive for a reason: they change no result that anyone is promised.

`allowed.tsv` has one line for each: key, place, change, reason. The key follows the text of the
statement, so an entry stays when lines move and falls out when the code changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).with_name("allowed.tsv")


def load(path: Path = FILE) -> Mapping[str, tuple[str, str, str]]:
    """Return place, change and reason of every entry, by key.

    Raises:
        ValueError: a line has not four columns, no reason, or a key that was there before.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 4 or not columns[3].strip():
            raise ValueError(f"{path.name}, line {number}: key, place, change and reason, by tabs")
        key, place, change, reason = columns
        if key in found:
            raise ValueError(f"{path.name}, line {number}: {key} has an entry already")
        found[key] = (place, change, reason)
    return found
