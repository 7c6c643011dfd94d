"""Freed memory stays with the process, so that the next step finds its pages in place."""

from __future__ import annotations

import ctypes
import sys

TRIM, MAPPINGS = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of glibc's malloc.h
KEPT_BYTES = (1 << 31) - 1  # the most that glibc takes


def keep_freed_memory() -> bool:
    """Ask the C library to hand freed memory back to the system later, above 2 GiB.

    A training step makes the same large arrays again and again. Every time the system fills each
    page of a fresh one with zeros first: a third of a LeNet-5 step with 64 images, a tenth of one
    of a dense block, whose arrays above 32 MiB glibc would map anew each time. The most that a
    process takes stays the same, and values do not change. Linux with glibc has this setting,
    elsewhere nothing happens.

    Returns:
        Whether the setting exists here.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(TRIM, KEPT_BYTES) and mallopt(MAPPINGS, 0))
