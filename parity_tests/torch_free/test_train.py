from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Where torch is installed, it is not found all the same.
BLOCKED = """\
import runpy, sys
from importlib.machinery import PathFinder

found = PathFinder.find_spec

def without(name, path=None, target=None):
    missing = name.split(".")[0] in ("torch", "lightning")
    return None if missing else found(name, path, target)

PathFinder.find_spec = without
sys.path.insert(0, "scripts")
sys.argv[0] = "scripts/" + sys.argv.pop(1)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(*argv: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", BLOCKED, *map(str, argv)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("id", ["linear_regression", "lenet5"])
def test_the_scratch_twin_is_trained_without_torch(id: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run("train.py", id, "--twin", "scratch", "--epochs", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "scratch  test " in done.stdout
    assert (out / "model.safetensors").is_file()
    assert (out / "plots" / "loss.png").is_file()


@pytest.mark.parametrize("twin", ["torch", "both"])
def test_the_torch_twin_says_what_is_missing(twin: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = run("train.py", "linear_regression", "--twin", twin, "--out", out)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "torch is not installed" in line
    assert "--twin scratch" in line
    assert not out.exists()


def test_the_chapters_are_listed_without_torch() -> None:
    done = run("list.py")
    assert done.returncode == 0, done.stderr
    assert "lenet5" in done.stdout
