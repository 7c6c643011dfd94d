"""Used shares of bounds as cells: a number, and a colour that says the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from parity_tests.harness.verdict import Check

EDGES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)  # upper ends of the colours
BINS = (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 1.0)  # upper ends of the columns of the distribution
BIN_NAMES = ("0", "to 0.001", "to 0.01", "to 0.1", "to ¼", "to ½", "to 1", "over")

Selects = Callable[[Check], bool]


@dataclass(frozen=True)
class Cell:
    """The worst of some checks.

    Attributes:
        text: share of the bound; "" without a check.
        colour: CSS class, from "s0" for nothing to "s8" for nearly all, "bad" for a failure.
    """

    text: str = ""
    colour: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table of shares.

    Attributes:
        name: heading.
        about: a sentence below the table.
        selects: the checks that belong there.
    """

    name: str
    about: str
    selects: Selects


def number(share: float) -> str:
    """Return a share as short as it stays readable.

    >>> [number(x) for x in (0.0, 0.004, 0.126, 0.996, 1.0, 3.2, float("inf"))]
    ['0', '<.01', '.13', '.99', '1', '3.2', '∞']
    """
    if not math.isfinite(share):
        return "∞"
    if share == 0:
        return "0"
    if share < 0.005:
        return "<.01"
    if share < 1:
        return f"{min(share, 0.99):.2f}".lstrip("0")
    return f"{share:.3g}"


def cell(checks: Sequence[Check]) -> Cell:
    """Return the cell of some checks; a cross in it says what red says."""
    if not checks:
        return Cell()
    share = max(check.used for check in checks)
    if any(check.failing for check in checks):
        return Cell(f"{number(share)} ✗", "bad")
    return Cell(number(share), f"s{sum(share > edge for edge in EDGES)}")


def _engine(level: str, *engines: str) -> Selects:
    return lambda c: c.level == level and c.engine.partition(" in ")[0] in engines


ORT = ("onnxruntime off", "onnxruntime all", "ONNX Runtime off", "ONNX Runtime all")
COLUMNS = (
    Column(
        "exact",
        "scratch, torch and ONNX Runtime in arithmetic without rounding: the difference itself, "
        "which must be 0 (L0)",
        lambda c: c.level == "L0",
    ),
    Column("step", "NumPy's backward against the complex step (L1)", lambda c: c.level == "L1"),
    Column("scratch 64", "scratch against torch, float64 (L2)", _engine("L2", "scratch float64")),
    Column("scratch 32", "scratch float32 against float64 (L3)", _engine("L3", "scratch float32")),
    Column("torch 32", "torch float32 against float64 (L3)", _engine("L3", "torch float32")),
    Column("rule", "steps of an optimizer or a schedule (L4)", lambda c: c.level == "L4"),
    Column(
        "training",
        "parameters, losses and optimizer state during a training, scratch against torch (L5)",
        lambda c: c.level == "L5",
    ),
    Column(
        "ORT nodes",
        "every operator of the exported file alone, in ONNX Runtime (L6)",
        _engine("L6", "ONNX Runtime, node alone"),
    ),
    Column(
        "ORT", "the exported file in ONNX Runtime, as is and optimised (L6)", _engine("L6", *ORT)
    ),
    Column(
        "reference", "the exported file in onnx.reference (L6)", _engine("L6", "onnx.reference")
    ),
    Column(
        "shipped",
        "scratch with the weights that are shipped (L6)",
        _engine("L6", "scratch float32"),
    ),
)


def present(columns: Iterable[Column], checks: Sequence[Check]) -> list[Column]:
    """Return the columns that some check belongs to."""
    return [column for column in columns if any(map(column.selects, checks))]


def _side(level: str, engine: str, *directions: str) -> Selects:
    return lambda c: (c.level, c.engine) == (level, engine) and c.direction in directions


SIDES = (
    *(
        Column(f"{name} {arrow}", "", _side(level, engine, direction))
        for name, level, engine in (
            ("scratch 64", "L2", "scratch float64"),
            ("scratch 32", "L3", "scratch float32"),
            ("torch 32", "L3", "torch float32"),
        )
        for arrow, direction in (("→", "forward"), ("←", "backward"))
    ),
    Column("ORT node", "", _side("L6", "ONNX Runtime, node alone", "export")),
)


def distribution(shares: Sequence[float]) -> list[tuple[int, str]]:
    """Return how many of a hundred shares lie in each of BINS, and the colour of the bin.

    >>> [count for count, _ in distribution([0.0, 0.0, 0.02, 0.6])]
    [50, 0, 0, 25, 0, 0, 25, 0]
    """
    counts = [0] * (len(BINS) + 1)
    for share in shares:
        counts[sum(share > edge for edge in BINS)] += 1
    return [
        (-(-100 * count // len(shares)), f"s{-(-8 * count // len(shares))}") for count in counts
    ]
