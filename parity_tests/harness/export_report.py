"""The checks of a bundle as a table or as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parity_tests.harness.verdict import Check, worst


def checks_json(checks: list[Check]) -> dict[str, Any]:
    """Return the checks as plain values: what, by which engine, value, limit, verdict."""
    rows = [
        {
            "name": check.tensor,
            "engine": check.engine,
            "value": check.used,
            "limit": 1.0,
            "verdict": str(check.verdict),
            "note": check.note,
        }
        for check in checks
    ]
    return {"value": "largest error as a share of its bound", "checks": rows}


def per_engine(checks: Sequence[Check]) -> str:
    """Return `rows` as text."""
    from tabulate import tabulate

    headers, body = rows(checks)
    return tabulate(body, headers, disable_numparse=True)


def rows(checks: Sequence[Check]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return a row per engine: checks, largest share of a bound, verdict.

    Returns:
        The headers and the rows.
    """
    body: list[tuple[str, ...]] = []
    for engine in dict.fromkeys(check.engine for check in checks):
        own = [check for check in checks if check.engine == engine]
        most = max(own, key=lambda check: check.used)
        passed = sum(not check.failing for check in own)
        body.append(
            (
                engine,
                f"{passed} of {len(own)}",
                f"{most.used:.3f}" if most.used else "",
                most.tensor if most.used else "",
                str(worst(own)),
            )
        )
    return ("engine", "passed", "error / bound", "largest at", "verdict"), body


def every_check(checks: list[Check]) -> str:
    """Return a table with a row per check."""
    from tabulate import tabulate

    rows = [
        (
            check.tensor,
            check.engine,
            f"{check.used:.3f}" if check.used else "",
            check.verdict,
            check.note,
        )
        for check in checks
    ]
    headers = ("check", "engine", "error / bound", "verdict", "note")
    return tabulate(rows, headers, disable_numparse=True, maxcolwidths=[None, None, None, None, 60])
