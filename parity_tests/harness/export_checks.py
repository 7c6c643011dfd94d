"""How a check of a bundle is written down, and what becomes of one that could not be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity_tests.harness.compare import compare
from parity_tests.harness.verdict import Check, Verdict
from scratch.deploy.schema import Bundle

Array = np.ndarray[Any, np.dtype[Any]]


def told(bundle: Bundle, tensor: str, engine: str, problem: str, note: str = "") -> Check:
    """Return a check that passes if there is no problem to tell."""
    verdict = Verdict.FAIL if problem else Verdict.PASS
    return Check(
        "L6", bundle.chapter["id"], "", "export", tensor, engine, verdict, note=problem or note
    )


def measured(
    bundle: Bundle,
    tensor: str,
    engine: str,
    got: Array,
    want: Array,
    tolerance: Array | float,
    dtype: str = "float32",
    reach: int | None = None,
) -> Check:
    """Return the check of one array against its reference, arguments as of `compare`."""
    found = compare(got, want, tolerance, dtype=dtype, reach=reach)
    return Check(
        "L6",
        bundle.chapter["id"],
        "",
        "export",
        tensor,
        engine,
        found.verdict,
        found.used,
        found.index,
        found.got,
        found.want,
        found.share,
        found.note,
    )


def guarded(
    bundle: Bundle, tensor: str, engine: str, make: Callable[[], list[Check]]
) -> list[Check]:
    """Return what `make` returns; an exception is a failed check, never a missing one."""
    try:
        return make()
    except ImportError as error:
        problem = f"{error.name} is not installed: pip install {error.name}"
    except Exception as error:
        problem = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return [told(bundle, tensor, engine, problem)]
