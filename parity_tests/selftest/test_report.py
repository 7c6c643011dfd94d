"""`--json`: what is written is what is read, also of an interrupted run; and where it cannot be."""

from __future__ import annotations

import errno
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parity_tests import cli
from parity_tests.harness import document, runner
from parity_tests.harness.verdict import Check
from scratch.spec import UserError

Capture = pytest.CaptureFixture[str]
FIRST, SECOND = "logic_and", "mlp_xor"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the JSON of a chapter."""
    path = tmp_path_factory.mktemp("report") / "found.json"
    assert cli.main([FIRST, "--levels", "L2,L5", "--steps", "10", "--json", str(path)]) == 0
    return path


# ---- JSON


def test_what_is_written_is_read_back_and_written_the_same(found: Path) -> None:
    read = document.read(found)
    assert document.text(read) == found.read_text()
    assert not read.partial
    curves = [check.curve for check in read.subjects[0].checks if check.curve]
    assert [curve.steps[-1] for curve in curves] == [10, 10]  # of both optimizers


def test_the_schema_beside_the_code_is_the_one_that_is_written() -> None:
    assert json.loads(document.SCHEMA_FILE.read_text()) == document.schema()


def _changed(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(body: Any) -> Any:
        change(body)
        return body

    return apply


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_changed(lambda b: b.update(schema=1)), "schema 1, expected 2"),
        (_changed(lambda b: b["subjects"][0].update(colour="red")), r"\[0\].colour is unknown"),
        (_changed(lambda b: b["subjects"][0]["checks"][2].pop("got")), r"\[2\].got is missing"),
        (_changed(lambda b: b["subjects"][0].update(verdict="GOOD")), "'GOOD', no Verdict"),
        (_changed(lambda b: b.update(seconds="long")), "seconds is 'long', expected float"),
        (_changed(lambda b: b.update(partial=0)), "partial is '0', expected bool"),
        (_changed(lambda b: b["subjects"][0]["checks"][0].update(seed=True)), "seed is True"),
        (lambda body: [body], "schema None"),
    ],
)
def test_a_document_with_something_odd_is_refused(
    found: Path, tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps(change(json.loads(found.read_text()))))
    with pytest.raises(UserError, match=message):
        document.read(odd)


# ---- interrupted, and nowhere to write


def _never(*_args: Any, **_kwargs: Any) -> list[Check]:
    pytest.fail("the run has begun")


def test_ctrl_c_leaves_what_was_checked(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_chapter = runner.check_chapter

    def interrupted(id: str, *args: Any, **kwargs: Any) -> list[Check]:
        if id == SECOND:
            raise KeyboardInterrupt
        return check_chapter(id, *args, **kwargs)

    monkeypatch.setattr(runner, "check_chapter", interrupted)
    page, json_file = tmp_path / "page.html", tmp_path / "found.json"
    argv = [FIRST, SECOND, "--levels", "L2", "--html", str(page), "--json", str(json_file)]
    assert cli.main(argv) == 130
    assert f"interrupted; written (partial): {json_file}" in capsys.readouterr().err
    read = document.read(json_file)
    assert read.partial
    assert [subject.subject for subject in read.subjects] == [FIRST]
    assert "<b>Partial.</b> The run was interrupted." in page.read_text()
    page.unlink()
    assert cli.main([SECOND, "--html", str(page)]) == 130  # nothing checked, nothing written
    assert not page.exists()


class _Full(io.FileIO):
    def write(self, _data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("option", ["--html", "--json"])
def test_a_file_that_cannot_be_written_is_told_before_the_run(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr(runner, "check_chapter", _never)
    assert cli.main([FIRST, option, str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert cli.main([FIRST, option, os.devnull]) == 2
    assert "a device; name a file" in capsys.readouterr().err
    assert cli.main([FIRST, option, str(tmp_path / "none" / "x")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert cli.main([FIRST, option, str(tmp_path / ("x" * 300))]) == 2
    assert "File name too long" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", lambda path, mode: _Full(path, mode.replace("b", "")))
        assert cli.main([FIRST, option, str(tmp_path / "x")]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


# ---- how long the training is


def test_the_row_of_the_training_says_how_many_steps_it_took(capsys: Capture) -> None:
    assert cli.main([FIRST, "--levels", "L5", "--steps", "20"]) == 0
    assert re.search(r"L5 +training trajectory, 20 steps +scratch float64", capsys.readouterr().out)
    assert cli.main([FIRST, "--steps", "0"]) == 2
