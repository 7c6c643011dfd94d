"""Ask a question in a forked process that may hang, crash, or eat memory."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

MEMORY = 3 << 30  # bytes that a fork may take on top of what it shares


def ask(
    question: Callable[[], str],
    limit: float,
    memory: int | None = MEMORY,
    quiet: bool = True,
) -> tuple[str, float]:
    """Return what a function returns in a fork, and how long that took.

    Args:
        question: what to run there.
        limit: seconds until it is ended; the answer then is "timeout".
        memory: bytes on top of what is shared, None for no limit.
        quiet: whether what it prints is dropped.

    Returns:
        The answer, "timeout", or "crash" if the process ended without one.
    """
    began = time.perf_counter()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _answer(question, writer, memory, quiet)
    os.close(writer)
    chunks: list[bytes] = []
    late = False
    try:
        while not late:
            left = limit - (time.perf_counter() - began)
            ready, _, _ = select.select([reader], [], [], max(left, 0))
            late = not ready
            chunk = os.read(reader, 1 << 16) if ready else b""
            if not chunk:
                break
            chunks.append(chunk)
    finally:  # an interruption ends the fork too
        os.close(reader)
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(child, signal.SIGKILL)
        os.waitpid(child, 0)
    text = b"".join(chunks).decode(errors="replace")
    return ("timeout" if late else text or "crash"), time.perf_counter() - began


def _answer(question: Callable[[], str], writer: int, memory: int | None, quiet: bool) -> None:
    """Run the question, write the answer and end the process, whatever happens."""
    try:
        os.setsid()  # a Ctrl-C goes to the parent, which ends this group
        if quiet:
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
        if memory is not None:
            _limit(memory)
        os.write(writer, question().encode())
    finally:
        os._exit(0)


def _limit(memory: int) -> None:
    """Limit the address space, where the system says how large it is."""
    import resource

    statm = Path("/proc/self/statm")
    if statm.exists():
        pages = int(statm.read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
