from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What takes seconds to import, or may not be installed.
HEAVY = (
    "lightning",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "parity_tests",
    "ref_torch",
    "scipy",
    "sklearn",
    "torch",
)


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = sorted(_module(path) for path in (ROOT / "scratch").rglob("*.py"))


def _heavy_after(code: str) -> list[str]:
    """Run code in a fresh interpreter; return the heavy packages that it loaded."""
    report = f"import sys; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{report}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_importing_scratch_is_light() -> None:
    assert _heavy_after("import scratch") == []


def test_importing_every_module_of_scratch_is_light() -> None:
    assert {"scratch", "scratch.spec", "scratch.ops.conv", "scratch.train"} <= set(MODULES)
    lines = [f"import {module}" for module in MODULES if not module.endswith("__main__")]
    assert _heavy_after("\n".join(lines)) == []


def test_the_judge_is_neutral() -> None:
    harness = [f"import parity_tests.harness.{name}" for name in ("compare", "bounds", "report")]
    loaded = _heavy_after("\n".join(harness))
    assert set(loaded) <= {"parity_tests"}


def test_a_heavy_import_is_seen() -> None:
    assert _heavy_after("import matplotlib") == ["matplotlib"]


def test_the_spec_needs_nothing_installed() -> None:
    """-S leaves site-packages out; a bare package stands in for `scratch/__init__.py`."""
    code = (
        "import sys, types\n"
        "package = types.ModuleType('scratch')\n"
        f"package.__path__ = [{str(ROOT / 'scratch')!r}]\n"
        "sys.modules['scratch'] = package\n"
        "import scratch.spec\n"
        "print(*scratch.spec.ids())\n"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "lenet5" in run.stdout.split()
