"""What holds for every test: one thread, and torch's own repeatability; scripts in this process.

torch is touched only where a test has imported it, so the torch-free tests run without it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A BLAS reads these once, when NumPy or torch is first imported, which no import above does.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture(autouse=True)
def _repeatable_torch() -> Iterator[None]:
    """Hold torch to one thread and deterministic kernels, and give back what a test changed."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    dtype = torch.get_default_dtype()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_default_dtype(dtype)


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return a function that imports a module of scripts/."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module


@pytest.fixture
def script(scripts: Callable[[str], Any]) -> Callable[..., int]:
    """Return a function that runs a script in this process and returns its exit code."""

    def run(name: str, *argv: object) -> int:
        cli, module = scripts("_cli"), scripts(name)
        try:
            code = cli.guarded(module.main, [str(word) for word in argv])
        except SystemExit as stop:
            code = stop.code
        assert isinstance(code, int)
        return code

    return run
