from __future__ import annotations

import re
from pathlib import Path

from parity_tests.mirror.sources import ROOT, imports, name_of, parse, python_files

# What the lean environment of `make test-torch-free` does not hold.
ABSENT = {
    "hypothesis",
    "jsonargparse",
    "lightning",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "ref_torch",
    "torch",
    "xdist",
}


def _listed() -> list[str]:
    text = (ROOT / "Makefile").read_text("utf-8").replace("\\\n", " ")
    found = re.search(r"^TORCH_FREE := (.*)$", text, re.MULTILINE)
    assert found is not None
    return found[1].split()


def _file(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.exists():
            return candidate
    return None


def _lacking(test: Path) -> set[str]:
    """Return what a test file and the fixtures beside it lack in the lean environment."""
    fixtures = test.with_name("conftest.py")
    seen: set[Path] = set()
    return _absent(test, seen) | (_absent(fixtures, seen) if fixtures.exists() else set())


def _absent(path: Path, seen: set[Path]) -> set[str]:
    """Return what a file lacks in the lean environment, through everything of parity_tests."""
    if path in seen:
        return set()
    seen.add(path)
    found: set[str] = set()
    for _, module in imports(parse(path)):
        head = module.split(".")[0]
        if head in ABSENT:
            found.add(head)
        elif head == "parity_tests":
            for name in (module, module.rpartition(".")[0]):
                file = _file(name)
                if file is not None:
                    found |= _absent(file, seen)
    return found


def test_every_test_that_needs_no_torch_runs_without_it() -> None:
    listed = _listed()
    tests = [
        path
        for path in python_files("parity_tests")
        if path.name.startswith("test_") and path.parent.name != "mirror"  # reads source code only
    ]
    free = {name_of(p) for p in tests if not _lacking(p)}
    covered = {n for n in map(name_of, tests) if any(f"{n}/".startswith(f"{x}/") for x in listed)}
    assert all((ROOT / entry).exists() for entry in listed)
    assert "scratch" in listed
    assert sorted(free - covered) == [], "add these to TORCH_FREE in the Makefile"
    assert sorted(covered - free) == [], "take these out of TORCH_FREE in the Makefile"


def test_an_absent_import_is_seen_through_a_helper() -> None:
    assert _lacking(ROOT / "parity_tests/mirror/test_layers.py") == {"torch", "ref_torch"}
    assert _lacking(ROOT / "parity_tests/torch_free/test_import.py") == set()
