"""The scratch loop walks the same road as torch's, and writes down what it sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ref_torch
import scratch
from parity_tests.harness import bounds
from parity_tests.sizes import DEEP_IDS, IDS
from parity_tests.training.loops import (
    EPOCHS,
    Signals,
    few,
    planned,
    run_folder,
    same,
    short_chapter,
    short_dataset,
)
from ref_torch.fit import fit as fit_torch
from scratch import checkpoint, spec, weights
from scratch.data import Dataset, load
from scratch.nn.parameter import Array
from scratch.run.metrics import COLUMNS, read_metrics
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter
from scratch.train import evaluate, fit, predict


@pytest.fixture(scope="module")
def chapter() -> Chapter:
    return short_chapter()


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return short_dataset()


def _without_chance(model: Any) -> Any:
    """Switch dropout off, whose masks each library draws from its own generator."""
    for _, module in model.named_modules():
        if type(module).__name__ == "Dropout":
            module.p = 0.0
    return model


def _gently(chapter: Chapter) -> Chapter:
    """Give a deep network a rate at which it does not magnify rounding, as L5 does."""
    if chapter.id not in DEEP_IDS:
        return chapter
    return replace(chapter, train=replace(chapter.train, lr=1e-4))


@pytest.mark.parametrize("id", IDS)
def test_both_loops_take_the_same_road_in_float64(id: str) -> None:
    chapter = _gently(spec.get(id, "tiny"))
    dataset = few(load(chapter))
    model = _without_chance(scratch.build(id, "tiny")).astype(np.float64)
    reference = _without_chance(ref_torch.build(id, "tiny")).double()
    ours = fit(chapter, model, dataset, epochs=2, seed=3, progress=False)
    theirs = fit_torch(chapter, reference, dataset, epochs=2, seed=3, progress=False)

    losses = [np.array(history.step_losses) for history in (ours, theirs)]
    assert len(losses[0]) == len(losses[1]) == ours.rows[-1]["step"]
    assert np.abs(losses[0] - losses[1]).max() <= bounds.TRAJECTORY * losses[1].max()
    state = model.state_dict()
    for name, value in reference.state_dict().items():
        wanted = value.numpy()
        scale = 1.0 if name in chapter.null_directions else np.abs(wanted).max()
        assert np.abs(state[name] - wanted).max() <= bounds.TRAJECTORY * scale, name
    for our, their in zip(ours.rows, theirs.rows, strict=True):
        assert tuple(our) == tuple(their) == COLUMNS
        assert (our["epoch"], our["step"]) == (their["epoch"], their["step"])
        for name in ("train_loss", "val_loss", "val_metric", "lr"):
            # Lightning keeps a metric that is a plain number in float32.
            single = bounds.whole(np.array(their[name]), "float32")
            limit = single if name == "val_metric" else bounds.TRAJECTORY * max(1.0, their[name])
            assert abs(our[name] - their[name]) <= limit, name


@pytest.mark.parametrize("id", IDS)
def test_the_first_float32_steps_are_as_good_as_torchs(id: str) -> None:
    chapter = spec.get(id, "tiny")
    dataset = few(load(chapter))
    exact = _without_chance(ref_torch.build(id, "tiny")).double()
    single = _without_chance(ref_torch.build(id, "tiny"))
    ours = _without_chance(scratch.build(id, "tiny"))
    histories = [
        fit_torch(chapter, exact, dataset, epochs=1, progress=False),
        fit_torch(chapter, single, dataset, epochs=1, progress=False),
        fit(chapter, ours, dataset, epochs=1, progress=False),
    ]
    truth, torch32, scratch32 = (np.array(h.step_losses)[:4] for h in histories)
    limit = bounds.end_to_end(float(np.abs(torch32 - truth).max()), truth)
    assert np.abs(scratch32 - truth).max() <= limit


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not(
    chapter: Chapter, dataset: Dataset
) -> None:
    nets = [Signals() for _ in range(3)]
    histories = [
        fit(chapter, net, dataset, epochs=2, seed=seed, progress=False)
        for net, seed in zip(nets, (5, 5, 6), strict=True)
    ]
    assert same(nets[0], nets[1])
    assert histories[0].step_losses == histories[1].step_losses
    assert histories[0].step_losses != histories[2].step_losses


def test_a_network_in_evaluation_mode_is_trained_in_training_mode(
    chapter: Chapter, dataset: Dataset
) -> None:
    first, second = Signals(), Signals()
    fit(chapter, first, dataset, epochs=1, progress=False)
    fit(chapter, second.eval(), dataset, epochs=1, progress=False)
    assert same(first, second)


def test_rows_are_in_the_file_and_weights_beside_it(
    chapter: Chapter, dataset: Dataset, tmp_path: Path
) -> None:
    folder, net = run_folder(tmp_path), scratch.build("mlp_mnist", "tiny")
    history = fit(
        chapter, net, dataset, epochs=EPOCHS, folder=folder, progress=True, checkpoint_pause=0
    )
    assert read_metrics(folder.metrics_csv) == history.rows
    rate = chapter.train.lr
    assert [row["lr"] for row in history.rows] == [rate, rate, rate / 2]
    assert [row["step"] for row in history.rows] == [9, 18, 27]
    last = evaluate(net, dataset.val, chapter.train.loss, "multiclass")
    assert list(last.values()) == [history.rows[-1][name] for name in ("val_loss", "val_metric")]
    names = sorted(path.name for path in folder.checkpoints.iterdir())
    assert names == [checkpoint.BEST, checkpoint.LAST]
    state, about = weights.load(folder.checkpoints / checkpoint.BEST)
    assert about == {"chapter": "mlp_mnist", "size": "tiny", "twin": "scratch"}
    best = scratch.build("mlp_mnist", "tiny")
    best.load_state_dict(state)
    lowest = min(row["val_loss"] for row in history.rows)
    assert evaluate(best, dataset.val, chapter.train.loss, "multiclass")["loss"] == lowest


def test_a_crash_loses_no_finished_epoch(
    chapter: Chapter, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, net = run_folder(tmp_path), scratch.build("mlp_mnist", "tiny")
    forward = net.forward
    calls = iter(range(100))

    def crashing(x: Array) -> Array:
        if next(calls) == 25:
            raise ZeroDivisionError
        return forward(x)

    monkeypatch.setattr(net, "forward", crashing)
    with pytest.raises(ZeroDivisionError):
        fit(chapter, net, dataset, epochs=EPOCHS, folder=folder, progress=False)
    assert [row["epoch"] for row in read_metrics(folder.metrics_csv)] == [1, 2]


def test_evaluation_keeps_mode_and_nothing_else(chapter: Chapter, dataset: Dataset) -> None:
    net = Signals()
    first, second = (predict(net, dataset.val.x) for _ in range(2))
    assert np.array_equal(first, second)
    assert net.training
    assert not any(module.pending() for _, module in net.named_modules())


@pytest.mark.parametrize("field", ["loss", "optimizer", "schedule"])
def test_a_plan_that_names_what_does_not_exist(
    chapter: Chapter, dataset: Dataset, field: str
) -> None:
    with pytest.raises(UserError, match=f'unknown {field} "Nothing"'):
        fit(planned(chapter, **{field: "Nothing"}), Signals(), dataset, progress=False)
