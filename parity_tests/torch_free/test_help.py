"""Every script answers --help at once: what takes time to import is imported by what needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    *("numpy", "scipy", "sklearn", "matplotlib"),
    *("torch", "lightning", "onnx", "onnxruntime"),
)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").glob("[!_]*.py")), ids=lambda path: path.stem
)
def test_help_imports_nothing_heavy_and_has_examples(path: Path) -> None:
    program = (
        "import atexit, runpy, sys\n"
        f"sys.path.insert(0, {str(path.parent)!r})\n"
        f"atexit.register(lambda: print('LOADED', *sorted(set({HEAVY!r}) & set(sys.modules))))\n"
        f"sys.argv = [{path.name!r}, '--help']\n"
        f"runpy.run_path({str(path)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    *said, loaded = done.stdout.splitlines()
    assert loaded.split() == ["LOADED"]
    assert f"python scripts/{path.name}" in "\n".join(said)
