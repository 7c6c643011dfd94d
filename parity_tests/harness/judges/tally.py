"""What became of every foreign case, and the table that counts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from parity_tests.harness.compare import BLIND
from parity_tests.harness.verdict import Check, Verdict
from scratch.ops.checks import ShapeError
from scratch.spec.errors import UserError

SCHEMA = 1
REFUSING = ("expects", "is not offered", "needs", "must")
WIDTH = 72  # of the column of reasons


class Fate(StrEnum):
    """What became of a case."""

    PASSED = "passed"
    REFUSED = "refused"  # scratch said what it expects and what it got, as its documentation says
    LEFT_OUT = "left out"  # the case asks for something that scratch does not have
    FAILED = "failed"


@dataclass(frozen=True)
class Case:
    """One foreign case.

    Attributes:
        judge: whose input it is.
        operator: layer or operator.
        name: of the case, in its author's words.
        fate: what became of it.
        why: reason, where it did not pass.
        used: largest share of a bound.
        tensors: how many were compared.
    """

    judge: str
    operator: str
    name: str
    fate: Fate
    why: str = ""
    used: float = 0.0
    tensors: int = 0


class LeftOutError(Exception):
    """The case asks for what scratch does not have; the text says what."""


def refusal(run: Callable[[], object]) -> str:
    """Return the words with which `run` is refused, "" if it is not.

    Only a sentence that names an argument, or what was expected and what came, is a refusal. Of
    anything else that is raised the judge makes a failure when it runs the case.
    """
    try:
        run()
    except (ShapeError, UserError) as error:
        return str(error)
    except ValueError as error:
        return str(error) if any(word in str(error) for word in REFUSING) else ""
    except Exception:
        return ""
    return ""


def of_refusal(judge: str, operator: str, name: str, said: str, reason: str) -> Case | None:
    """Return what became of a case that was, or should have been, refused; None for any other.

    Args:
        judge: whose case it is.
        operator: of the case.
        name: of the case.
        said: the words with which it was refused, "" if it was not.
        reason: why it is to be refused, "" if it is to be computed.
    """
    if said and reason:
        return Case(judge, operator, name, Fate.REFUSED, reason)
    if said:
        why = f"refused without a documented reason: {said}"
        return Case(judge, operator, name, Fate.FAILED, why)
    if reason:
        return Case(judge, operator, name, Fate.FAILED, f"not refused in words: {reason}")
    return None


def of_checks(judge: str, operator: str, name: str, checks: Sequence[Check]) -> Case:
    """Return what comparisons with the harness's bounds amount to.

    A reference in which there is nothing to compare (all labels ignored) is left out; its verdict
    does not depend on scratch, as that of a difference without a bound does. The share of a bound
    is that of scratch.
    """
    ours = [check.used for check in checks if check.engine.startswith("scratch")]
    used = max(ours, default=0.0)
    bad = [check for check in checks if check.failing]
    wrong = [c for c in bad if c.verdict is Verdict.FAIL or c.note.startswith(BLIND)]
    if wrong:
        return Case(judge, operator, name, Fate.FAILED, wrong[0].divergence())
    if bad or not checks:
        note = bad[0].note if bad else "no tensor"
        return Case(judge, operator, name, Fate.LEFT_OUT, f"nothing to compare: {note}")
    return Case(judge, operator, name, Fate.PASSED, "", used, len(checks))


def table(cases: Sequence[Case]) -> str:
    """Return one line per judge and operator, and the totals."""
    from tabulate import tabulate

    rows = []
    for (judge, operator), group in _groups(cases).items():
        why = _reasons(case for case in group if case.fate is not Fate.PASSED)
        rows.append((judge, operator, *_counts(group), _used(group), why))
    for judge in dict.fromkeys(case.judge for case in cases):
        group = [case for case in cases if case.judge == judge]
        rows.append((judge, "in all", *_counts(group), _used(group), ""))
    fates = [str(fate) for fate in Fate]
    headers = ("judge", "operator", "cases", *fates, "of a bound", "what did not pass, and why")
    widths = [*[None] * (len(headers) - 1), WIDTH]
    return tabulate(rows, headers, disable_numparse=True, maxcolwidths=widths)


def summary(cases: Sequence[Case]) -> str:
    """Return the counts in one line."""
    counts = [f"{sum(case.fate is fate for case in cases)} {fate}" for fate in Fate]
    return f"{len(cases)} cases: {', '.join(counts)}"


def failures(cases: Sequence[Case]) -> list[str]:
    """Return one line per case that failed, and one per judge that judged nothing."""
    lines = [
        f"{case.judge}, {case.operator}, {case.name}: {case.why}"
        for case in cases
        if case.fate is Fate.FAILED
    ]
    for judge in dict.fromkeys(case.judge for case in cases):
        if not any(case.judge == judge and case.fate is Fate.PASSED for case in cases):
            lines.append(f"{judge}: no case passed")
    return lines if cases else ["no case was found"]


def document(cases: Sequence[Case]) -> str:
    """Return every case as versioned JSON."""
    counts = {str(fate): sum(case.fate is fate for case in cases) for fate in Fate}
    body = {
        "schema": SCHEMA,
        "verdict": "FAIL" if failures(cases) else "PASS",
        "counts": {"cases": len(cases), **counts},
        "cases": [asdict(case) for case in cases],
    }
    return json.dumps(body, indent=1, allow_nan=False) + "\n"


def _groups(cases: Iterable[Case]) -> dict[tuple[str, str], list[Case]]:
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.judge, case.operator), []).append(case)
    return dict(sorted(groups.items(), key=lambda item: item[0]))


def _counts(group: Sequence[Case]) -> list[str]:
    found = [sum(case.fate is fate for case in group) for fate in Fate]
    return [str(number) for number in (len(group), *found)]


def _used(group: Sequence[Case]) -> str:
    passed = [case.used for case in group if case.fate is Fate.PASSED]
    return f"{max(passed):.2f}" if passed else ""


def _reasons(cases: Iterable[Case]) -> str:
    reasons: dict[str, int] = {}
    for case in cases:
        reasons[case.why] = reasons.get(case.why, 0) + 1
    return "; ".join(f"{count} {why}" for why, count in reasons.items())
