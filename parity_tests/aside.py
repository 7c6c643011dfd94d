"""A second process for what takes long and needs nothing of the rest: the training of a chapter.

It is forked before anything has been computed, so that it finds torch imported and whatever was
planted in this one, and no thread is in the middle of something.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

from parity_tests.harness.verdict import Check
from scratch.spec import UserError

Work = Callable[[], list[Check]]


class Ended(NamedTuple):
    """What the other process sends for a piece of work: checks, or what was raised instead."""

    checks: list[Check]
    error: str = ""


def possible() -> bool:
    """Return whether this process may be forked, and has a core for the other one.

    A fork has but one thread, and torch would wait there for those it had started here.
    """
    torch = sys.modules.get("torch")
    if sys.platform != "linux" or threading.active_count() > 1:
        return False
    if torch is not None and torch.get_num_threads() > 1:
        return False
    return len(os.sched_getaffinity(0)) > 1


@contextmanager
def done(works: Sequence[Work], wanted: bool) -> Iterator[Work]:
    """Do some work in another process, in order, while the block does something else.

    Args:
        works: what is to be done.
        wanted: else all of it is done here, each piece when its result is asked for.

    Yields:
        A function that waits for the next piece of work, from the first on, and returns its checks.

    Raises:
        UserError: the other process ended before its time.
        RuntimeError: what was raised there.
    """
    if not (wanted and works and possible()):
        waiting = iter(works)
        yield lambda: next(waiting)()
        return
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(works, theirs), daemon=True)
    process.start()
    theirs.close()

    def ask() -> list[Check]:
        try:
            ended: Ended = ours.recv()
        except EOFError:
            process.join()
            code = process.exitcode or 0
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            raise UserError(
                f"the process that trains ended {how}, for want of memory perhaps; say --jobs 1"
            ) from None
        if ended.error:
            raise RuntimeError(f"in the process that trains:\n{ended.error}")
        return ended.checks

    try:
        yield ask
    finally:
        process.kill()
        process.join()
        ours.close()


def _do(works: Sequence[Work], pipe: Connection) -> None:
    import traceback

    try:
        for work in works:
            try:
                ended = Ended(work())
            except Exception:
                ended = Ended([], traceback.format_exc())
            pipe.send(ended)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(1)  # the first process says what is to be said
