"""The golden folder of the module that a failing run blames."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.harness import failures, outputs
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.cases import CASES
from parity_tests.harness.golden.names import of_fields
from parity_tests.harness.localise import EVALUATION, first_divergences
from parity_tests.harness.pair import Pair, of_chapter
from parity_tests.harness.rows import has_row
from parity_tests.harness.run import cast, run_scratch
from parity_tests.harness.trace import tap_scratch
from parity_tests.harness.verdict import Check, Verdict
from parity_tests.harness.visits import reference_trace
from scratch import spec

Array = np.ndarray[Any, np.dtype[Any]]

LEVELS = ("L0", "L2", "L3")  # those that judge a module by itself


def lines(
    root: Path, subject: str, checks: Sequence[Check], size: str, conv: str = "direct"
) -> list[str]:
    """Write the golden folder of the module that diverges first; return what to print about it.

    Args:
        root: in which the folder is made.
        subject: chapter or layer class.
        checks: all checks of it.
        size: of a chapter; a published network is too large to be copied.
        conv: how the chapter's scratch twin convolved.

    Returns:
        Nothing where no module is to blame.
    """
    found = first_divergences(checks)
    if not found or found[0].level not in LEVELS or found[0].verdict is not Verdict.FAIL:
        return []
    if size != "tiny":
        return ["golden: none of a network at full size; see whether the tiny one fails too"]
    first = found[0]
    try:
        pair = _pair(subject, first, conv)
        whole = pair is not None and _part(pair, first.module)
        if not whole:
            return []
        folder = _write(root, first, whole)
    except Exception as error:  # whatever fails here must not hide the verdict
        return [f"golden: not written ({type(error).__name__}: {error})"]
    return [failures.line(folder, forced=has_row(whole.torch))]


def _pair(subject: str, check: Check, conv: str) -> Pair | None:
    """Draw again what the check was drawn from."""
    exact = check.level == "L0"
    dtype = "float32" if check.level == "L3" else "float64"
    if subject in spec.ids():
        pair = of_chapter(subject, "tiny", check.seed, dtype, exact, conv=conv)
        return pair.evaluated() if check.engine.endswith(EVALUATION) else pair
    case = next((case for case in CASES if case.name == check.subject), None)
    return of_case(case, check.seed, dtype, exact) if case else None


def _part(pair: Pair, path: str) -> Pair | None:
    """Return a module of the pair with the reference's own input and cotangent."""
    visits = [v for v in reference_trace(pair).visits if v.path == path and v.d_output is not None]
    if not visits:
        return None
    ours, theirs = dict(pair.scratch.named_modules()), dict(pair.torch.named_modules())
    d_output = visits[0].d_output
    assert d_output is not None
    name = f"{pair.subject} {path}".strip()
    return Pair(name, ours[path], theirs[path], visits[0].inputs, d_output)


def _write(root: Path, check: Check, pair: Pair) -> Path:
    dtype = "float32" if "float32" in check.engine else "float64"
    note = {
        "divergence": check.divergence(),
        "level": check.level,
        "seed": str(check.seed),
        "engine": check.engine,
    }
    exact = check.level == "L0"
    return failures.write(root, pair.subject, pair, partial(_mine, pair, dtype), note, exact)


def _mine(pair: Pair, dtype: str) -> dict[str, Array]:
    """Run scratch's module and return everything inside it by its golden name."""
    module = pair.scratch_as(dtype)
    d_output = outputs.cast(pair.d_output, dtype)
    with tap_scratch(module) as trace:
        found = run_scratch(module, cast(pair.inputs, dtype), d_output)
    named: dict[str, Array] = {}
    for visit in trace.visits:
        named |= of_fields("activation", visit, visit.output)
        if visit.path and visit.d_output is not None:
            named |= of_fields("cotangent", visit, visit.d_output)
    return {**named, **failures.named(found)}
