"""A report on golden vectors as text and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from parity_tests.harness.golden.judge import Report, Row

SCHEMA = 1
MOST = 5  # explained tensors behind the first divergence that are printed


def text(report: Report) -> str:
    """Return the table, the first divergence and its causes, and warnings about names."""
    from tabulate import tabulate

    body = [_cells(row) for row in report.rows if row.found is not None]
    headers = ("phase", "tensor", "shape", "of its bound", "bound", "verdict")
    lines = [
        f"{report.set} set, bounds of {report.dtype}",
        tabulate(body, headers, disable_numparse=True),
    ]
    missing = [row.tensor.name for row in report.rows if row.verdict == "not given"]
    left = [row.tensor.name for row in report.rows if row.verdict == "not compared"]
    if missing:
        lines.append(f"not given: {', '.join(missing)}")
    if left:
        lines.append(f"not compared in {report.dtype} (manifest.json says why): {', '.join(left)}")
    lines += warnings(report)
    return "\n".join(lines)


def warnings(report: Report) -> list[str]:
    """Return a line per name that the golden set does not know."""
    return [
        f"warning: {name} is not in the {report.set} set"
        + (f"; did you mean {near}?" if near else "")
        for name, near in report.unknown.items()
    ]


def verdict_lines(report: Report) -> list[str]:
    """Return the line that says how it went, and what explains it."""
    failing = [row for row in report.given if row.failing]
    count = len(report.given)
    if not failing:
        return [f"{report.set}: all {count} tensors given are within their bounds"]
    lines = [f"{report.set}: {len(failing)} of {count} tensors given are outside their bounds"]
    lines.append(divergence(failing[0]))
    lines += [f"  {_fits(failing[0].tensor.name, cause)}" for cause in failing[0].causes]
    more = [_fits(row.tensor.name, row.causes[0]) for row in failing[1:] if row.causes]
    lines += [f"then {text}" for text in more[:MOST]]
    return lines + ([f"and {len(more) - MOST} more, see the JSON"] if len(more) > MOST else [])


def divergence(row: Row) -> str:
    """Return where and by how much a tensor is wrong."""
    found, bound = row.found, row.bound
    assert found is not None
    assert bound is not None
    place = f"[{', '.join(map(str, found.index))}]" if found.index else ""
    line = f"first divergence: {row.tensor.name}{place}"
    if found.note:
        return f"{line}: {found.note}" + (f" ({row.pattern})" if row.pattern else "")
    line += f" is {found.got!r}, reference {found.want!r}"
    line += f", {_used(row)} ({bound.reason})"
    return line + (f"; {row.pattern}" if row.pattern else "")


def document(reports: Sequence[Report], golden: Mapping[str, Any]) -> str:
    """Return everything as versioned JSON.

    Args:
        reports: one per set.
        golden: chapter, size and dtype of the golden folder.
    """
    body = {
        "schema": SCHEMA,
        "golden": dict(golden),
        "sets": [
            {
                "set": report.set,
                "dtype": report.dtype,
                "first_divergence": report.first.tensor.name if report.first else None,
                "unknown": dict(report.unknown),
                "tensors": [_plain(row) for row in report.rows],
            }
            for report in reports
        ],
    }
    return json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": row.tensor.name,
        "phase": row.tensor.phase,
        "verdict": row.verdict,
        "bound": row.bound.absolute if row.bound else None,
        "reason": row.bound.reason if row.bound else None,
    }
    if row.found is not None:
        plain |= {
            "used": _number(row.found.used),
            "index": list(row.found.index),
            "got": _number(row.found.got),
            "want": _number(row.found.want),
            "note": row.found.note,
            "pattern": row.pattern,
            "causes": list(row.causes),
        }
    return plain


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _fits(name: str, cause: str) -> str:
    return f"{name} fits if {cause}"


def _used(row: Row) -> str:
    assert row.found is not None
    assert row.bound is not None
    if not row.bound.absolute:
        return f"difference {row.found.used:.3g}"
    return f"{row.found.used:.3g} of its bound"


def _cells(row: Row) -> tuple[str, ...]:
    tensor, bound = row.tensor, row.bound
    assert bound is not None
    shape = "x".join(map(str, tensor.shape)) or "1"
    limit = f"{bound.absolute:.2g}"
    return (tensor.phase, tensor.name, shape, _used(row), limit, row.verdict)
