"""Inputs that somebody else wrote: all applicable cases pass, and a fault does not get by."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from parity_tests.harness import mutants
from parity_tests.harness.compare import compare
from parity_tests.harness.judges import onnx_data, onnx_nodes, tally, torch_modules
from parity_tests.harness.judges.onnx_forms import FORMS
from parity_tests.harness.judges.tally import Case, Fate
from parity_tests.harness.local import as_check
from scratch import nn
from scratch.ops.checks import ShapeError

# What the pinned versions hold; another version may bring more, and the rest is listed by reason.
FEWEST = {"torch": 300, "onnx node": 155, "onnx pytorch-converted": 30, "onnx pytorch-operator": 4}
REFUSALS = {
    "torch": {
        "no batch axis",
        "an empty batch",
        "a single number has no axes",
        "return_indices",
        "proj_size",
        "1 spatial axes; scratch normalises images",
        "3 spatial axes; scratch normalises images",
    },
    "onnx": {
        "integers",
        "inputs of two shapes",
        "1 spatial axis",
        "3 spatial axes",
        "padding of more than half the kernel, as in torch",
        "negative indices, as in torch",
    },
}
NEVER = {"NegativeLogLikelihoodLoss"}  # operators of which no case can pass


@functools.cache
def _torch_cases() -> tuple[Case, ...]:
    return tuple(torch_modules.run())


@functools.cache
def _nodes() -> tuple[onnx_data.Node, ...]:
    return tuple(node for node in onnx_data.nodes() if node.operator in FORMS)


@functools.cache
def _onnx_cases() -> tuple[Case, ...]:
    return tuple(map(onnx_nodes.judged, _nodes()))


def _fates(judge: str, operator: str, pick: Callable[[str], bool] = bool) -> list[Case]:
    """Judge the cases of an operator, or those whose name `pick` likes, anew."""
    if judge == "torch":
        samples = [s for s in torch_modules.samples() if s.layer == operator and pick(s.name)]
        return [torch_modules.judged(sample) for sample in samples]
    nodes = [node for node in _nodes() if node.operator == operator and pick(node.name)]
    return [onnx_nodes.judged(node) for node in nodes]


@pytest.mark.parametrize("cases", [_torch_cases, _onnx_cases])
def test_every_applicable_case_passes(cases: Callable[[], tuple[Case, ...]]) -> None:
    found = cases()
    assert not tally.failures(found)
    for case in found:
        assert case.fate is Fate.PASSED or case.why, case
        assert case.fate is not Fate.PASSED or (case.tensors > 0 and case.used <= 1), case
    for judge in {case.judge for case in found}:
        passed = [case for case in found if case.judge == judge and case.fate is Fate.PASSED]
        assert len(passed) >= FEWEST[judge]
    operators = {case.operator for case in found}
    passing = {case.operator for case in found if case.fate is Fate.PASSED}
    assert operators - passing <= NEVER
    assert len(operators) >= 20


@pytest.mark.parametrize(("judge", "cases"), [("torch", _torch_cases), ("onnx", _onnx_cases)])
def test_nothing_else_is_refused(judge: str, cases: Callable[[], tuple[Case, ...]]) -> None:
    assert {case.why for case in cases() if case.fate is Fate.REFUSED} == REFUSALS[judge]


def test_what_the_issue_asks_for_is_among_what_passes() -> None:
    names = [f"{c.operator} {c.name}" for c in _torch_cases() if c.fate is Fate.PASSED]
    for words in ("AvgPool2d 6 divisor_stride_pad", "BatchNorm2d 6 affine_not_bias training"):
        assert words in names
    same = [s for s in torch_modules.samples() if s.arguments[1].get("padding") == "same"]
    assert any(f"{sample.layer} {sample.name}" in names for sample in same)
    assert sum(name.startswith("CrossEntropyLoss") for name in names) > 90  # with its maps


@pytest.mark.parametrize(
    ("judge", "operator", "fault", "subject"),
    [
        ("torch", "Conv2d", "bias added twice", "Conv2d"),
        ("torch", "Conv2d", "col2im assigning instead of adding", "Conv2d"),
        ("torch", "AvgPool2d", "divisor_override forgotten in dx", "AvgPool2d"),
        ("torch", "BatchNorm1d", "running variance biased", "BatchNorm2d"),
        ("torch", "LocalResponseNorm", "LRN window of an even size mirrored", "LocalResponseNorm"),
        ("torch", "RNN", "reverse direction's last state", "RNN"),
        ("torch", "LSTM", "LSTM gates permuted", "LSTM"),
        ("torch", "GRU", "GRU reset before the matmul", "GRU"),
        ("torch", "Embedding", "embedding rows assigned for repeated indices", "Embedding"),
        ("onnx", "RNN", "reverse direction runs forward", "RNN"),
        ("onnx", "LSTM", "forget gate biased by 1", "LSTM"),
        ("onnx", "GRU", "update gate the other way round", "GRU"),
        ("onnx", "Conv", "padding off by one", "Conv2d"),
        ("onnx", "MaxPool", "ceil-mode extra window", "MaxPool2d"),
        ("onnx", "AveragePool", "average pool counting padding", "AvgPool2d"),
        ("onnx", "BatchNormalization", "eps outside the root", "BatchNorm2d"),
        ("onnx", "Gemm", "weight transposed by a reshape", "Linear"),
        (
            "onnx",
            "SoftmaxCrossEntropyLoss",
            "weighted mean divided by the batch",
            "CrossEntropyLoss",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_planted_fault_is_seen(judge: str, operator: str, fault: str, subject: str) -> None:
    found = mutants.named(fault, subject)
    with found.planted():
        spoilt = _fates(judge, operator)
    assert any(case.fate is Fate.FAILED for case in spoilt)
    assert tally.failures(spoilt)


def test_a_refusal_needs_its_reason_and_a_reason_its_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(self: nn.Module, input: np.ndarray) -> np.ndarray:
        raise ShapeError("(N, C)", input.shape)

    def crashes(self: nn.Module, input: np.ndarray) -> np.ndarray:
        raise IndexError("tuple index out of range")

    monkeypatch.setattr(nn.ReLU, "forward", refuses)
    monkeypatch.setattr(nn.LocalResponseNorm, "forward", crashes)
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, input: input)
    for judge, operator, part in (
        ("torch", "ReLU", "refused without a documented reason: expects (N, C)"),
        ("onnx", "Relu", "refused without a documented reason: expects (N, C)"),
        ("torch", "LocalResponseNorm", "raised IndexError"),
        ("torch", "LocalResponseNorm", "not refused in words: 3 spatial axes"),
        ("onnx", "LRN", "raised IndexError"),
        ("torch", "Conv2d", "not refused in words: no batch axis"),
    ):
        lines = tally.failures(_fates(judge, operator))
        assert any(part in line for line in lines), (operator, lines)


def test_a_judge_that_judges_nothing_fails() -> None:
    left_out = Case("torch", "ReLU", "0", Fate.LEFT_OUT, "no reason")
    assert tally.failures([left_out]) == ["torch: no case passed"]
    assert tally.failures([]) == ["no case was found"]


def test_a_difference_without_a_bound_is_not_left_out() -> None:
    """The reference is full; that it proves nothing is scratch's doing."""
    two = np.array([1.0, 2.0])
    for got, fate in ((two + 1, Fate.FAILED), (two, Fate.PASSED)):
        check = as_check(compare(got, two, np.inf), "", "x", "", "output", "scratch float64")
        assert tally.of_checks("torch", "x", "0", [check]).fate is fate


def _few(cases: Sequence[str]) -> Callable[[], list[torch_modules.Sample]]:
    return lambda: [s for s in list(torch_modules.samples()) if s.layer in cases]


def test_the_command(
    script: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    few = _few(["Tanh", "MaxPool2d"])()
    monkeypatch.setattr(torch_modules, "samples", lambda: few)
    target = tmp_path / "judges.json"
    assert script("judges", "--judge", "torch", "--json", target) == 0
    printed = capsys.readouterr().out
    assert "1 no batch axis; 1 return_indices" in printed
    assert printed.splitlines()[-1] == "6 cases: 4 passed, 2 refused, 0 left out, 0 failed"
    document = json.loads(target.read_text())
    assert (document["schema"], document["verdict"]) == (1, "PASS")
    assert document["counts"] == {
        **{"cases": 6, "passed": 4, "refused": 2},
        **{"left out": 0, "failed": 0},
    }

    monkeypatch.setattr(nn.Tanh, "forward", lambda self, input: np.sin(input))
    assert script("judges", "--judge", "torch") == 1
    assert "FAILED torch, Tanh, 0: first divergence: forward (Tanh" in capsys.readouterr().out
    assert script("judges", "--json", tmp_path / "no" / "file.json") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith("no does not exist")
