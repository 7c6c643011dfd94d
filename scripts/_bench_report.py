"""What bench.py does with its rows: a table, a comparison with an older run, a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _bench_worker import OTHERS

SLOWER = 1.15
"""A ratio of ratios above this is a regression; runs agree within about this much."""
LEAST_MB = 10
"""A step that takes less is lost among what the libraries themselves take and give back."""

Row = Mapping[str, Any]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table for the terminal; a column that nobody filled is left out."""
    from tabulate import tabulate

    columns: tuple[tuple[str, str, str], ...] = (
        ("scratch_ms", "scratch ms", "{:.3f}"),
        ("torch_ms", "torch ms", "{:.3f}"),
        ("ratio", "ratio", "{:.2f}"),
        ("low", "from", "{:.2f}"),
        ("high", "to", "{:.2f}"),
        ("winograd_ms", "winograd ms", "{:.3f}"),
        ("winograd_ratio", "its ratio", "{:.2f}"),
        ("unfolded_ms", "unfolded ms", "{:.3f}"),
        ("unfolded_ratio", "its ratio", "{:.2f}"),
        *((f"{peer}_ratio", f"/ {peer}", "{:.2f}") for peer in OTHERS),
        ("scratch_mb", "scratch MB", "{:.1f}"),
        ("torch_mb", "torch MB", "{:.1f}"),
        ("largest_mb", "largest MB", "{:.1f}"),
        ("growth_mb", "growth MB", "{:.3f}"),
    )
    shown = [c for c in columns if any(c[0] in row for row in rows)]
    lines = [
        (
            row["mode"],
            row["chapter"],
            row["batch"],
            *(form.format(row[key]) if key in row else "" for key, _, form in shown),
        )
        for row in rows
    ]
    headers = ("step", "network", "batch", *(title for _, title, _ in shown))
    return tabulate(lines, headers, disable_numparse=True)


def memory_table(rows: Sequence[Row]) -> str:
    """Return the memory of training steps: at the most, and what one leaves behind."""
    from tabulate import tabulate

    lines = [
        (
            row["chapter"],
            row["batch"],
            f"{row['scratch_mb']:.1f}",
            f"{row['torch_mb']:.1f}",
            f"{row['scratch_mb'] / row['torch_mb']:.2f}" if row["torch_mb"] > LEAST_MB else "",
            f"{row['largest_mb']:.1f}",
            f"{row['growth_mb']:.3f}",
        )
        for row in rows
    ]
    headers = ("network", "batch", "scratch MB", "torch MB", "ratio", "largest MB")
    return tabulate(lines, (*headers, "growth MB, step 2 to 10"), disable_numparse=True)


def growth_table(rows: Sequence[Row]) -> str:
    """Return how the time of a training step grows."""
    from tabulate import tabulate

    lines = [
        (
            row["network"],
            f"{row['axis']} {', '.join(map(str, row['sizes']))}",
            twin,
            ", ".join(f"{ms:.3g}" for ms in row[f"{twin}_ms"]),
            f"{row[f'{twin}_exponent']:.2f} (from {row['first']})",
        )
        for row in rows
        for twin in ("scratch", "torch")
    ]
    return tabulate(lines, ("network", "along", "", "ms", "exponent"), disable_numparse=True)


def start_up_table(rows: Sequence[Row]) -> str:
    """Return how long commands take to answer, over an interpreter that imports NumPy."""
    from tabulate import tabulate

    lines = [(row["what"], f"{row['ms']:.0f}", f"{row['ratio']:.2f}") for row in rows]
    return tabulate(lines, ("", "ms", "/ import numpy"), disable_numparse=True)


def comparison_table(lines: Sequence[Sequence[str]]) -> str:
    """Return what `compare` found as a table for the terminal."""
    from tabulate import tabulate

    return tabulate(lines, ("", "old ratio", "new ratio", "new / old"), disable_numparse=True)


def read(path: Path) -> list[Row]:
    """Return the rows of a file that bench.py wrote.

    Raises:
        UserError: it is not such a file.
    """
    from scratch.spec.errors import UserError

    try:
        rows = json.loads(path.read_bytes())["rows"]
        return [
            {**row, "mode": row.get("mode", "train"), "ratio": row["ratio"] + 0} for row in rows
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not a file of bench.py ({error})") from error


def compare(old: Sequence[Row], new: Sequence[Row]) -> tuple[list[tuple[str, ...]], list[str]]:
    """Hold every ratio against the one of an older run.

    Returns:
        A line (what, old ratio, new ratio, new over old) for each network in both, and the names
        of those that became slower, relative to torch, by more than SLOWER.
    """
    before = {_key(row): float(row["ratio"]) for row in old}
    lines: list[tuple[str, ...]] = []
    slower: list[str] = []
    for row in new:
        if _key(row) in before:
            was, now = before[_key(row)], float(row["ratio"])
            name = "{} {} (batch {})".format(*_key(row))
            lines.append((name, f"{was:.2f}", f"{now:.2f}", f"{now / was:.2f}"))
            if now > SLOWER * was:
                slower.append(name)
    return lines, slower


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Draw the ratios on a logarithmic scale, training and inference.

    Raises:
        UserError: matplotlib is missing or the file cannot be written.
    """
    from scratch.run.pictures.style import BLUE, GREEN, ORANGE, picture

    color, marker = {"train": BLUE, "infer": ORANGE}, {"train": "o", "infer": "^"}
    ends = [row[end] for row in rows for end in ("low", "high")]
    ticks = [
        t
        for t in (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20)
        if min(ends) / 2 < t < 2 * max(ends)
    ]
    with picture(path, "Time of a step over torch eager's", 8.0, 1.6 + 0.27 * len(rows)) as figure:
        axes = figure.subplots()
        for place, row in enumerate(rows):
            line = {"color": color[row["mode"]], "linewidth": 2}
            axes.plot([row["low"], row["high"]], [place, place], **line)
            axes.plot(row["ratio"], place, marker=marker[row["mode"]], **line)
        axes.set_yticks(
            range(len(rows)), ["{1}, {0}, b{2}".format(*_key(row)) for row in rows], fontsize=8
        )
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.axvline(1, color=GREEN)
        axes.set_xlabel(
            "left of 1 scratch is faster; a line goes from the smallest to the largest round"
        )


def _key(row: Row) -> tuple[str, str, int]:
    return row["mode"], row["chapter"], int(row["batch"])
