from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from parity_tests.mirror.sources import ROOT, imports, name_of, parse, python_files

# design: data, hyper-parameters, initial values and files are shared; mathematics is not.
SHARED = ("spec", "data", "init", "run", "deploy.schema")


def _shared(module: str) -> bool:
    """Tell whether an import stays within what `scratch` shares with `ref_torch`."""
    return any(f"{module}.".startswith(f"scratch.{name}.") for name in SHARED)


@pytest.mark.parametrize("path", python_files("ref_torch"), ids=name_of)
def test_the_reference_takes_only_what_is_shared(path: Path) -> None:
    wrong = [
        (line, module)
        for line, module in imports(parse(path))
        if module.split(".")[0] == "scratch" and not _shared(module)
    ]
    assert wrong == []


@pytest.mark.parametrize("module", ["scratch.ops.conv", "scratch.deploy.predict", "scratch.specs"])
def test_mathematics_is_not_shared(module: str) -> None:
    assert not _shared(module)


@pytest.mark.parametrize("path", python_files("scratch/spec"), ids=name_of)
def test_the_spec_imports_the_standard_library_only(path: Path) -> None:
    wrong = [
        (line, module)
        for line, module in imports(parse(path))
        if module.split(".")[0] not in sys.stdlib_module_names
        and not f"{module}.".startswith("scratch.spec.")
    ]
    assert wrong == []


@pytest.mark.parametrize("path", python_files("scratch"), ids=name_of)
def test_scratch_imports_neither_torch_nor_the_reference(path: Path) -> None:
    banned = {"torch", "lightning", "pytorch_lightning", "ref_torch", "parity_tests"}
    wrong = [(line, m) for line, m in imports(parse(path)) if m.split(".")[0] in banned]
    assert wrong == []


@pytest.mark.parametrize("path", python_files(), ids=name_of)
def test_imports_are_absolute(path: Path) -> None:
    assert [(line, m) for line, m in imports(parse(path)) if m.startswith(".")] == []


def _banned_by_contract() -> list[str]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contract = next(c for c in table["contracts"] if c["id"] == "no-shared-mathematics")
    return list(contract["forbidden_modules"])


def _banned_by_ruff() -> list[str]:
    table = tomllib.loads((ROOT / "ref_torch/ruff.toml").read_text("utf-8"))
    return list(table["lint"]["flake8-tidy-imports"]["banned-api"])


@pytest.mark.parametrize("read", [_banned_by_contract, _banned_by_ruff])
def test_every_module_is_shared_or_forbidden(read: Callable[[], list[str]]) -> None:
    forbidden = read()
    present = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in python_files("scratch")
    }
    uncovered = sorted(
        module
        for module in present - {"scratch", "scratch.deploy"}
        if not _shared(module)
        and not any(f"{module}.".startswith(f"{name}.") for name in forbidden)
    )
    assert uncovered == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("scratch/ops/x.py", "import torch"),
        ("scratch/x.py", "from lightning import Trainer"),
        ("scratch/nn/x.py", "import ref_torch.models"),
        ("scratch/x.py", "import parity_tests"),
        ("ref_torch/x.py", "from scratch.ops import conv"),
        ("ref_torch/models/x.py", "from scratch import nn"),
        ("ref_torch/x.py", "from scratch.deploy.predict import Predictor"),
        ("ref_torch/x.py", "import scratch.models.lenet"),
    ],
)
def test_ruff_refuses_the_import(file: str, line: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache"]
    run = subprocess.run(
        [*command, "--output-format", "concise", "--stdin-filename", file, "-"],
        input=f"{line}\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 1
    assert "TID251" in run.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("ref_torch/x.py", "from scratch.deploy import schema"),
        ("parity_tests/x.py", "import torch"),
    ],
)
def test_ruff_allows_the_import(file: str, line: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache"]
    run = subprocess.run(
        [*command, "--stdin-filename", file, "-"],
        input=f"{line}\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stdout


def test_every_folder_is_a_package() -> None:
    folders = {path.parent for path in python_files("scratch", "ref_torch", "parity_tests")}
    assert sorted(name_of(f) for f in folders if not (f / "__init__.py").exists()) == []
