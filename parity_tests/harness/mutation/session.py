"""Run mutants: one pytest session collects the tests, and every mutant gets a fork of it.

Torch, the harness and the tests are imported and collected once. A fork puts the mutant into its
own copy of the modules, runs the tests that run through the changed function, the quickest first,
and stops at the first that fails. What is found is appended to a file at once, so an interruption
loses at most one mutant.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from parity_tests.harness import kept
from parity_tests.harness.mutation import fork, reach
from parity_tests.harness.mutation.source import ROOT, Mutant, mutated
from parity_tests.harness.mutation.transplant import (
    ImportFailsError,
    NotTransplantableError,
    transplant,
)
from scratch.spec import UserError

KILLED, SURVIVED, UNTRIED = "killed", "survived", "untried"
BUDGET = 20.0  # seconds of tests per mutant, as they take without one
PATIENCE = 20.0  # times as long as the tests take, and so many seconds on top, until it hangs
_OPTIONS = ("-p", "no:cacheprovider", "-p", "no:xdist", "-qq", "--no-header", "-s", "--tb=native")
# Whole networks, minutes of them: they see nothing that their layers do not see by themselves.
_LEFT_OUT = "parity_tests/numeric/test_gradcheck.py::test_chapters_agree_with_the_complex_step"
_MARKS = "not long and not full and not gpu"


@dataclass(frozen=True)
class Record:
    """What became of one mutant.

    Attributes:
        key: of the mutant.
        digest: of the sources and tests, see `reach.digest`.
        status: "killed", "survived", or "untried" if it could not be put in: it works at import.
        by: the test that failed, or "timeout", "crash" or "import: ..."; of a survivor how many
            tests it passed.
        seconds: how long it took.
    """

    key: str
    digest: str
    status: str
    by: str
    seconds: float


class Results:
    """Records in a file of lines, one per mutant; the last of a key holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, Record] = {}
        for found in kept.records(path) if path.exists() else ():
            with contextlib.suppress(TypeError):  # of another version
                record = Record(**found)
                self.records[record.key] = record

    def add(self, record: Record) -> None:
        """Append a record, at once."""
        kept.append(self.path, asdict(record))
        self.records[record.key] = record

    def open(self, mutants: Iterable[Mutant], of: str, keep_kills: bool) -> list[Mutant]:
        """Return the mutants that have no record of these sources."""

        def done(mutant: Mutant) -> bool:
            record = self.records.get(mutant.key)
            if record is None:
                return False
            return record.digest == of or (keep_kills and record.status == KILLED)

        return [mutant for mutant in mutants if not done(mutant)]


class Session:
    """A pytest plugin that runs mutants in place of the tests.

    Args:
        mutants: which.
        results: where records go.
        of: digest of the sources.
        map: file of the map of tests, made if it is missing or old.
        budget: seconds of tests per mutant.
        old_map: take a map of other sources too, and add the tests that it does not know.
        progress: wraps an iteration over a list, given what it is of.
    """

    def __init__(
        self,
        mutants: Sequence[Mutant],
        results: Results,
        of: str,
        map: Path,
        budget: float = BUDGET,
        old_map: bool = False,
        progress: Callable[[Sequence[Any], str], Iterable[Any]] = lambda values, _: values,
    ) -> None:
        self.mutants, self.results, self.of, self.map = mutants, results, of, map
        self.budget, self.old_map, self.progress = budget, old_map, progress
        self.error: UserError | None = None
        self._failed = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note that a test failed."""
        self._failed |= report.failed

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run the mutants."""
        if session.testsfailed:
            return False  # pytest says what could not be collected
        items = {item.nodeid: item for item in session.items}
        try:
            found = self._reach(list(items.values()))
            self._warm()
            gc.collect()
            gc.freeze()  # forks share these pages
            for mutant in self.progress(self.mutants, "mutants"):
                tests = found.tests(mutant, self.budget)
                seconds = sum(found.seconds[test] for test in tests)
                chosen = [items[test] for test in tests if test in items]
                answer, took = fork.ask(
                    functools.partial(self._attempt, mutant, chosen),
                    PATIENCE * (1 + seconds),
                )
                status, by = answer.split("\n", 1) if "\n" in answer else (KILLED, answer)
                self.results.add(Record(mutant.key, self.of, status, by, round(took, 3)))
        except UserError as error:  # pytest would print it as a failure of its own
            self.error = error
        return True

    @staticmethod
    def _warm() -> None:
        """Import what the first test would import in every fork again, a second each time."""
        import torch

        torch.use_deterministic_algorithms(True)
        torch.use_deterministic_algorithms(False)

    def _attempt(self, mutant: Mutant, items: Sequence[Any]) -> str:
        """Return status and reason, in the fork."""
        try:
            transplant(mutant.module, mutated(mutant), mutant.assigned)
        except ImportFailsError as error:
            return f"{KILLED}\nimport: {error}"
        except NotTransplantableError:
            return f"{UNTRIED}\nnothing that can be replaced came out different"
        except Exception as error:  # ours: it kills nothing
            return f"{UNTRIED}\n{type(error).__name__}: {error}"
        for number, item in enumerate(items):
            following = items[number + 1] if number + 1 < len(items) else None
            if not self._run(item, following):
                return f"{KILLED}\n{item.nodeid}"
        return f"{SURVIVED}\n{len(items)} tests"

    def _run(self, item: Any, following: Any) -> bool:
        self._failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return not self._failed

    def _reach(self, items: Sequence[Any]) -> reach.Reach:
        found = reach.load(self.map, self.of, self.old_map)
        known = found.seconds if found else {}
        new = [item for item in items if item.nodeid not in known]
        if new:

            def measure() -> str:
                def progress(numbers: Any) -> Iterable[Any]:
                    return self.progress(numbers, "tests")

                of = self.of if found is None else "of several sources"
                reach.measure(new, self._run, progress, found).save(self.map, of)
                return "done"

            fork.ask(measure, limit=3600.0, memory=None, quiet=False)
            found = reach.load(self.map, self.of, self.old_map)
        if found is None:
            raise UserError(f"the map of the tests was not written to {self.map}")
        if found.failed:  # they would kill every mutant
            print(f"left out, for they fail with no mutant: {', '.join(found.failed)}", flush=True)
        return found


def run(session: Session, suites: Sequence[str] = reach.SUITES) -> None:
    """Collect the suites and run the session's mutants.

    Raises:
        UserError: the tests cannot be collected or fail by themselves.
    """
    import pytest

    if not session.mutants:
        return
    paths = [str(ROOT / suite) for suite in suites]
    arguments = [*_OPTIONS, "-m", _MARKS, "--deselect", _LEFT_OUT, "--rootdir", str(ROOT), *paths]
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        code = pytest.main(arguments, plugins=[session])
    finally:
        os.chdir(before)
    if session.error is not None:
        raise session.error
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code != pytest.ExitCode.OK:
        raise UserError(f"the tests could not be collected (pytest left with {int(code)})")
