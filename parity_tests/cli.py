"""`python -m parity_tests`: are the twins one network, and if not, which module is wrong?

Examples:
  python -m parity_tests lenet5
  python -m parity_tests lenet5 --size full --dtype float32
  python -m parity_tests resnet18 --conv winograd
  python -m parity_tests --layer Conv2d
  python -m parity_tests --all --dtype float32 --json parity.json

Where a module of its own is wrong, its input, its right tensors and those of scratch are written as
a golden folder, for scripts/compare.py.

Exit code: 0 every check passes; 1 a FAIL or MISTRUSTED; 2 bad input.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scratch import spec
from scratch.spec import UserError, unknown

if TYPE_CHECKING:
    from parity_tests.harness.verdict import Check

DTYPES = ("float64", "float32")
CONVS = ("direct", "winograd", "winograd-f2")
LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5", "L6")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m parity_tests",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("chapters", nargs="*", metavar="chapter", help="see scripts/list.py")
    made.add_argument("--all", action="store_true", help="every chapter, layer and optimizer")
    made.add_argument("--layer", action="append", default=[], metavar="NAME", help="e.g. Conv2d")
    made.add_argument(
        "--optimizer", action="append", default=[], metavar="NAME", help='e.g. "SGD plain"'
    )
    made.add_argument("--size", default="tiny", help="tiny (default) or full")
    made.add_argument(
        "--dtype", default="float64", help="float64 (default): L0 L1 L2 L4 L5; float32: L0 L3 L5 L6"
    )
    made.add_argument("--seed", type=int, default=0, help="first seed of inputs and weights")
    made.add_argument("--levels", default="", metavar="L0,L2", help="only these levels")
    made.add_argument(
        "--conv",
        default=CONVS[0],
        metavar="MODE",
        help=f"of a chapter's scratch twin: {', '.join(CONVS)}; the latter at L0 to L3",
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="also write every check there")
    made.add_argument(
        "--golden-on-failure",
        type=Path,
        metavar="DIR",
        default=Path("runs") / "failures",
        help="where a guilty module's golden folder goes (%(default)s)",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = parser().parse_args(argv)
    try:
        return _run(options, sys.argv[1:] if argv is None else argv)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def check_chapter(id: str, size: str, dtype: str, seed: int) -> list[Check]:
    """Return every check of a chapter; the library behind the command.

    Raises:
        UserError: unknown chapter, size or dtype.
    """
    spec.get(id, size)
    _known("dtype", dtype, DTYPES)
    from parity_tests.harness import runner

    return runner.check_chapter(id, size, dtype, seed)


def _run(options: argparse.Namespace, argv: Sequence[str]) -> int:
    _known("dtype", options.dtype, DTYPES)
    _known("conv mode", options.conv, CONVS)
    chosen = tuple(part for part in options.levels.upper().split(",") if part)
    for level in chosen:
        _known("level", level, LEVELS)
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: expects a whole number from 0 on")
    if options.json is not None and not options.json.parent.is_dir():
        raise UserError(f"--json {options.json}: the folder {options.json.parent} does not exist")
    for id in options.chapters:
        spec.get(id, options.size)
    if options.all and options.conv != CONVS[0]:
        raise UserError(f"--conv {options.conv} is for single chapters; leave --all out")
    spec.get(spec.ids()[0], options.size)
    if not (options.chapters or options.all or options.layer or options.optimizer):
        raise UserError("name a chapter, --layer NAME, --optimizer NAME or --all")

    from parity_tests.harness import report

    start = time.perf_counter()
    subjects: dict[str, list[Check]] = {}
    for subject, arguments, run in _subjects(options, chosen):
        print(f"{subject} ...", file=sys.stderr, flush=True)
        checks = run()
        if not checks and chosen:
            continue  # the chosen levels do not apply to it
        subjects[subject] = checks
        print(report.table(checks))
        for line in report.settled_lines(checks):
            print(line)
        for line in report.failure_lines(subject, checks, arguments):
            print(line)
        if any(check.failing for check in checks):
            from parity_tests.harness import guilty

            for line in guilty.lines(options.golden_on_failure, subject, checks, options.size):
                print(line)
        print(flush=True)
    if not subjects:
        raise UserError(f"--levels {options.levels} does not apply to {options.dtype} here")
    if len(subjects) > 1:
        print(report.summary(subjects))
    if options.json is not None:
        from scratch.run.files import atomic_write

        command = f"python -m parity_tests {shlex.join(argv)}"
        text = report.document(subjects, command, time.perf_counter() - start)
        atomic_write(options.json, text.encode())
    return int(any(check.failing for checks in subjects.values() for check in checks))


def _subjects(
    options: argparse.Namespace, levels: tuple[str, ...]
) -> Iterator[tuple[str, str, Callable[[], list[Check]]]]:
    """Yield (name, command-line arguments, what runs it) for everything that was asked for."""
    from parity_tests.harness import cases, runner
    from parity_tests.harness.levels import optimiser

    for name in options.layer:
        _known("layer", name, cases.layers())
    for name in options.optimizer:
        _known("optimizer", name, tuple(optimiser.CASES))
    dtype, seed, size = options.dtype, options.seed, options.size
    wanted = levels or runner.LEVELS[dtype]
    conv, of_chapters, more = options.conv, wanted, ""
    if conv != CONVS[0]:
        of_chapters = tuple(level for level in wanted if level in runner.CONV_LEVELS[conv])
        more = f" --conv {conv}"
    for id in spec.ids() if options.all else options.chapters:
        yield (
            id,
            f"{id} --size {size} --dtype {dtype}{more}",
            partial(runner.check_chapter, id, size, dtype, seed, of_chapters, conv=conv),
        )
    for name in cases.layers() if options.all else options.layer:
        yield (
            name,
            f"--layer {name} --dtype {dtype}",
            partial(runner.check_layer, name, dtype, seed, wanted),
        )
    if "L4" in wanted or options.optimizer:
        for name in optimiser.CASES if options.all else options.optimizer:
            yield (
                name,
                f"--optimizer {shlex.quote(name)} --dtype {dtype}",
                partial(runner.check_optimizer, name, dtype, seed),
            )


def _known(kind: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise unknown(kind, name, names)
