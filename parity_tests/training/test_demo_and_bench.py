"""The demo from end to end, its page, and the figures of the benchmark."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from ref_torch.checkpoint import SUFFIX
from scratch.ops import norm

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
    assert found.tags.count("img") == len(found.loaded) == 7
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
    path, picture = tmp_path / "bench.json", tmp_path / "bench.png"
    argv = ("--quick", "--chapter", "linear_regression", "--json", path, "--picture", picture)
    assert script("bench", *argv, "--unfolded") == 0
    said = capsys.readouterr().out
    assert "linear_regression" in said
    assert "unfolded ms" in said
    assert picture.read_bytes().startswith(b"\x89PNG")
    body = json.loads(path.read_bytes())
    assert body["schema"] == 1
    assert torch.__version__.startswith(body["environment"]["packages"]["torch"].split("+")[0])
    train, infer = body["rows"]
    for row, mode in ((train, "train"), (infer, "infer")):
        assert (row["mode"], row["chapter"], row["batch"]) == (mode, "linear_regression", 10)
        assert row["scratch_ms"] > 0
        assert row["torch_ms"] > 0
        assert 0 < row["low"] <= row["ratio"] <= row["high"]
    assert "unfolded_ms" not in train
    assert infer["unfolded_ratio"] > 0
    speed = importlib.import_module("list").speed(path)
    assert speed == {"linear_regression": f"{train['ratio']:.2f} (batch 10)"}


def test_bench_measures_the_folded_network(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    worker, calls = importlib.import_module("_bench_worker"), []
    steps = [worker.STEPS[way, "infer"]("dnn_mnist_bn", 2) for way in ("scratch", "unfolded")]
    own = norm.fixed_norm
    monkeypatch.setattr(norm, "fixed_norm", lambda *a: calls.append(1) or own(*a))
    counts = [(step(), len(calls))[1] for step in steps]
    assert counts == [0, 4]


def test_bench_compares_with_an_older_run(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.json"
    row = {"mode": "infer", "chapter": "mlp_xor", "batch": 4, "ratio": 1e3}
    argv = ("--quick", "--chapter", "mlp_xor", "--mode", "infer", "--compare", old)
    old.write_text(json.dumps({"rows": [row]}))
    assert script("bench", *argv) == 0
    assert "infer mlp_xor (batch 4)" in capsys.readouterr().out
    old.write_text(json.dumps({"rows": [{**row, "ratio": 1e-3}]}))
    assert script("bench", *argv) == 1
    assert "slower than" in capsys.readouterr().err
    old.write_text(json.dumps({"rows": [{"chapter": "mlp_xor"}]}))
    assert script("bench", *argv) == 2
    assert "not a file of bench.py" in capsys.readouterr().err


def test_fifteen_percent_is_the_line(script: Script) -> None:
    report = importlib.import_module("_bench_report")
    old = [{"mode": "train", "chapter": c, "batch": 1, "ratio": 0.5} for c in "abc"]
    new = [{**row, "ratio": r} for row, r in zip(old, (0.57, 0.58, 0.1), strict=True)]
    lines, slower = report.compare(old[:2], new)
    assert [line[0] for line in lines] == ["train a (batch 1)", "train b (batch 1)"]
    assert slower == ["train b (batch 1)"]


def test_bench_measures_another_library_on_the_same_network(
    script: Script, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ("--quick", "--chapter", "linear_regression", "--mode", "train")
    assert script("bench", *argv, "--peer", "sklearn") == 0
    assert "/ sklearn" in capsys.readouterr().out
    peers = importlib.import_module("_bench_peers")
    assert not peers.offers("sklearn", "train", "mlp_mnist")  # which mixes activations
    monkeypatch.setattr(peers, "_scratch", lambda name, batch: [1.0, 0.5, 0.25])
    with pytest.raises(RuntimeError, match="sklearn does not train linear_regression"):
        peers.build("sklearn", "linear_regression", 10)


def test_bench_names_a_peer_that_is_missing(
    script: Script, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    assert script("bench", "--quick", "--peer", "jax") == 2
    assert "[peers]" in capsys.readouterr().err


def test_bench_names_a_framework_whose_process_ends(
    script: Script, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("_bench_worker"), "offers", lambda *step: True)
    argv = ("--quick", "--chapter", "conv 1x1, 64 maps", "--mode", "infer", "--peer", "onnx")
    assert script("bench", *argv) == 2  # ONNX Runtime is not asked for one layer
    printed = capfd.readouterr().err
    assert "Traceback" in printed
    assert printed.splitlines()[-1] == ("error: onnx cannot be measured; what it says stands above")


def test_bench_tells_how_time_grows(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, tasks = (importlib.import_module(name) for name in ("bench", "_bench_tasks"))
    spent = {"scratch": {1: 5.0, 2: 1.0, 8: 4.0}, "torch": {1: 5.0, 2: 1.0, 8: 16.0}}

    def measured(cases: Any, turns: Any) -> list[dict[str, float]]:
        return [
            {"scratch_ms": spent["scratch"][c.batch], "torch_ms": spent["torch"][c.batch]}
            for c in cases
        ]

    monkeypatch.setattr(bench, "measure", measured)
    found = bench.growth_of(tasks.Growth("mlp_mnist", "batch", (1, 2, 8), 2), bench.QUICK)
    assert (found["scratch_exponent"], found["torch_exponent"]) == (1.0, 2.0)
    sides = tasks.Growth("resnet18", "side", (28, 224), 28)
    assert all(sides.case(side).name in tasks.NETWORKS for side in sides.sizes)
    assert "2.00" in importlib.import_module("_bench_report").growth_table([found])


def test_bench_tells_the_memory_of_a_step(script: Script) -> None:
    found = importlib.import_module("bench").memory("train", "conv 3x3, 64 maps", 16)
    x = 16 * 64 * 32 * 32 * 4 / 1e6  # MB, and so is the output
    assert found["scratch_mb"] > x
    assert found["torch_mb"] > x
    assert found["largest_mb"] >= x
    assert abs(found["growth_mb"]) < x / 100
