"""Whole networks whose convolutions go Winograd's way are still torch's networks."""

from __future__ import annotations

import pytest
import torch

from parity_tests import cli
from parity_tests.harness import cases, in_mode, runner
from parity_tests.harness.levels import judge
from parity_tests.harness.mutants import winograd
from parity_tests.harness.pair import of_chapter
from parity_tests.harness.verdict import Verdict, worst
from scratch import nn

# A residual network, and one whose pools see ties.
NETWORKS = ("resnet18", "vgg11_bn")
LEVELS = {"float64": ("L0", "L2"), "float32": ("L3",)}


@pytest.mark.parametrize("dtype", LEVELS)
@pytest.mark.parametrize("mode", runner.CONV_LEVELS)
@pytest.mark.parametrize("id", NETWORKS)
def test_a_network_in_a_mode_is_torch_s(id: str, mode: str, dtype: str) -> None:
    levels = [level for level in LEVELS[dtype] if level in runner.CONV_LEVELS[mode]]
    checks = runner.check_chapter(id, "tiny", dtype, 0, levels, seeds=1, conv=mode)
    assert {check.level for check in checks} == set(levels)
    assert worst(checks) is Verdict.PASS


def test_the_mode_is_taken_and_its_faults_are_seen_in_a_network() -> None:
    pair = of_chapter("resnet18", "tiny", conv="winograd")
    convolutions = [m for _, m in pair.scratch.named_modules() if isinstance(m, nn.Conv2d)]
    tiled = [m for m in pair.torch.modules() if getattr(m, "tile", 0) == 4]
    assert 0 < len(tiled) < len(convolutions)  # not the stem, the strides, the shortcuts
    fault = next(f for f in winograd.FAULTS if "0.1 % off" in f.name)
    with fault.planted():
        checks = judge.run(pair, "float64")
    assert worst(checks) is Verdict.FAIL


@pytest.mark.parametrize("mode", runner.CONV_LEVELS)
def test_no_bound_of_a_mode_is_broken_or_idle(mode: str) -> None:
    used = dict.fromkeys(("output", "dx", "weight"), 0.0)
    for case in cases.of_layer("Conv2d"):
        for check in runner.check_case(case, "float32", 0, ("L3",)) if case.conv == mode else ():
            if check.engine == "scratch float32" and check.tensor in used:
                used[check.tensor] = max(used[check.tensor], check.used)
    assert all(0.01 < share < 0.5 for share in used.values()), used


def test_layers_without_the_choice_are_left_alone() -> None:
    for kernel, mode, changed in ((5, "winograd", 0), (3, "winograd", 1), (3, "direct", 0)):
        twins = nn.Conv2d(2, 3, kernel), torch.nn.Conv2d(2, 3, kernel)
        assert in_mode.set_conv_mode(*twins, mode) == changed


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("lenet5", "--conv", "winograd"), "lenet5 has no 3 x 3 convolution at stride 1"),
        (("vgg11", "--conv", "winogard"), 'did you mean "winograd"'),
        (("--all", "--conv", "winograd"), "leave --all out"),
        (("vgg11", "--conv", "winograd", "--levels", "L5"), "does not apply"),
    ],
)
def test_bad_input_is_said(
    argv: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 2
    assert said in capsys.readouterr().err
