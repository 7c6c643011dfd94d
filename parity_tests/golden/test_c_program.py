"""A stranger's network in C: it passes, and every mistake planted in it is named."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from parity_tests.harness.golden import content, formats
from parity_tests.harness.golden.judge import Report, judge
from parity_tests.harness.golden.manifest import Manifest

Golden = tuple[Path, Manifest]
Program = Callable[..., Report]

SOURCE = Path(__file__).with_name("mlp.c")
# number in the source: first tensor that is wrong, words of the cause
BUGS = {
    1: ("activation.layers.fc2", "the weight is read as (in, out)"),
    2: ("activation.layers.fc2", "the bias is missing"),
    3: ("activation.layers.act2", "Sigmoid, not Tanh"),
    4: ("loss", "N = 5 times too large: a sum over the batch"),
    5: ("d_output", "N = 5 times too large: a sum over the batch"),
    6: ("cotangent.layers.fc2", "the derivative is 1 - y, not 1 - y^2"),
    7: ("gradient.layers.fc1.weight", "transposed"),
    8: ("gradient.layers.fc1.bias", "only the last sample counts"),
    9: ("cotangent.layers.act2", "the weight after the update"),
    10: ("updated.layers.fc1.weight", "the step is of the wrong sign"),
    11: ("gradient.layers.fc1.bias", "N = 5 times too small: a mean over the batch"),
    12: ("cotangent.layers.fc1", "the derivative of layers.act1 is left out"),
    14: ("gradient.layers.fc1.bias", ""),  # one unit forgotten: located, but no known mistake
}
AT_ZERO = 13  # of the integer set: only there a unit lies exactly at its kink


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    folder = tmp_path_factory.mktemp("golden") / "raw"
    manifest, sets = content.make("mlp_mnist", format="raw")
    formats.write(folder, manifest, sets)
    return folder, manifest


@pytest.fixture
def program(golden: Golden, tmp_path: Path) -> Program:
    folder, manifest = golden
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "this test compiles mlp.c and finds no C compiler (cc, gcc or clang)"

    def run(bug: int = 0, name: str = "real") -> Report:
        rate = manifest.training["lr"]
        binary, out = tmp_path / "mlp", tmp_path / "out"
        out.mkdir()
        defines = [f"-DBUG={bug}", f"-DLR={rate}", *(["-DEXACT"] if name == "exact" else [])]
        command = [compiler, "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", *defines]
        subprocess.run([*command, str(SOURCE), "-lm", "-o", str(binary)], check=True)
        subprocess.run([str(binary), str(folder / name), str(out)], check=True)
        _, sets = formats.read(folder)
        one = manifest.find(name)
        return judge(one, sets[name], formats.of_file_or_folder(out, one))

    return run


@pytest.mark.parametrize("name", ["real", "exact"])
def test_the_program_passes(program: Program, name: str) -> None:
    report = program(0, name)
    assert report.first is None
    assert len(report.given) == {"real": 24, "exact": 17}[name]
    assert not report.unknown
    assert report.dtype == "float64"


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_named(program: Program, bug: int) -> None:
    tensor, cause = BUGS[bug]
    first = program(bug).first
    assert first is not None
    assert first.tensor.name == tensor
    if cause:
        assert cause in first.causes[0]
    else:
        assert first.causes == ()
        assert first.pattern == "1 of 16 differ; only where index 0 is 15"


def test_only_integers_show_what_happens_at_the_kink(program: Program) -> None:
    first = program(AT_ZERO, "exact").first
    assert first is not None
    assert first.tensor.name == "cotangent.layers.fc1"
    assert "the mask is x >= 0, not x > 0" in first.causes[0]


HEADER = """
#include "real.h"
#include "exact.h"
#include <stdio.h>
int main(void) {
  printf("%.17g %lld %.17g", real_loss[0], real_target[1], exact_d_output[2]);
  return 0;
}
"""


def test_the_header_compiles_and_holds_the_numbers(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "this test compiles a header and finds no C compiler (cc, gcc or clang)"
    manifest, sets = content.make("mlp_mnist", format="c-header")
    formats.write(tmp_path / "golden", manifest, sets)
    source, binary = tmp_path / "golden" / "main.c", tmp_path / "main"
    source.write_text(HEADER)
    subprocess.run([compiler, "-std=c99", str(source), "-o", str(binary)], check=True)
    done = subprocess.run([str(binary)], check=True, capture_output=True, text=True)
    loss, target, cotangent = done.stdout.split()
    assert float(loss) == sets["real"]["loss"]
    assert int(target) == sets["real"]["target"][1]
    assert float(cotangent) == sets["exact"]["d_output"].flat[2]
