"""The pattern of every script: parse, call, print; an error is one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(main: Callable[[Sequence[str] | None], int | None]) -> None:
    """Call a script's `main` and leave with its exit code.

    0 means done, 1 that a check failed, 2 bad input (one line on standard error), 130 Ctrl-C.
    """
    if str(ROOT) not in sys.path:  # run from a checkout that was not installed
        sys.path.insert(0, str(ROOT))
    sys.exit(guarded(main))


def guarded(
    main: Callable[[Sequence[str] | None], int | None], argv: Sequence[str] | None = None
) -> int:
    """Return the exit code of `main(argv)`; what the user can mend is printed as one line."""
    try:
        return main(argv) or OK
    except KeyboardInterrupt as error:
        print(str(error) or "interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `script | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except ImportError as error:
        if error.name is None or error.name.split(".")[0] in ("scratch", "ref_torch", "scripts"):
            raise
        print(_line(f"{error.name} is not installed: {_install(error.name)}"), file=sys.stderr)
        return BAD_INPUT
    except ValueError as error:
        if not _mendable(error):
            raise
        print(_line(str(error)), file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        if error.filename is None:
            raise
        print(_line(f"{error.filename}: {error.strerror}"), file=sys.stderr)
        return BAD_INPUT


def one_thread() -> None:
    """Compute on one thread unless the environment says otherwise; call before NumPy is imported.

    Small networks are fastest so, and no sum depends on how many cores there are.
    """
    for name in THREADS:
        os.environ.setdefault(name, "1")


def writable(*files: Path | None) -> None:
    """Refuse a file that was asked for and could not be written, before the work that fills it.

    The folder of a file must exist; only folders that are asked for as such are made.

    Raises:
        UserError: as `scratch.run.files.writable`; None is passed over.
    """
    from scratch.run import files as of_scratch

    for file in files:
        if file is not None:
            of_scratch.writable(file)


def folder(path: Path | None, file: str) -> None:
    """Make a folder that was asked for, with its parents; refuse it if no file could stand there.

    Raises:
        UserError: `file` could not be written in it.
        OSError: it could not be made.
    """
    if path is not None:
        path.mkdir(parents=True, exist_ok=True)
        writable(path / file)


def failed(reason: str) -> int:
    """Print why a check failed, in one line, and return the exit code for it."""
    print(_line(reason), file=sys.stderr)
    return FAILED


class OneLineParser(argparse.ArgumentParser):
    """A parser that refuses in one line; how it is used stands in --help."""

    def error(self, message: str) -> NoReturn:
        print(_line(f"{message}; see {self.prog} --help"), file=sys.stderr)
        sys.exit(BAD_INPUT)


def parser(doc: str | None, examples: str) -> argparse.ArgumentParser:
    """Return a parser whose help is the script's docstring and its examples."""
    return OneLineParser(
        description=doc,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _mendable(error: ValueError) -> bool:
    from scratch.spec.errors import UserError

    if isinstance(error, UserError):
        return True
    from scratch.ops.checks import ShapeError

    return isinstance(error, ShapeError)


def _install(package: str) -> str:
    torch, peers = ("torch", "lightning", "jsonargparse"), ("autograd", "jax", "tinygrad")
    extras = dict.fromkeys(torch, "torch") | dict.fromkeys(peers, "peers")
    extras["expecttest"] = "dev"
    extra = extras.get(package.split(".")[0], "deploy")
    return f'pip install -e ".[{extra}]"'


def _line(text: str) -> str:
    return "error: " + " ".join(text.split())
