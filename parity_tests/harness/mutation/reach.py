"""Which tests run through which function of the mutated files, and how long each takes."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

from parity_tests.harness.mutation.source import PLACES, ROOT, Mutant
from scratch.run.files import atomic_write

# Doctests of the mutated files, the operations by themselves, layers and optimisers against torch.
SUITES = (
    *PLACES,
    "parity_tests/numeric/test_clip.py",
    "parity_tests/numeric/test_conv_by_hand.py",
    "parity_tests/numeric/test_fold.py",
    "parity_tests/numeric/test_formulas.py",
    "parity_tests/numeric/test_gradcheck.py",
    "parity_tests/numeric/test_in_parts.py",
    "parity_tests/numeric/test_kernels.py",
    "parity_tests/numeric/test_ops_exact.py",
    "parity_tests/numeric/test_ops_layouts.py",
    "parity_tests/numeric/test_ops_naive.py",
    "parity_tests/numeric/test_ops_refusals.py",
    "parity_tests/numeric/test_ops_special.py",
    "parity_tests/numeric/test_ops_torch.py",
    "parity_tests/numeric/test_optim.py",
    "parity_tests/numeric/test_optim_ranges.py",
    "parity_tests/numeric/test_schedule.py",
    "parity_tests/numeric/test_winograd.py",
    "parity_tests/layers",
    "parity_tests/mirror/test_layers.py",
    "parity_tests/mirror/test_state.py",
    "parity_tests/training/test_optimisers.py",
)
_SOURCES = ("scratch", "ref_torch", "parity_tests")


def digest(
    suites: Sequence[str] = SUITES, root: Path = ROOT, folders: Sequence[str] = _SOURCES
) -> str:
    """Return a hash of what the answers depend on: sources, tests, versions of what computes.

    This package is left out: it decides which mutants there are, and they have keys of their own.
    """
    own = Path(__file__).parent
    versions = [f"{name} {metadata.version(name)}" for name in ("numpy", "torch")]
    found = hashlib.sha256("\n".join((*suites, *versions)).encode())
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            if path.parent == own:
                continue
            found.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]


@dataclass
class Reach:
    """What each test touched.

    Attributes:
        functions: of each test, "FILE::FUNCTION" of what it ran through.
        seconds: of each test.
        failed: tests that failed with nothing planted.
    """

    functions: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def tests(self, mutant: Mutant, budget: float) -> list[str]:
        """Return tests that run through a mutant, for so many seconds.

        Tests that fail by themselves are left out. Each file of tests gets the same seconds, its
        quickest tests first: a file of hundreds of short refusals is not cut off by one whose
        every test takes a second.
        """
        whole, prefix = f"{mutant.file}::{mutant.function}", f"{mutant.file}::"
        spent: dict[str, float] = {}
        found = []
        failed = set(self.failed)
        for test in sorted(
            self.seconds.keys() - failed, key=lambda test: (self.seconds[test], test)
        ):
            names = self.functions[test]
            if whole in names or (not mutant.function and any(n.startswith(prefix) for n in names)):
                file = test.partition("::")[0]
                spent[file] = spent.get(file, 0.0) + self.seconds[test]
                found.append((spent[file], test))
        total, chosen = 0.0, list[str]()
        for _, test in sorted(found):
            total += self.seconds[test]
            if total > budget and chosen:
                break
            chosen.append(test)
        return chosen

    def save(self, path: Path, of: str) -> None:
        """Write the map with the hash of the sources that it was made of."""
        held = {"digest": of, **vars(self)}
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps(held).encode())


def load(path: Path, of: str, old: bool = False) -> Reach | None:
    """Return a saved map, or None if there is none of these sources (of any, if `old`)."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held.pop("digest") != of and not old:
            return None
        return Reach(**held)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@contextmanager
def recorded(root: Path = ROOT) -> Iterator[set[str]]:
    """Collect "FILE::FUNCTION" of every function of the mutated files that is entered inside."""
    prefixes = tuple(f"{root / place}/" for place in PLACES)
    codes: set[Any] = set()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(prefixes):
            codes.add(frame.f_code)

    found: set[str] = set()
    sys.setprofile(profile)
    try:
        yield found
    finally:
        sys.setprofile(None)
        for code in codes:
            name = code.co_qualname.split(".<locals>")[0]
            found.add(f"{Path(code.co_filename).relative_to(root).as_posix()}::{name}")


def measure(items: Sequence[Any], run: Any, progress: Any = iter, held: Any = None) -> Reach:
    """Run every test once and return the map.

    Args:
        items: of a pytest session.
        held: the map of other tests, to which these are added; None for an empty one.
        run: runs (item, next item) and returns whether it passed.
        progress: wraps the iteration.
    """
    reach = Reach() if held is None else held
    for number in progress(range(len(items))):
        item = items[number]
        following = items[number + 1] if number + 1 < len(items) else None
        began = time.perf_counter()
        with recorded() as functions:
            passed = run(item, following)
        reach.seconds[item.nodeid] = time.perf_counter() - began
        reach.functions[item.nodeid] = sorted(functions)
        if not passed:
            reach.failed.append(item.nodeid)
    return reach
