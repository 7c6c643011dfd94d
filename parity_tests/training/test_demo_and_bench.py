"""The demo from end to end, its page, and the figures of the benchmark."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from ref_torch.checkpoint import SUFFIX

ROOT = Path(__file__).resolve().parents[2]
VOID = ("meta", "img", "br", "hr", "link", "input")

Script = Callable[..., int]


class Outline(HTMLParser):
    """Collects what a page loads, and fails where a tag is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def test_a_page_is_self_contained_and_escapes(script: Script, tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    picture.write_bytes(b"\x89PNG")
    made = importlib.import_module("_report").Page("a < b & c")
    made.verdict(False, "<script>alert(1)</script>")
    made.section("one", "x < y")
    made.table(("a", "b"), [("<i>", "PASS"), ("1", "FAIL")])
    made.items(["<b>"])
    made.code("<pre>")
    made.picture(picture, 'a "quoted" caption')
    text = made.html()
    found = outline(text)
    assert found.loaded == ["data:image/png;base64,iVBORw=="]
    assert not {"script", "i", "b"} & set(found.tags)
    assert "&lt;script&gt;" in text
    assert 'class="PASS"' in text


@pytest.mark.long
def test_the_demo_from_end_to_end(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, page = tmp_path / "run", tmp_path / "report.html"
    assert script("demo", "--epochs", 1, "--out", run, "--report", page) == 0
    said = capsys.readouterr().out
    assert "scratch  epoch  1 of 1" in said
    assert "L5  training trajectory" in said
    assert (run / "bundle" / "bundle.json").is_file()
    assert any((run / "checkpoints").glob(f"*{SUFFIX}"))
    text = page.read_text(encoding="utf-8")
    found = outline(text)
    assert len(text) < 3_000_000
    assert found.tags.count("img") == len(found.loaded) == 6
    assert all(name.startswith("data:image/png;base64,") for name in found.loaded)
    assert not re.search(r"url\(|@import|<script", text)
    assert 'name="viewport"' in text
    assert 'class="FAIL"' not in text
    assert script("demo", "--epochs", 1, "--out", run, "--report", page) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_bad_input_of_the_demo_trains_nothing(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert script("demo", "--out", run, "--report", tmp_path / "no" / "r.html") == 2
    assert script("demo", "--chapter", "lenet", "--out", run) == 2
    assert 'did you mean "lenet5"' in capsys.readouterr().err
    assert not run.exists()


def test_bench_writes_what_the_list_reads(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bench.json"
    assert script("bench", "--quick", "--chapter", "linear_regression", "--json", path) == 0
    assert "linear_regression" in capsys.readouterr().out
    body = json.loads(path.read_bytes())
    assert body["schema"] == 1
    assert torch.__version__.startswith(body["environment"]["packages"]["torch"].split("+")[0])
    (row,) = body["rows"]
    assert (row["chapter"], row["batch"]) == ("linear_regression", 10)
    assert row["scratch_ms"] > 0
    assert row["torch_ms"] > 0
    assert 0 < row["low"] <= row["ratio"] <= row["high"]
    speed = importlib.import_module("list").speed(path)
    assert speed == {"linear_regression": f"{row['ratio']:.2f} (batch 10)"}
