"""A failing command leaves the guilty module's golden folder, which shows the failure again."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests import cli
from parity_tests.harness import guilty, mutants, runner
from parity_tests.harness.mutants import winograd
from scratch.models.googlenet import GoogLeNet
from scratch.models.resnet import BasicBlock

GOLDEN = re.compile(r"^golden: (\S+); read it with: python scripts/compare.py (.*)$", re.MULTILINE)

Script = Callable[..., int]
Capture = pytest.CaptureFixture[str]


def _folder(printed: str) -> tuple[Path, list[str]]:
    found = GOLDEN.search(printed)
    assert found is not None, printed
    return Path(found[1]), shlex.split(found[2])


@pytest.mark.parametrize(
    ("argv", "name", "layer", "set_name", "words"),
    [
        (["lenet5", "--levels", "L2"], "kernel flipped", "Conv2d", "real", "flipped"),
        (["lenet5", "--levels", "L0"], "bias added twice", "Conv2d", "exact", "output"),
        (
            ["mlp_xor", "--levels", "L3", "--dtype", "float32"],
            "bias added twice",
            "Linear",
            "real",
            "output",
        ),
        (
            ["--layer", "AvgPool2d", "--levels", "L2"],
            "average pool counting padding",
            "AvgPool2d",
            "real",
            "output",
        ),
        (
            ["--layer", "MaxPool2d", "--levels", "L0"],
            "max-pool gradient to all ties",
            "MaxPool2d",
            "exact",
            "d_input",
        ),
    ],
)
def test_the_guilty_module_is_written_and_read_back(
    argv: list[str],
    name: str,
    layer: str,
    set_name: str,
    words: str,
    tmp_path: Path,
    script: Script,
    capsys: Capture,
) -> None:
    with mutants.named(name, layer).planted():
        assert cli.main([*argv, "--golden-on-failure", str(tmp_path)]) == 1
    folder, command = _folder(capsys.readouterr().out)
    assert folder.parent == tmp_path
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["model"]["class"] == layer
    assert [one["name"] for one in manifest["sets"]] == [set_name]
    assert json.loads((folder / "failure.json").read_text())["divergence"].startswith("first")
    assert command[-1] == "--forced"
    assert script("compare", *command) == 1
    printed = capsys.readouterr().out
    assert "first divergence" in printed
    assert words in printed


def test_wrong_wiring_writes_the_block_with_what_is_inside(
    tmp_path: Path, script: Script, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = BasicBlock.forward

    def twice(self: BasicBlock, x: np.ndarray) -> np.ndarray:
        return own(self, x) + 1e-3

    monkeypatch.setattr(BasicBlock, "forward", twice)
    argv = ["resnet18", "--levels", "L2", "--golden-on-failure", str(tmp_path)]
    assert cli.main(argv) == 1
    folder, command = _folder(capsys.readouterr().out)
    assert "--forced" not in command
    assert json.loads((folder / "manifest.json").read_text())["model"]["class"] == "BasicBlock"
    assert script("compare", *command) == 1
    printed = capsys.readouterr().out
    assert re.search(r"first divergence: output\[", printed), printed


def test_what_is_written_was_computed_as_it_was_judged(
    tmp_path: Path, script: Script, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By tiles, and in evaluation."""
    monkeypatch.setattr(runner, "SEEDS_DEEP", 1)
    fault = next(f for f in winograd.FAULTS if "0.1 % off" in f.name)
    argv = ["vgg11_bn", "--conv", "winograd", "--levels", "L2"]
    with fault.planted():
        assert cli.main([*argv, "--golden-on-failure", str(tmp_path)]) == 1
    _, command = _folder(capsys.readouterr().out)
    assert script("compare", *command) == 1
    capsys.readouterr()

    own = GoogLeNet.forward

    def more(self: GoogLeNet, x: np.ndarray) -> Any:
        found = own(self, x)
        return found if self.training else found * 1.001

    monkeypatch.setattr(GoogLeNet, "forward", more)
    argv = ["googlenet", "--levels", "L2", "--golden-on-failure", str(tmp_path)]
    assert cli.main(argv) == 1
    _, command = _folder(capsys.readouterr().out)
    assert script("compare", *command) == 1


def test_nothing_is_written_where_no_module_is_to_blame(tmp_path: Path, capsys: Capture) -> None:
    assert cli.main(["mlp_xor", "--levels", "L2", "--golden-on-failure", str(tmp_path)]) == 0
    with mutants.named("Nesterov with the old velocity", "SGD momentum nesterov").planted():
        argv = ["--optimizer", "SGD momentum nesterov", "--golden-on-failure", str(tmp_path)]
        assert cli.main(argv) == 1
    assert not GOLDEN.search(capsys.readouterr().out)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_does_not_hide_the_verdict(
    tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").write_text("")
    with mutants.named("bias added twice", "Linear").planted():
        argv = ["mlp_xor", "--levels", "L2", "--golden-on-failure", str(tmp_path / "file" / "x")]
        assert cli.main(argv) == 1
    printed = capsys.readouterr().out
    assert "first divergence: forward" in printed
    assert "golden: not written (UserError:" in printed


def test_a_published_network_is_not_copied() -> None:
    wrong = guilty.Check("L2", "lenet5", "c1", "forward", "output", "", guilty.Verdict.FAIL)
    (line,) = guilty.lines(Path("nowhere"), "lenet5", [wrong], "full")
    assert line.startswith("golden: none of a network at full size")
