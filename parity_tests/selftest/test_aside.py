"""The second process of `python -m parity_tests`: the same checks, and no way to lose or hang."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from parity_tests import aside, cli
from parity_tests.harness.verdict import Check, Verdict
from scratch import nn

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _may_fork(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fork in spite of the test runner's own threads, which only wait."""
    monkeypatch.setattr(aside, "possible", lambda: True)
    monkeypatch.chdir(tmp_path)


def _check(number: int) -> Check:
    return Check("L5", str(number), "", "step", str(os.getpid()), "scratch", Verdict.PASS)


def _works(count: int) -> list[Callable[[], list[Check]]]:
    return [lambda number=number: [_check(number)] for number in range(count)]


@pytest.mark.parametrize("wanted", [True, False])
def test_checks_come_in_order_from_another_process(wanted: bool) -> None:
    with aside.done(_works(3), wanted) as ask:
        found = [ask() for _ in range(3)]
    assert [check.subject for (check,) in found] == ["0", "1", "2"]
    (process,) = {int(check.tensor) for (check,) in found}
    assert (process != os.getpid()) == wanted


def test_both_ways_find_the_same(capsys: Capture) -> None:
    found = []
    for jobs in ("1", "2"):
        argv = ["mlp_xor", "--steps", "20", "--dtype", "both", "--jobs", jobs]
        assert cli.main([*argv, "--json", f"{jobs}.json"]) == 0
        subjects = json.loads(Path(f"{jobs}.json").read_text())["subjects"]
        printed = capsys.readouterr().out.replace(f"{jobs}.json", "")
        found.append(([subject["checks"] for subject in subjects], printed))
        assert [s["dtype"] for s in subjects] == ["float64", "float32"]
        assert {c["level"] for c in subjects[1]["checks"]} >= {"L3", "L5", "L6"}
    assert found[0] == found[1]


def test_a_fault_that_only_training_sees_is_found(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    zero_grad = nn.Module.zero_grad

    def forgets(self: nn.Module) -> None:
        kept = {name: np.copy(p.grad) for name, p in self.named_parameters()}
        zero_grad(self)
        for name, parameter in self.named_parameters():
            parameter.grad[...] = kept[name] / 2

    monkeypatch.setattr(nn.Module, "zero_grad", forgets)
    assert cli.main(["mlp_xor", "--levels", "L2,L5", "--steps", "20", "--jobs", "2"]) == 1
    assert "L5" in capsys.readouterr().out


def test_a_process_that_is_killed_is_one_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parity_tests.harness.levels import trajectory

    def killed(*given: object, **options: object) -> list[Check]:
        os.kill(os.getpid(), signal.SIGKILL)
        return []

    monkeypatch.setattr(trajectory, "run", killed)
    assert cli.main(["mlp_xor", "--jobs", "2"]) == 2
    (line,) = (x for x in capsys.readouterr().err.splitlines() if x.startswith("error: "))
    assert "ended by signal 9" in line
    assert "--jobs 1" in line


def test_what_is_raised_there_is_told_here() -> None:
    def raises() -> list[Check]:
        raise LookupError("of that process")

    with aside.done([raises], True) as ask, pytest.raises(RuntimeError, match="of that process"):
        ask()


def test_no_process_is_left_behind_by_an_interruption(tmp_path: Path) -> None:
    there = tmp_path / "pid"

    def long() -> list[Check]:
        there.write_text(str(os.getpid()))
        time.sleep(60)
        return []

    def interrupted() -> None:
        with aside.done([long], True):
            until = time.monotonic() + 20
            while not (there.exists() and there.read_text()):
                assert time.monotonic() < until
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ProcessLookupError):
        os.kill(int(there.read_text()), 0)


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)
    other.start()
    try:
        assert not aside.possible()
    finally:
        ended.set()
        other.join()
