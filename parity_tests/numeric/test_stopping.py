"""Stop rules, presets and the range test, where there is no torch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import scratch
from scratch import data, spec
from scratch.lr_range import lr_range
from scratch.run.stopping import Stopper
from scratch.spec import Stop, UserError


def ended(rules: Stop | None, losses: list[float | None]) -> tuple[int, str]:
    """Return the epoch at which a run with these losses stops (0: never) and the reason."""
    stopper = Stopper(rules)
    for epoch, loss in enumerate(losses, start=1):
        if stopper.see(epoch, loss):
            return epoch, stopper.reason
    return 0, ""


@pytest.mark.parametrize(
    ("rules", "losses", "epoch"),
    [
        (None, [1.0, 0.0], 0),
        (Stop(), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 0),
        (Stop(loss=0.5), [0.9, 0.6, 0.5, 0.4], 3),
        (Stop(loss=0.5, check_every=2), [0.9, 0.6, 0.5, 0.4], 4),
        (Stop(loss=0.5), [0.9, None, 0.4], 3),
        (Stop(difference=0.1), [1.0, 0.95, 0.9, 0.85, 0.8, 0.0], 5),
        (Stop(difference=0.1), [1.0, 0.95, 0.9, 0.85, 0.5, 0.45, 0.4, 0.35], 0),
        (Stop(difference=0.1), [1.0, 0.95, 0.9, 0.85, 0.5, 0.45, 0.4, 0.35, 0.3], 9),
        (Stop(patience=2), [1.0, 0.9, 0.9, 0.95], 4),
        (Stop(patience=2), [1.0, 1.1, 0.9, 1.1, 0.8, 0.9], 0),
        (Stop(patience=2, check_every=2), [9.0, 1.0, 0.0, 1.1, 0.0, 1.2], 6),
        (Stop(patience=1), [float("nan"), 1.0, 2.0], 1),
    ],
)
def test_a_run_stops_at(rules, losses, epoch):
    assert ended(rules, losses)[0] == epoch


def test_reasons_are_sentences():
    assert ended(Stop(loss=0.5), [0.4]) == (
        1,
        "stopped after epoch 1: the validation loss 0.4 is at most 0.5",
    )
    assert ended(Stop(patience=1), [0.4, 0.5])[1] == (
        "stopped after epoch 2: the validation loss has not fallen below the 0.4 of epoch 1 "
        "in 1 checks"
    )


def test_rows_of_an_earlier_run_count():
    rows = [{"epoch": epoch, "val_loss": loss} for epoch, loss in ((1, 0.5), (2, 0.6), (3, 0.7))]
    stopper = Stopper(Stop(patience=3), rows)
    assert (stopper.reason, stopper.best_epoch, stopper.keeps_best) == ("", 1, True)
    assert stopper.see(4, 0.8)
    assert not stopper.improved


def test_rules_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="patience is at least 1; got 0"):
        Stop(patience=0)
    with pytest.raises(ValueError, match="check_every is at least 1; got 0"):
        Stop(check_every=0)


def test_presets_change_the_training_alone():
    plain = spec.get("mlp_xor")
    chapter = dataclasses.replace(plain, presets={"book": {"epochs": 10_000, "lr": 0.1}})
    found = chapter.with_preset("book")
    assert (found.train.epochs, found.train.lr) == (10_000, 0.1)
    assert dataclasses.replace(found, train=plain.train) == chapter
    with pytest.raises(UserError, match=r'unknown preset of mlp_xor "bok"; did you mean "book"'):
        chapter.with_preset("bok")
    with pytest.raises(UserError, match='mlp_xor has no preset "book", nor any other'):
        dataclasses.replace(plain, presets={}).with_preset("book")


@pytest.mark.parametrize("id", spec.ids())
def test_every_preset_fits(id):
    chapter = spec.get(id)
    for name in chapter.presets:
        assert chapter.with_preset(name).train != chapter.train


def test_the_range_test_finds_where_training_comes_apart():
    chapter = spec.get("linear_regression")
    model = scratch.build(chapter.id)
    before = model.state_dict()
    found = lr_range(chapter, model, data.load(chapter), low=1e-3, high=100.0, steps=80)
    assert 1e-3 <= found.steepest <= found.lowest < 100.0
    assert len(found.rates) == len(found.losses) < 80
    ratios = np.array(found.rates[1:]) / np.array(found.rates[:-1])
    assert np.ptp(ratios) <= 64 * np.finfo(np.float64).eps * ratios[0]
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())
    with pytest.raises(ValueError, match="expects 0 < low < high"):
        lr_range(chapter, model, data.load(chapter), low=1.0, high=0.1)
