"""What a long count has found outlives an interruption, and nothing else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parity_tests.harness import attribution, attribution_count, kept
from parity_tests.harness.kept import Kept
from parity_tests.harness.mutation import reach
from scratch.spec import UserError

Script = Callable[..., int]


def _never() -> dict[str, Any]:
    raise AssertionError("made again")


def test_a_row_is_made_once_and_reads_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.jsonl"
    first = Kept(path, "a").row("one", lambda: {"pair": (1, 2), "name": "\u7f51"})
    assert first == {"pair": [1, 2], "name": "\u7f51"}
    assert Kept(path, "a").row("one", _never) == first
    for other in (Kept(path, "b"), Kept(None, "a"), Kept(tmp_path / "none", "a")):
        assert other.rows == {}


def test_half_a_line_costs_that_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    Kept(path, "a").row("one", lambda: {"count": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    Kept(path, "a").row("two", lambda: {"count": 2})
    assert {key: row["count"] for key, row in Kept(path, "a").rows.items()} == {"one": 1, "two": 2}
    path.write_bytes(b"[]\n5\n{}\n\xff\xfe\n" + whole)
    assert list(Kept(path, "a").rows) == ["one"]


def test_a_full_disk_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match=r"/dev/full: cannot be written \(No space left"):
        kept.append(Path("/dev/full"), {"key": "one"})


def test_the_hash_follows_sources_and_versions(tmp_path: Path, monkeypatch: Any) -> None:
    def digest() -> str:
        return reach.digest((), tmp_path, ("scratch",))

    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "a.py").write_text("1")
    (tmp_path / "other.py").write_text("1")
    found = [digest()]
    (tmp_path / "other.py").write_text("2")
    assert digest() == found[0]
    (tmp_path / "scratch" / "a.py").write_text("2")
    found.append(digest())
    monkeypatch.setattr(reach.metadata, "version", lambda name: f"another {name}")
    found.append(digest())
    assert len(set(found)) == 3


def test_an_interrupted_count_goes_on_where_it_was(
    script: Script, tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["mutants", "--attribution", "--chapter", "logic_not", "--chapter", "logic_and"]
    words += ["--work", str(tmp_path / "work"), "--json", str(tmp_path / "found.json")]
    tried: list[str] = []
    run = attribution.run

    def interrupted(id: str, **options: Any) -> list[attribution.Attempt]:
        tried.append(id)
        if tried == ["logic_not", "logic_and"]:
            raise KeyboardInterrupt
        return run(id, **options)

    monkeypatch.setattr(attribution, "run", interrupted)
    assert script(*words) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == f"interrupted; what was found is kept in {tmp_path / 'work'}: say the same again"
    assert not (tmp_path / "found.json").exists()
    assert script(*words) == 0
    assert tried == ["logic_not", "logic_and", "logic_and"]
    rows = json.loads((tmp_path / "found.json").read_text())["attribution"]["rows"]
    assert [row["chapter"] for row in rows] == ["logic_not", "logic_and"]


def test_every_fault_of_a_deep_network_is_counted_unless_some_are_asked_for(
    monkeypatch: Any,
) -> None:
    asked = []

    def run(id: str, form: str, most: int | None) -> list[attribution.Attempt]:
        asked.append((id, form, most))
        return []

    monkeypatch.setattr(attribution, "run", run)
    for deep in (None, 7):
        found = attribution_count.run(["vgg11"], deep)
        assert [row["sampled"] for row in found["rows"]] == [deep is not None]
    assert asked == [("vgg11", "real", None), ("vgg11", "real", 7)]
