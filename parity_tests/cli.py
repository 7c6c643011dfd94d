"""`python -m parity_tests`: are the twins one network, and if not, which module is wrong?

Examples:
  python -m parity_tests lenet5
  python -m parity_tests lenet5 --size full --dtype float32
  python -m parity_tests resnet18 --conv winograd
  python -m parity_tests --layer Conv2d
  python -m parity_tests --all --dtype float32 --json parity.json
  python -m parity_tests --all --dtype both --html report.html
  python -m parity_tests --from parity.json --html report.html

Where a module of its own is wrong, its input, its right tensors and those of scratch are written as
a golden folder, for scripts/compare.py.

Exit code: 0 nothing fails (what float32 cannot tell, KINK, is said as "not proven here" with the
command that can tell; PRECISION-PATH is said too); 1 a FAIL or MISTRUSTED; 2 bad input; 130 Ctrl-C,
after the files have been written with what was checked until then.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from scratch import spec
from scratch.spec import UserError, unknown

if TYPE_CHECKING:
    from parity_tests.harness.verdict import Check

DTYPES = ("float64", "float32")
BOTH = "both"
CONVS = ("direct", "winograd", "winograd-f2")
LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5", "L6")


class _OneLine(argparse.ArgumentParser):
    """Refuses in one line, as the scripts do; how it is used stands in --help."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = _OneLine(
        prog="python -m parity_tests",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("chapters", nargs="*", metavar="chapter", help="see scripts/list.py")
    made.add_argument("--all", action="store_true", help="every chapter, layer and optimizer")
    made.add_argument("--layer", action="append", default=[], metavar="NAME", help="e.g. Conv2d")
    made.add_argument(
        "--optimizer", action="append", default=[], metavar="NAME", help='e.g. "SGD momentum"'
    )
    made.add_argument("--size", default="tiny", help="tiny (default) or full")
    made.add_argument(
        "--dtype",
        default="float64",
        help="float64 (default): L0 L1 L2 L4 L5; float32: L0 L3 L5 L6; both",
    )
    made.add_argument("--seed", type=int, default=0, help="first seed of inputs and weights")
    made.add_argument("--levels", default="", metavar="L0,L2", help="only these levels")
    made.add_argument(
        "--conv",
        default=CONVS[0],
        metavar="MODE",
        help=f"of a chapter's scratch twin: {', '.join(CONVS)}; the latter at L0 to L3",
    )
    made.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="of the training in L5 (default: 1000; 100 of a convolutional network)",
    )
    made.add_argument(
        "--jobs",
        type=int,
        choices=(1, 2),
        help="processes; with 2 one trains (L5) and exports (L6) while the other judges; usually 2 "
        "on Linux with more than one core, 1 at full size",
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="also write every check there")
    made.add_argument("--html", type=Path, metavar="FILE", help="also write a page for people")
    made.add_argument(
        "--mutants", type=Path, metavar="FILE", help="of make mutants; its table goes on the page"
    )
    made.add_argument(
        "--from",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        dest="sources",
        help="check nothing, make the page from files of --json",
    )
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
    command = f"python -m parity_tests {shlex.join(sys.argv[1:] if argv is None else argv)}"
    try:
        options = parser().parse_args(argv)
        return _page(options) if options.sources else _run(options, command)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        print(f"interrupted{interrupt}", file=sys.stderr)
        return 130


def check_chapter(id: str, size: str, dtype: str, seed: int) -> list[Check]:
    """Return every check of a chapter; the library behind the command.

    Raises:
        UserError: unknown chapter, size or dtype.
    """
    spec.get(id, size)
    _known("dtype", dtype, DTYPES)
    from parity_tests.harness import runner

    return runner.check_chapter(id, size, dtype, seed)


def _run(options: argparse.Namespace, command: str) -> int:
    _known("dtype", options.dtype, (*DTYPES, BOTH))
    _known("conv mode", options.conv, CONVS)
    levels = tuple(part for part in options.levels.upper().split(",") if part)
    for level in levels:
        _known("level", level, LEVELS)
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: expects a whole number from 0 on")
    if options.steps is not None and options.steps < 1:
        raise UserError(f"--steps {options.steps}: expects a whole number from 1 on")
    for id in options.chapters:
        spec.get(id, options.size)
    if options.all and options.conv != CONVS[0]:
        raise UserError(f"--conv {options.conv} is for single chapters; leave --all out")
    spec.get(spec.ids()[0], options.size)
    if not (options.chapters or options.all or options.layer or options.optimizer):
        raise UserError("name a chapter, --layer NAME, --optimizer NAME or --all")

    with _no_garbage():
        from parity_tests import session

    output = session.Output(options.json, options.html, options.mutants, command)
    names = session.Names(options.chapters, options.layer, options.optimizer, options.all)
    dtypes = DTYPES if options.dtype == BOTH else (options.dtype,)
    how = session.How(
        dtypes,
        options.size,
        options.seed,
        options.steps,
        levels,
        options.conv,
        options.golden_on_failure,
        options.jobs or (1 if options.size == "full" else 2),
    )
    return session.run(session.jobs(names, how), how, output)


def _page(options: argparse.Namespace) -> int:
    given = (options.chapters, options.all, options.layer, options.optimizer, options.json)
    if any(given) or options.html is None:
        raise UserError("--from goes with --html FILE and checks nothing: name no chapter")

    with _no_garbage():
        from parity_tests import session

    session.Output(None, options.html, options.mutants, "").join(options.sources)
    return 0


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Import torch inside without looking for garbage: what a module defines stays.

    The start takes 1.2 s instead of 1.5, and no later search walks through those objects again.
    """
    first = "torch" not in sys.modules and gc.isenabled()
    if not first:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _known(kind: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise unknown(kind, name, names)
