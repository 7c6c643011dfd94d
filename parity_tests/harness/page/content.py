"""What stands on the page, gathered from the documents of one or more runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from parity_tests.harness import report
from parity_tests.harness.document import Document, Subject
from parity_tests.harness.page import shares, training_plot
from parity_tests.harness.verdict import SETTLED, Check, Verdict, worst
from scratch import spec

AT_ONCE = 10  # places of a failing subject that are seen without unfolding
SHOWN = 200  # that are listed at all; the rest is counted
ENGINES = (
    ("scratch float64", "L2", ("scratch float64",)),
    ("scratch float32", "L3", ("scratch float32",)),
    ("torch float32", "L3", ("torch float32",)),
    ("ONNX Runtime, node by node", "L6", ("ONNX Runtime, node alone",)),
    ("ONNX Runtime, whole file", "L6", shares.ORT),
    ("onnx.reference, whole file", "L6", ("onnx.reference",)),
    ("scratch float32, whole network", "L6", ("scratch float32",)),
)


@dataclass(frozen=True)
class Place:
    """One tensor that fails in one engine, under one or more seeds.

    Attributes:
        check: the worst.
        count: how many fail there.
        command: shows it again.
    """

    check: Check
    count: int
    command: str


@dataclass(frozen=True)
class Failure:
    """What is wrong with one subject in one precision.

    Attributes:
        subject: its results.
        count: how many of its checks fail.
        places: where, at most SHOWN.
        more: how many places are not listed.
    """

    subject: Subject
    count: int
    places: tuple[Place, ...]
    more: int


@dataclass(frozen=True)
class Entry:
    """A subject in all the precisions that were run.

    Attributes:
        name: id of the chapter, name of the layer or the optimizer.
        title: of the chapter, otherwise "".
        title_zh: likewise.
        step: of the book, 0 for what is no chapter.
        book: chapters of the book.
        size: "tiny" or "full" for a chapter.
        checks: all of them.
        seconds: that they took.
    """

    name: str
    title: str
    title_zh: str
    step: int
    book: str
    size: str
    checks: tuple[Check, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """The worst verdict."""
        return worst(self.checks)

    @property
    def anchor(self) -> str:
        """Name of the place on the page."""
        return "of-" + "".join(c if c.isalnum() else "-" for c in f"{self.name}-{self.size}")

    @property
    def levels(self) -> list[list[str]]:
        """One row per level and engine."""
        return [list(row[1:]) for row in report.rows(self.checks)[1]]

    @property
    def plots(self) -> list[training_plot.Plot]:
        """The trainings."""
        return training_plot.plots(self.checks)

    @property
    def remarks(self) -> list[str]:
        """What passed with a reservation: sentences, each with its count."""
        counts: dict[str, int] = {}
        for check in self.checks:
            odd = check.verdict in (Verdict.KINK, Verdict.PRECISION_PATH)
            if odd or check.note.startswith(SETTLED):
                text = f"{check.verdict} {check.level} {check.where} {check.tensor}: {check.note}"
                counts[text] = counts.get(text, 0) + 1
        return list(counts)

    def cells(self, columns: Sequence[shares.Column]) -> list[shares.Cell]:
        """Return a cell for each column."""
        return [shares.cell([c for c in self.checks if column.selects(c)]) for column in columns]

    def heat(self) -> tuple[list[str], list[tuple[str, list[shares.Cell]]]]:
        """Return the columns and the rows of the map: modules in the order of their forwards."""
        sides = shares.present(shares.SIDES, self.checks)
        modules = dict.fromkeys(c.module for c in self.checks if c.level in ("L2", "L3"))
        by_module: dict[str, list[Check]] = {module: [] for module in modules}
        for check in self.checks:
            if check.module in by_module:
                by_module[check.module].append(check)
        rows = [
            (
                module or "whole network",
                [shares.cell([c for c in own if side.selects(c)]) for side in sides],
            )
            for module, own in by_module.items()
        ]
        return [side.name for side in sides], rows


@dataclass(frozen=True)
class Engine:
    """How close one implementation is, over everything that was run.

    Attributes:
        name: of the implementation.
        count: tensors.
        median: used share of the bound; `high` of 99 in 100, `most` the largest.
        at: where the largest is.
        bins: percentage and colour of every bin of the distribution.
    """

    name: str
    count: int
    median: str
    high: str
    most: str
    at: str
    bins: list[tuple[int, str]]


@dataclass(frozen=True)
class Content:
    """Everything that the template shows."""

    documents: tuple[Document, ...]
    entries: tuple[Entry, ...]

    @property
    def checks(self) -> list[Check]:
        """All of them."""
        return [check for entry in self.entries for check in entry.checks]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict."""
        return worst(self.checks)

    @property
    def passed(self) -> int:
        """How many checks do not fail."""
        return sum(not check.failing for check in self.checks)

    @property
    def partial(self) -> bool:
        """Whether a run was interrupted."""
        return any(document.partial for document in self.documents)

    def steps(self) -> list[tuple[str, list[Entry]]]:
        """Return the chapters by step of the book."""
        steps: dict[int, list[Entry]] = {}
        for entry in self.entries:
            if entry.step:
                steps.setdefault(entry.step, []).append(entry)
        return [
            (f"Step {step} of the book, {', '.join(sorted({e.book for e in chapters}))}", chapters)
            for step, chapters in sorted(steps.items())
        ]

    def others(self) -> list[tuple[str, list[Entry]]]:
        """Return what is no chapter: layers, then optimizers."""
        named = {s.subject: s.kind for d in self.documents for s in d.subjects}
        kinds = (("Layers by themselves", "layer"), ("Optimizers and schedules", "optimizer"))
        found = [
            (title, [e for e in self.entries if not e.step and named[e.name] == kind])
            for title, kind in kinds
        ]
        return [(title, entries) for title, entries in found if entries]

    def failures(self) -> list[Failure]:
        """Return what is wrong, in the order of the run."""
        found = []
        for subject in (s for document in self.documents for s in document.subjects):
            by_place: dict[tuple[str, ...], list[Check]] = {}
            for c in subject.checks:
                if c.failing:
                    key = (c.level, c.subject, c.module, c.direction, c.tensor, c.engine)
                    by_place.setdefault(key, []).append(c)
            places = tuple(_place(subject, checks) for checks in by_place.values())
            if places:
                count = sum(place.count for place in places)
                more = max(0, len(places) - SHOWN)
                found.append(Failure(subject, count, places[:SHOWN], more))
        return found

    def engines(self) -> list[Engine]:
        """Return a row per implementation that was judged."""
        found = []
        for name, level, engines in ENGINES:
            own = [
                check
                for check in self.checks
                if check.level == level and check.engine in engines and check.used < float("inf")
            ]
            if own:
                found.append(_engine(name, own))
        return found

    def trainings(self) -> list[tuple[Entry, list[training_plot.Plot]]]:
        """Return the chapters that were trained; those whose runs part most come first."""
        found = [(entry, entry.plots) for entry in self.entries]
        found = [(entry, plots) for entry, plots in found if plots]
        return sorted(found, key=lambda pair: -max(plot.most for plot in pair[1]))


def gather(documents: Sequence[Document]) -> Content:
    """Return the content of a page; chapters come in the order of the book."""
    by_name: dict[tuple[str, str], list[Subject]] = {}
    for subject in (s for document in documents for s in document.subjects):
        by_name.setdefault((subject.subject, subject.size), []).append(subject)
    entries = [_entry(*key, subjects) for key, subjects in by_name.items()]
    order = {id: number for number, id in enumerate(spec.ids())}
    entries.sort(key=lambda entry: order.get(entry.name, len(order)) if entry.step else len(order))
    return Content(tuple(documents), tuple(entries))


def _entry(name: str, size: str, subjects: Iterable[Subject]) -> Entry:
    parts = list(subjects)
    checks = tuple(check for part in parts for check in part.checks)
    seconds = sum(part.seconds for part in parts)
    if parts[0].kind == "chapter" and name in spec.ids():
        about = spec.get(name)
        return Entry(
            name, about.title, about.title_zh, about.step, about.book, size, checks, seconds
        )
    return Entry(name, "", "", 0, "", size, checks, seconds)


def _place(subject: Subject, checks: Sequence[Check]) -> Place:
    top = max(checks, key=lambda check: check.used)
    return Place(top, len(checks), reproducer(subject, top))


def reproducer(subject: Subject, check: Check) -> str:
    """Return the command that shows a check again; a level and a seed more than the subject's."""
    start = subject.reproduce.partition(" --seed ")[0]
    return report.reproducer(check, start.removeprefix("python -m parity_tests "))


def _engine(name: str, checks: Sequence[Check]) -> Engine:
    used = [check.used for check in checks]
    top = max(checks, key=lambda check: check.used)
    cuts = quantiles(used, n=100) if len(used) > 1 else [used[0]] * 99
    at = " ".join(part for part in (top.subject, top.module, top.tensor) if part)
    median, high = (shares.number(min(cut, top.used)) for cut in (cuts[49], cuts[98]))
    most = shares.number(top.used)
    return Engine(name, len(used), median, high, most, at, shares.distribution(used))
