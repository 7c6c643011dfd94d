"""Pieces of work that do not need one another, on all the cores that the process may use.

NumPy runs on one core, and a BLAS on several leaves all but one idle while patches are copied or
entries are added. Here each thread takes piece after piece, copies and multiplies; a product of a
piece stays on the thread that made it. No sum is split: a piece is what one thread alone would have
computed, and what pieces have in common is added in their order. So the numbers are the same bit by
bit, however many threads there are.

As many threads are used as OpenBLAS, which comes with NumPy, is allowed: ``OPENBLAS_NUM_THREADS``
or ``OMP_NUM_THREADS`` before the start, the number of cores without them. With another BLAS, whose
threads would fight with these, everything runs where it was called.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from scratch.ops.checks import Array

if TYPE_CHECKING:
    from concurrent.futures import Executor

Piece = TypeVar("Piece")
Result = TypeVar("Result")

PART = 1 << 16
"""Entries of a part of a batch, and the most of an array that is not cut. In parts, batch
normalisation of two million entries takes half of the time on one core already; sharing parts takes
15 microseconds, a part of a ReLU 20."""

_busy = threading.Lock()


class Blas(NamedTuple):
    """How many threads OpenBLAS uses: the function that asks and the one that says so."""

    get: Callable[[], int]
    set: Callable[[int], None]


def threads() -> int:
    """Return on how many threads pieces may run at this moment."""
    blas = _blas()
    return 1 if blas is None else blas.get()


def each(
    work: Callable[[Piece], Result],
    pieces: Iterable[Piece],
    then: Callable[[Result], Any] | None = None,
) -> None:
    """Do some work for every piece; the pieces may run at once.

    Args:
        work: Is called with a piece, on any thread. What two pieces write must not overlap.
        pieces: In the order in which one thread does them.
        then: Is called with every result, in the order of the pieces and never twice at once.

    An exception ends the work and is raised here. Work that itself has pieces does them on the
    thread it runs on, and so does a second thread of the program while a first one is here.

    >>> order = []
    >>> each(lambda n: n * n, [1, 2, 3], order.append)
    >>> order
    [1, 4, 9]
    """
    todo = list(pieces)
    count = min(len(todo), threads()) if len(todo) > 1 else 1
    if count > 1 and _busy.acquire(blocking=False):
        try:
            _share(_Queue(work, todo, then), count)
        finally:
            _busy.release()
        return
    for piece in todo:
        result = work(piece)
        if then is not None:
            then(result)


def summed(work: Callable[[Piece], Array], pieces: Iterable[Piece]) -> Array:
    """Return the sum of the arrays that the pieces give, added in their order.

    >>> import numpy as np
    >>> summed(lambda n: np.array([n, 1]), [1, 2, 3])
    array([6, 3])
    """
    total: list[Array] = []

    def add(term: Array) -> None:
        if total:
            total[0] += term
        else:
            total.append(term)

    each(work, pieces, add)
    return total[0]


def over_batch(work: Callable[[slice], Any], x: Array) -> None:
    """Do some work for parts of a batch that together are all of it.

    A part has about :data:`PART` entries, so that what is done to it one after the other finds it
    in the cache, on one core as well.

    Args:
        work: Is called with a slice of the first axis, on any thread.
        x: Says how long that axis is; unless it is the outermost in memory, nothing is cut.

    >>> import numpy as np
    >>> parts = []
    >>> over_batch(parts.append, np.zeros((5, PART // 2)))  # on two threads in any order
    >>> sorted(part.start for part in parts)
    [0, 2, 4]
    """
    n = len(x)
    if x.size <= PART or abs(x.strides[0]) < max(map(abs, x.strides)):
        work(slice(0, n))
        return
    step = max(1, PART * n // x.size)
    each(work, [slice(first, min(first + step, n)) for first in range(0, n, step)])


class _Queue:
    """The pieces that are left, and the results that wait for their turn."""

    def __init__(self, work: Any, todo: list[Any], then: Any) -> None:
        self.work, self.then = work, then
        self.todo = list(enumerate(todo))[::-1]
        self.done: dict[int, Any] = {}
        self.turn = 0
        self.lock = threading.Lock()

    def drain(self) -> None:
        """Do pieces until none is left; after an exception none is."""
        try:
            while True:
                with self.lock:
                    if not self.todo:
                        return
                    number, piece = self.todo.pop()
                result = self.work(piece)
                if self.then is not None:
                    with self.lock:
                        self.done[number] = result
                        while self.turn in self.done:
                            self.then(self.done.pop(self.turn))
                            self.turn += 1
        except BaseException:
            self.todo = []
            raise


def _share(queue: _Queue, count: int) -> None:
    """Empty a queue on several threads, this one among them; each multiplies on its own."""
    blas = _blas()
    assert blas is not None
    before = blas.get()
    blas.set(1)
    try:
        helpers = [_pool().submit(copy_context().run, queue.drain) for _ in range(count - 1)]
        try:
            queue.drain()
        finally:
            for helper in helpers:
                helper.exception()  # wait
        for helper in helpers:
            helper.result()
    finally:
        blas.set(before)


@functools.cache
def _pool() -> Executor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(os.cpu_count(), "scratch")


@functools.cache
def _blas() -> Blas | None:
    """Return what asks and tells OpenBLAS, None with another BLAS."""
    import ctypes

    from numpy.linalg import _umath_linalg  # type: ignore[attr-defined]

    library = ctypes.CDLL(_umath_linalg.__file__)
    for prefix in ("scipy_openblas", "openblas"):
        for suffix in ("64_", ""):
            get = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
            put = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
            if get is not None and put is not None:
                return Blas(get, put)
    return None


def _after_fork() -> None:
    """Forget the threads, which a child process does not have, and who was busy with them."""
    global _busy
    _busy = threading.Lock()
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
