"""One run of `python -m parity_tests`: what is checked, printed and written."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from parity_tests import aside
from parity_tests.harness import cases, document, report, runner
from parity_tests.harness.levels import optimiser
from parity_tests.harness.page import faults, render
from parity_tests.harness.verdict import Check, worst
from scratch import spec
from scratch.run.files import atomic_write, writable
from scratch.spec import UserError, unknown

ROOM = 4 << 20  # bytes that a page may need
LONG = ("L5", "L6")  # levels of a chapter that a second process may see to


class Names(NamedTuple):
    """What was asked for."""

    chapters: Sequence[str]
    layers: Sequence[str]
    optimizers: Sequence[str]
    all: bool


class How(NamedTuple):
    """How it is checked; see the options of the command line."""

    dtypes: Sequence[str]
    size: str
    seed: int
    steps: int | None
    levels: tuple[str, ...]
    conv: str
    goldens: Path  # folder for the golden folders of guilty modules
    jobs: int  # processes


class Job(NamedTuple):
    """One subject in one precision."""

    subject: str
    kind: str
    dtype: str
    arguments: str  # of the command line, without seed and levels
    run: Callable[[], list[Check]]
    long: Callable[[], list[Check]] | None = None  # what may run beside it


@dataclass
class Output:
    """The files that were asked for.

    Attributes:
        json: file for every check.
        html: file for the page.
        mutants: file whose table goes on the page.
        command: as it was called.

    Raises:
        UserError: a file cannot be written or read; told before anything is checked.
    """

    json: Path | None
    html: Path | None
    mutants: Path | None
    command: str
    start: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        for path in filter(None, (self.json, self.html)):
            writable(path, ROOM)
        if self.mutants is not None and self.html is None:
            raise UserError("--mutants goes with --html FILE")
        self.faults = faults.read(self.mutants) if self.mutants else None

    def write(self, done: Sequence[document.Subject], partial: bool) -> list[str]:
        """Write the files and return a sentence for each."""
        seconds = time.perf_counter() - self.start
        made = document.make(done, self.command, seconds, partial)
        if self.json is not None:
            atomic_write(self.json, document.text(made).encode())
        if self.html is not None:
            atomic_write(self.html, render.page([made], self.faults).encode())
        state = " (partial)" if partial else ""
        return [f"written{state}: {path}" for path in (self.json, self.html) if path]

    def join(self, sources: Sequence[Path]) -> None:
        """Write the page of earlier runs."""
        assert self.html is not None
        made = render.page([document.read(path) for path in sources], self.faults)
        atomic_write(self.html, made.encode())
        print(f"written: {self.html}")


def jobs(names: Names, how: How) -> Iterator[Job]:
    """Yield everything that was asked for.

    Raises:
        UserError: a name is not known.
    """
    for kind, given, known in (
        ("layer", names.layers, cases.layers()),
        ("optimizer", names.optimizers, tuple(optimiser.CASES)),
    ):
        for name in given:
            if name not in known:
                raise unknown(kind, name, known)
    seed, size = how.seed, how.size
    more = f" --steps {how.steps}" if how.steps else ""
    if how.conv in runner.CONV_LEVELS:
        more += f" --conv {how.conv}"
    for id in spec.ids() if names.all else names.chapters:
        for dtype, levels in _levels(how):
            known = runner.CONV_LEVELS.get(how.conv, levels)
            chosen = tuple(level for level in levels if level in known)
            check = partial(runner.check_chapter, id, size, dtype, seed)
            check = partial(check, steps=how.steps, conv=how.conv)
            long = tuple(level for level in chosen if level in LONG)
            yield Job(
                id,
                "chapter",
                dtype,
                f"{id} --size {size} --dtype {dtype}{more}",
                partial(check, levels=tuple(level for level in chosen if level not in long)),
                partial(check, levels=long) if long else None,
            )
    for name in cases.layers() if names.all else names.layers:
        for dtype, levels in _levels(how):
            yield Job(
                name,
                "layer",
                dtype,
                f"--layer {name} --dtype {dtype}",
                partial(runner.check_layer, name, dtype, seed, levels),
            )
    for name in optimiser.CASES if names.all else names.optimizers:
        for dtype, levels in _levels(how):
            if "L4" in levels or not names.all:
                yield Job(
                    name,
                    "optimizer",
                    dtype,
                    f"--optimizer {shlex.quote(name)} --dtype {dtype}",
                    partial(runner.check_optimizer, name, dtype, seed),
                )


def _levels(how: How) -> Iterator[tuple[str, tuple[str, ...]]]:
    for number, dtype in enumerate(how.dtypes):
        levels = runner.LEVELS[dtype]
        if number:  # L0 judges both precisions at once
            levels = tuple(level for level in levels if level != "L0")
        if how.levels and len(how.dtypes) > 1:
            levels = tuple(level for level in levels if level in how.levels)
        yield dtype, levels if len(how.dtypes) > 1 else how.levels or levels


def run(jobs: Iterator[Job], how: How, output: Output) -> int:
    """Check, print and write; return the exit code.

    Raises:
        UserError: nothing was checked, or a file cannot be written.
        KeyboardInterrupt: with the names of the files that hold what was checked until then.
    """
    done: list[document.Subject] = []
    todo = list(jobs)
    long = [job.long for job in todo if job.long]
    try:
        with aside.done(long, how.jobs > 1) as next_long:
            for job in todo:
                found = _one(job, how, next_long)
                if found is not None:
                    done.append(found)
    except KeyboardInterrupt as interrupt:
        written = output.write(done, True) if done else []
        raise KeyboardInterrupt("".join(f"; {line}" for line in written)) from interrupt
    if not done:
        raise UserError(f"--levels {','.join(how.levels)} does not apply to {how.dtypes[0]} here")
    by_name: dict[str, list[Check]] = {}
    for subject in done:
        by_name.setdefault(subject.subject, []).extend(subject.checks)
    if len(done) > 1:
        print(report.summary(by_name))
    for line in output.write(done, False):
        print(line)
    return int(any(check.failing for subject in done for check in subject.checks))


def _one(job: Job, how: How, next_long: Callable[[], list[Check]]) -> document.Subject | None:
    print(f"{job.subject} ...", file=sys.stderr, flush=True)
    start = time.perf_counter()
    checks = job.run()
    if job.long is not None:
        checks += next_long()
    if not checks and how.levels:
        return None  # the chosen levels do not apply to it
    print(report.table(checks))
    lines = report.failure_lines(job.subject, checks, job.arguments)
    said = (*report.settled_lines(checks), *report.kink_lines(checks, job.arguments))
    for line in (*said, *lines):
        print(line)
    if any(check.failing for check in checks):
        from parity_tests.harness import guilty

        for line in guilty.lines(how.goldens, job.subject, checks, how.size, how.conv):
            print(line)
    print(flush=True)
    *divergence, reproduce = lines or ("",)
    return document.Subject(
        job.subject,
        job.kind,
        how.size if job.kind == "chapter" else "",
        job.dtype,
        round(time.perf_counter() - start, 3),
        worst(checks),
        tuple(line.partition(": ")[2] for line in divergence),
        reproduce.partition(": ")[2],
        tuple(checks),
    )
