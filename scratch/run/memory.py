"""Freed memory stays with the process while it trains: the next step finds its pages in place."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator
from typing import Any

TRIM, MAPPINGS = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of glibc's malloc.h
KEPT_BYTES = (1 << 31) - 1  # the most that glibc takes


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep freed memory inside this block; however it ends, the system gets the free pages back."""
    keep_freed_memory()
    try:
        yield
    finally:
        hand_back_freed_memory()


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed memory, unless more than 2 GiB are free at the heap's end.

    A training step makes the same large arrays again and again. Every time the system fills each
    page of a fresh one with zeros first: a third of a LeNet-5 step with 64 images, a tenth of one
    of a dense block, whose arrays above 32 MiB glibc would map anew each time. In return the
    process holds between two steps, and until :func:`hand_back_freed_memory`, the most that it ever
    took: the same as without for DenseNet-121 and GoogLeNet, 8% more for AlexNet. Values do not
    change. Linux with glibc has this setting, elsewhere nothing happens.

    Returns:
        Whether the setting exists here.
    """
    mallopt = _of_glibc("mallopt")
    return mallopt is not None and bool(mallopt(TRIM, KEPT_BYTES) and mallopt(MAPPINGS, 0))


def hand_back_freed_memory() -> bool:
    """Give the system every free page, also those below something that is still in use.

    Returns:
        Whether the C library can, as glibc does.
    """
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)
    return trim is not None


def _of_glibc(name: str) -> Any:
    """Return a function of the C library, None where it has no such function."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
