"""Scripts run in this process."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Script = Callable[..., int]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Return a function that runs a script in this process and returns its exit code."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))

    def run(name: str, *argv: object) -> int:
        cli, module = importlib.import_module("_cli"), importlib.import_module(name)
        try:
            code = cli.guarded(module.main, [str(word) for word in argv])
        except SystemExit as stop:
            code = stop.code
        assert isinstance(code, int)
        return code

    return run
