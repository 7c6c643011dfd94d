"""Freed memory stays with the process, so that the next step finds its pages in place."""

from __future__ import annotations

import ctypes
import sys

TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
KEPT_BYTES = 1 << 29
LARGE_BYTES = 1 << 25  # the most that glibc takes


def keep_freed_memory() -> bool:
    """Ask the C library to hand freed memory back to the system later, above 512 MiB.

    A training step makes the same large arrays again and again. Every time the system fills each
    page of a fresh one with zeros first: a third of a LeNet-5 step with 64 images. Values do not
    change; linux with glibc has this setting, elsewhere nothing happens.

    Returns:
        Whether the setting exists here.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(TRIM, KEPT_BYTES) and mallopt(MMAP, LARGE_BYTES))
