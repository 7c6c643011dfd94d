"""Named settings of a chapter: the book's own run, and others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from parity_tests.sizes import IDS
from scratch import build, spec, train
from scratch.data import load
from scratch.run.folder import RunFolder
from scratch.run.metrics import read_metrics

Script = Callable[..., int]


def test_a_preset_changes_the_run_and_is_named_by_an_error(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert script("train", "mlp_arc", "--twin", "scratch", "--preset", "book", "--out", out) == 0
    said = capsys.readouterr().out
    assert "the validation loss" in said  # it stopped, and says why
    chapter = spec.get("mlp_arc").with_preset("book")
    assert chapter.train.optimizer_args == {}
    assert f"the default run: at least {chapter.expected.low:g}" in said
    config = RunFolder.open(out).config
    assert (config["preset"], config["epochs"]) == ("book", chapter.train.epochs)
    last = read_metrics(out / "metrics.csv")[-1]
    assert last["val_loss"] <= chapter.train.stop.loss
    assert last["epoch"] < chapter.train.epochs
    for bad, word in (("mlp_arc", "known: book"), ("lenet5", "has no preset")):
        assert script("train", bad, "--preset", "bok", "--out", tmp_path / "bad") == 2
        assert word in capsys.readouterr().err
    assert not (tmp_path / "bad").exists()


@pytest.mark.parametrize("id", IDS)
def test_every_preset_is_a_run_that_can_be_built(id: str) -> None:
    for name in spec.get(id).presets:
        chapter = spec.get(id).with_preset(name)
        assert chapter != spec.get(id)
        assert len(load(chapter).train)
        optimizer = train.build_optimizer(chapter.train, build(id))
        train.build_schedule(chapter.train, optimizer)
        train.build_loss(chapter.train)
