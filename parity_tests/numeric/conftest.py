"""Two threads are claimed, with small pieces, so that small arrays have many of them.

A BLAS with two threads of its own would only slow the machine down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from scratch.ops import parallel, patches

Array = np.ndarray[Any, np.dtype[Any]]


class Claimed:
    """Stands in for the number that BLAS is asked for and told."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.shared = 0

    def set(self, count: int) -> None:
        self.count = count
        self.shared += count == 1


def _nans(make: Callable[..., Array]) -> Callable[..., Array]:
    def made(*args: Any, **kwargs: Any) -> Array:
        array = make(*args, **kwargs)
        array.fill(np.nan if array.dtype.kind == "f" else 1)
        return array

    return made


@pytest.fixture
def claim(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Claimed]:
    """Return a function that claims a number of threads, with small pieces."""
    monkeypatch.setattr(patches, "CHUNK_BYTES", 1 << 12)
    monkeypatch.setattr(parallel, "PART", 64)
    for name in ("empty", "empty_like"):  # else what is not written may hold an earlier result
        monkeypatch.setattr(np, name, _nans(getattr(np, name)))

    def claimed(count: int) -> Claimed:
        found = Claimed(count)
        blas = parallel.Blas(lambda: found.count, found.set)
        monkeypatch.setattr(parallel, "_blas", lambda: blas)
        return found

    return claimed


@pytest.fixture
def two(claim: Callable[[int], Claimed]) -> Iterator[Claimed]:
    """Claim two threads, and see that nothing is left behind."""
    found = claim(2)
    yield found
    assert found.count == 2
    assert not parallel._busy.locked()
