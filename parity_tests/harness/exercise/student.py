"""A student's file: run it, call what it defines under a time limit, say what went wrong where."""

from __future__ import annotations

import contextlib
import copy
import inspect
import signal
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from parity_tests.harness.exercise.calls import put
from parity_tests.harness.exercise.items import SUFFIX, Block, Item
from scratch.spec.errors import UserError

LIMIT = 10.0  # seconds for one call; scratch needs milliseconds


class TooLong(BaseException):
    """A call has used up its time; no `except Exception` of the student catches it."""


@dataclass(frozen=True)
class Trouble:
    """Why a call gave no result.

    Attributes:
        text: in one line, with the student's line.
        todo: whether it has not been written yet.
    """

    text: str
    todo: bool = False


@dataclass(frozen=True)
class Student:
    """What a file defines.

    Attributes:
        path: of the file.
        chapter: for which it was written.
        names: what was to be filled in.
        defined: everything in it, by name.
        limit: seconds for one call.
    """

    path: Path
    chapter: str
    names: tuple[str, ...]
    defined: dict[str, Any]
    limit: float = LIMIT

    def of(self, item: Item) -> Callable[..., Any] | None:
        """Return the student's version of something, None if it is no longer there."""
        found = self.defined.get(item.name.removesuffix(SUFFIX))
        if isinstance(item, Block):
            found = vars(found).get("backward") if isinstance(found, type) else None
        return found if callable(found) else None

    def signature_fault(self, item: Item) -> str:
        """Return what is wrong with a signature, "" for nothing."""
        found = self.of(item)
        assert found is not None
        wanted = item.cls.backward if isinstance(item, Block) else item.truth
        mine, own = (list(inspect.signature(f).parameters) for f in (found, wanted))
        if len(mine) == len(own):
            return ""
        return f"it takes ({', '.join(mine)}), expected ({', '.join(own)})"

    @contextlib.contextmanager
    def planted(self, item: Item) -> Iterator[None]:
        """Let scratch use the student's version inside the block."""
        found = self.of(item)
        assert found is not None
        if not isinstance(item, Block):
            with put(item.owner, item.name, found):
                yield
            return
        with contextlib.ExitStack() as undo:
            mine = vars(self.defined[item.cls.__name__])
            for name, value in mine.items():
                helper = inspect.isfunction(value) and not hasattr(item.cls, name)
                if name == "backward":
                    undo.enter_context(put(item.cls, name, value))
                elif helper:
                    setattr(item.cls, name, value)
                    undo.callback(delattr, item.cls, name)
            yield

    def attempt(self, call: Callable[[], Any], calls: int = 1) -> Any:
        """Return what a call returns, or a `Trouble`.

        Args:
            call: takes nothing.
            calls: of the student's functions that are made in it, each with its time.
        """
        try:
            with np.errstate(all="ignore"), limited(self.limit * calls):
                return call()
        except NotImplementedError as error:
            if traceback.extract_tb(error.__traceback__)[-1].filename == str(self.path):
                return Trouble("to do", todo=True)
            return self._raised(error)
        except TooLong as error:
            spent = (
                f"it was still running after {self.limit * calls:g} s (--limit): an endless loop?"
            )
            return Trouble(f"{spent} {self._line(error)}")
        except (SystemExit, Exception) as error:
            return self._raised(error)

    def _raised(self, error: BaseException) -> Trouble:
        text = " ".join(str(error).split())
        return Trouble(f"it raises {type(error).__name__}: {text} {self._line(error)}".rstrip())

    def _line(self, error: BaseException) -> str:
        last = traceback.extract_tb(error.__traceback__)[-1]
        outside = f"(in {Path(last.filename).name}, line {last.lineno}, with what was returned)"
        return line_of(error, self.path) or outside


def line_of(error: BaseException, path: Path) -> str:
    """Return the last line of a file that an error went through: "(line 12: `y = 1 / 0`)"."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == str(path):
            code = f": `{frame.line}`" if frame.line else ""
            return f"(line {frame.lineno}{code})"
    return ""


def load(path: Path, limit: float = LIMIT) -> Student:
    """Run a file and return what it defines.

    Args:
        path: of the file; it is executed.
        limit: seconds, for this and for every later call.

    Raises:
        UserError: it cannot be run, or is no exercise.
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    module = types.ModuleType(f"exercise_{path.stem}")
    sys.modules[module.__name__] = module  # dataclasses look there
    defined = vars(module)
    defined["__file__"] = str(path)
    try:
        with limited(limit), _beside(path):
            exec(compile(data, str(path), "exec"), defined)
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise UserError(f"{path}: {line}{error.msg}") from error
    except (TooLong, SystemExit, Exception) as error:
        what = "took too long" if isinstance(error, TooLong) else f"{type(error).__name__}: {error}"
        raise UserError(f"{path}: running it: {what} {line_of(error, path)}".rstrip()) from error
    chapter, names = defined.get("CHAPTER"), defined.get("EXERCISE")
    strings = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
    if not isinstance(chapter, str) or not strings or not names:
        raise UserError(
            f"{path}: no exercise: it has no CHAPTER and EXERCISE; write one with"
            " python scripts/exercise.py CHAPTER"
        )
    return Student(path, chapter, names, defined, limit)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Let a file import what lies beside it."""
    folder = str(path.resolve().parent)
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Interrupt Python code that runs longer; in the main thread of Unix, elsewhere not at all."""
    known = hasattr(signal, "setitimer")
    if not known or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def own_copy(value: Any) -> Any:
    """Return a copy that a student may spoil, in the same memory layout."""
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(own_copy, value))
    return copy.deepcopy(value)


def arrays_in(value: Any, name: str) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[Any]]]]:
    """Yield the arrays of a gradient or a cache with their names: "cache.x"."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, tuple) and not hasattr(value, "_fields"):  # several gradients
        for part in value:
            yield from arrays_in(part, name)
    elif hasattr(value, "_fields"):
        for field in value._fields:
            yield from arrays_in(getattr(value, field), f"{name}.{field}")
