"""What the checks amount to: a table for people, JSON for programs."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Any

from parity_tests.harness.localise import first_divergences
from parity_tests.harness.verdict import SETTLED, Check, Verdict, worst

SCHEMA = 1
LEVELS = {
    "L0": "exact arithmetic",
    "L1": "backward against the complex step",
    "L2": "float64 against torch float64",
    "L3": "float32 against float64 truth",
    "L4": "optimizer steps",
    "L5": "training trajectory",
    "L6": "exported file",
}
PACKAGES = ("numpy", "torch", "onnx", "onnxruntime", "lightning", "safetensors", "scikit-learn")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def table(checks: Sequence[Check]) -> str:
    """Return `rows` as text."""
    from tabulate import tabulate

    headers, body = rows(checks)
    return tabulate(body, headers, disable_numparse=True)


def rows(checks: Sequence[Check]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return one row per subject, level and engine: how much was compared and how close it is.

    Returns:
        The headers and the rows.
    """
    body: list[tuple[str, ...]] = []
    for (subject, level, engine), group in _groups(checks).items():
        top = max(group, key=lambda check: (check.failing, check.used))
        where = ".".join(part for part in (top.module, top.tensor) if part)
        body.append(
            (
                subject,
                level,
                LEVELS.get(level, ""),
                engine,
                str(len(group)),
                _closeness(level, top),
                where if top.used or top.failing else "",
                str(worst(group)),
            )
        )
    headers = ("subject", "", "level", "engine", "tensors", "worst", "at", "verdict")
    return headers, body


def summary(subjects: dict[str, list[Check]]) -> str:
    """Return one line per subject and a last line with the counts."""
    from tabulate import tabulate

    rows = []
    for subject, checks in subjects.items():
        levels = " ".join(dict.fromkeys(check.level for check in checks))
        top = max((c.used for c in checks if c.level not in ("L0",)), default=0.0)
        rows.append((subject, levels, len(checks), f"{top:.2f}", str(worst(checks))))
    headers = ("subject", "levels", "tensors", "largest share of a bound", "verdict")
    counts = [str(worst(checks)) for checks in subjects.values()]
    tally = ", ".join(f"{counts.count(v)} {v}" for v in Verdict if v in counts)
    return tabulate(rows, headers, disable_numparse=True) + f"\n{len(subjects)} subjects: {tally}"


def failure_lines(subject: str, checks: Sequence[Check], arguments: str) -> list[str]:
    """Return the lines that name where the twins part and how to see it again.

    Args:
        subject: chapter, layer or optimizer.
        checks: all checks of it.
        arguments: of `python -m parity_tests`, without seed and levels.
    """
    found = first_divergences(checks)
    if not found:
        return []
    first, *more = found
    lines = [first.divergence()]
    lines += [f"then: {check.divergence().partition(': ')[2]}" for check in more]
    lines.append(
        f"reproduce: python -m parity_tests {arguments} --seed {first.seed} --levels {first.level}"
    )
    return lines


def settled_lines(checks: Sequence[Check]) -> list[str]:
    """Return a line for every layer in which it was the reference that was off."""
    found = [c for c in checks if c.verdict is Verdict.PASS and c.note.startswith(SETTLED)]
    return [f"reference off: {c.direction} {c.where} {c.tensor} {c.note}" for c in found]


def document(subjects: dict[str, list[Check]], command: str, seconds: float) -> str:
    """Return everything as versioned JSON."""
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "command": command,
        "seconds": round(seconds, 3),
        "verdict": str(worst(check for checks in subjects.values() for check in checks)),
        "environment": environment(),
        "subjects": [
            {
                "subject": subject,
                "verdict": str(worst(checks)),
                "divergence": [check.divergence() for check in first_divergences(checks)],
                "checks": [_plain(check) for check in checks],
            }
            for subject, checks in subjects.items()
        ],
    }
    return json.dumps(body, indent=1, allow_nan=False) + "\n"


def environment() -> dict[str, Any]:
    """Return versions, processor and threads; imports none of the packages."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "packages": versions,
        "threads": {name: os.environ.get(name) for name in THREADS},
    }


def _groups(checks: Iterable[Check]) -> dict[tuple[str, str, str], list[Check]]:
    groups: dict[tuple[str, str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.subject, check.level, check.engine), []).append(check)
    return groups


def _closeness(level: str, check: Check) -> str:
    if level == "L0":
        return f"difference {check.used:g}"
    return f"{check.used:.2g} of the bound"


def _plain(check: Check) -> dict[str, Any]:
    """Return the check with JSON's numbers: what is not finite becomes a string."""
    plain = asdict(check)
    for name, value in plain.items():
        if isinstance(value, float) and not math.isfinite(value):
            plain[name] = str(value)
    plain["index"] = list(check.index)
    return plain
