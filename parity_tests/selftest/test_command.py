"""`python -m parity_tests`: exit codes, the first divergence, and how to see it again."""

from __future__ import annotations

import ast
import gc
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests import cli
from parity_tests.harness import mutants, runner
from parity_tests.harness.mutants.fault import Fault
from parity_tests.harness.pair import Pair, of_chapter

ROOT = Path(cli.__file__).parents[1]
CONVOLUTIONS = ("c1", "c3", "c5")
DIVERGENCE = "first divergence: "
REPRODUCE = "reproduce: python -m parity_tests "

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let failures be written below a folder of the test."""
    monkeypatch.chdir(tmp_path)


def _lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


def test_a_chapter_that_passes(capsys: Capture, tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    assert cli.main(["mlp_xor", "--levels", "L0,L2", "--json", str(target)]) == 0
    assert not _lines(capsys.readouterr().out, DIVERGENCE)
    document = json.loads(target.read_text())
    assert (document["schema"], document["verdict"]) == (2, "PASS")
    assert document["subjects"][0]["divergence"] == []
    assert {c["level"] for c in document["subjects"][0]["checks"]} == {"L0", "L2"}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["lenet"], 'unknown chapter "lenet"; did you mean "lenet5"? also near: '),
        (["lenet5", "--dtype", "float16"], 'unknown dtype "float16"; did you mean "float'),
        (["lenet5", "--size", "huge"], 'unknown size "huge"'),
        (["lenet5", "--levels", "L9"], 'unknown level "L9"'),
        (["lenet5", "--seed", "-1"], "--seed -1: expects a whole number from 0 on"),
        (["--layer", "Conv2D"], 'unknown layer "Conv2D"; did you mean "Conv2d"?'),
        (["--optimizer", "Adm"], 'unknown optimizer "Adm"; did you mean "Adam"?'),
        (["mlp_xor", "--levels", "L2", "--dtype", "float32"], "--levels L2 does not apply"),
        (
            ["mlp_xor", "--json", "no/such/folder/a.json"],
            "the folder no/such/folder does not exist",
        ),
        (["mlp_xor", "--bogus"], "unrecognized arguments: --bogus; see python -m parity_tests --h"),
        (["mlp_xor", "--seed", "x"], "argument --seed: invalid int value: 'x'; see python"),
        ([], "name a chapter, --layer NAME, --optimizer NAME or --all"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    capsys: Capture, argv: list[str], message: str
) -> None:
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    (line,) = _lines(printed.err, "error: ")
    assert message in line
    assert not printed.out


@pytest.mark.parametrize(
    ("name", "direction", "tensor"),
    [
        ("bias added twice", "forward", "output"),
        ("kernel flipped in dx", "backward", "dx"),
        ("last row of positions missing in the weight gradient", "backward", "weight"),
    ],
)
def test_a_wrong_convolution_is_named_and_reproduced(
    capsys: Capture, name: str, direction: str, tensor: str
) -> None:
    fault = mutants.named(name, "Conv2d")
    with fault.planted():
        assert cli.main(["lenet5", "--seed", "3", "--levels", "L2"]) == 1
        printed = capsys.readouterr().out
        (line,) = _lines(printed, DIVERGENCE)
        found = re.match(rf"{DIVERGENCE}(\w+) (\S+) (\w+)\[[\d, ]+\] scratch float\d\d (.*)$", line)
        assert found is not None, line
        assert (found[1], found[3]) == (direction, tensor)
        assert found[2] in CONVOLUTIONS
        got, reference = re.match(r"(\S+) reference (\S+) \(.* x tolerance\)", found[4]).groups()  # type: ignore[union-attr]
        assert float(got) != float(reference)

        (command,) = _lines(printed, REPRODUCE)
        argv = shlex.split(command.removeprefix(REPRODUCE))
        assert cli.main(argv) == 1
        assert _lines(capsys.readouterr().out, DIVERGENCE) == [line]
    assert cli.main(argv) == 0


def test_the_first_import_looks_for_no_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    with cli._no_garbage():
        assert gc.isenabled()  # torch is there, and whatever else this process has made
    monkeypatch.delitem(sys.modules, "torch")
    frozen = gc.get_freeze_count()
    with cli._no_garbage():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    gc.unfreeze()


def test_a_wrong_layer_is_named_by_its_case(capsys: Capture) -> None:
    with mutants.named("stride ignored in dx", "Conv2d").planted():
        assert cli.main(["--layer", "Conv2d", "--levels", "L2"]) == 1
    (line,) = _lines(capsys.readouterr().out, DIVERGENCE)
    assert line.startswith(f"{DIVERGENCE}backward (Conv2d small images) dx[")


def test_a_wrong_optimizer_is_reproduced_with_its_seed(capsys: Capture) -> None:
    with mutants.named("Nesterov with the old velocity", "SGD momentum nesterov").planted():
        assert cli.main(["--optimizer", "SGD momentum nesterov", "--seed", "4"]) == 1
        printed = capsys.readouterr().out
        (line,) = _lines(printed, DIVERGENCE)
        assert line.startswith(f"{DIVERGENCE}step gradient 1, moved p after 1 step")
        (command,) = _lines(printed, REPRODUCE)
        argv = shlex.split(command.removeprefix(REPRODUCE))
        assert argv[argv.index("--seed") + 1] == "4"
        assert cli.main(argv) == 1
        assert _lines(capsys.readouterr().out, DIVERGENCE) == [line]


def test_a_network_that_raises_is_a_failure_and_no_crash(capsys: Capture) -> None:
    def raises(original: Callable[..., Any], **given: Any) -> Any:
        raise IndexError("index 7 is out of bounds")

    with Fault("raises", (("models.mlp.MLP.__init__", raises),), (), "").planted():
        assert cli.main(["mlp_xor", "--levels", "L0,L1,L2"]) == 1
    (line,) = _lines(capsys.readouterr().out, DIVERGENCE)
    assert "raised IndexError: index 7 is out of bounds" in line


def test_a_run_without_power_fails(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*args: Any, **kwargs: Any) -> Pair:
        pair = of_chapter(*args, **kwargs)
        pair.d_output = np.zeros_like(pair.d_output)
        return pair

    monkeypatch.setattr(runner, "of_chapter", silent)
    assert cli.main(["mlp_xor", "--levels", "L2"]) == 1
    (line,) = _lines(capsys.readouterr().out, DIVERGENCE)
    assert "MISTRUSTED: the reference is zero everywhere" in line


# ---- a line of the source changed for the worse, in a process of its own


def _spoil(path: Path, function: str, number: int, spoilt: str) -> None:
    """Replace what a function returns at a place of its tuple; {} stands for what stands there."""
    text = path.read_text()
    (body,) = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    returns = [node for node in ast.walk(body) if isinstance(node, ast.Return)]
    returned = max(returns, key=lambda node: node.lineno).value
    assert isinstance(returned, ast.Tuple)
    value = returned.elts[number]
    lines = text.splitlines(keepends=True)
    line = lines[value.lineno - 1]
    old = line[value.col_offset : value.end_col_offset]
    lines[value.lineno - 1] = (
        line[: value.col_offset] + spoilt.format(f"({old})") + line[value.end_col_offset :]
    )
    path.write_text("".join(lines))


@pytest.mark.parametrize(
    ("function", "number", "spoilt", "expected"),
    [
        ("conv2d", 0, "{} + 2**-20", "forward c1 output"),
        ("conv2d_backward", 1, "{}[:, :, ::-1]", "backward c5 weight"),
    ],
)
def test_one_line_of_the_convolution_made_worse_is_found_from_the_shell(
    tmp_path: Path, function: str, number: int, spoilt: str, expected: str
) -> None:
    for package in ("scratch", "ref_torch", "parity_tests"):
        ignored = shutil.ignore_patterns("__pycache__", "test_*.py")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    _spoil(tmp_path / "scratch" / "ops" / "conv.py", function, number, spoilt)
    done = subprocess.run(
        [sys.executable, "-m", "parity_tests", "lenet5", "--levels", "L0,L2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (line,) = _lines(done.stdout, DIVERGENCE)
    assert line.startswith(f"{DIVERGENCE}{expected}[")
