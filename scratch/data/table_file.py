"""Tables as comma-separated text: rows with their line numbers, and errors that name the place."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from scratch.spec.errors import UserError, unknown

Row = tuple[int, list[str]]


def rows(path: Path) -> Iterator[Row]:
    """Yield line number (from 1) and cells of every row that is not empty.

    A byte order mark and either kind of line end are taken as they come; blanks around a cell go.

    Raises:
        UserError: missing, not UTF-8 text, or not a table.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, [cell.strip() for cell in cells]
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8 CSV") from error
    except csv.Error as error:
        raise UserError(f"{path}: not a table ({error}); save it as CSV") from error


def columns(path: Path, header: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return where the wanted columns stand in a header.

    Raises:
        UserError: some are not there.
    """
    missing = [name for name in wanted if name not in header]
    if missing:
        begins = ",".join(header)[:60]
        raise UserError(
            f"{path}: no column {', '.join(missing)}; the first line names the columns, with "
            f"commas between them; it begins with: {begins}"
        )
    return [header.index(name) for name in wanted]


def cell(path: Path, row: Row, column: int, name: str) -> str:
    """Return one cell.

    Raises:
        UserError: the row is too short, or the cell is empty.
    """
    line, cells = row
    if column >= len(cells):
        raise UserError(f"{path}, line {line}: ends before {name}; complete or remove the row")
    if not cells[column]:
        raise UserError(f"{path}, line {line}: {name} is missing; fill in or remove the row")
    return cells[column]


def number(path: Path, row: Row, column: int, name: str) -> float:
    """Return one cell as a finite number.

    Raises:
        UserError: empty, no number, or not finite.
    """
    text = cell(path, row, column, name)
    try:
        value = float(text)
    except ValueError as error:
        raise UserError(
            f'{path}, line {row[0]}: {name} is "{text[:40]}", no number; correct or remove the row'
        ) from error
    if not math.isfinite(value):
        raise UserError(f"{path}, line {row[0]}: {name} is {value}; fill in or remove the row")
    return value


def choice(path: Path, row: Row, column: int, name: str, known: Sequence[str]) -> int:
    """Return the position of one cell in a list of words.

    Raises:
        UserError: empty, or another word.
    """
    text = cell(path, row, column, name)
    if text not in known:
        raise UserError(f"{path}, line {row[0]}: {unknown(name, text[:40], known)}")
    return known.index(text)
