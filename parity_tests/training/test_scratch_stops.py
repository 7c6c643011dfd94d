"""The scratch loop stops when it should, and goes on without a difference."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

import scratch
from parity_tests.training.loops import (
    EPOCHS,
    Signals,
    numbers,
    planned,
    run_folder,
    same,
    short_chapter,
    short_dataset,
)
from scratch import checkpoint, nn, spec
from scratch.data import Dataset, load
from scratch.run.metrics import History, read_metrics
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter
from scratch.train import fit
from scratch.watch import first_non_finite


@pytest.fixture(scope="module")
def chapter() -> Chapter:
    return short_chapter()


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return short_dataset()


@pytest.fixture(scope="module")
def uninterrupted(chapter: Chapter, dataset: Dataset) -> tuple[nn.Module, History]:
    net = Signals()
    return net, fit(chapter, net, dataset, epochs=EPOCHS, seed=5, progress=False)


@pytest.mark.parametrize("at", [0, 7, 8, 9, 17, 20])
def test_ctrl_c_and_resume_make_no_difference(
    chapter: Chapter,
    dataset: Dataset,
    uninterrupted: tuple[nn.Module, History],
    tmp_path: Path,
    at: int,
) -> None:
    folder, stopping = run_folder(tmp_path), Signals(at)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(
        KeyboardInterrupt, match=f"stopped by Ctrl-C; checkpoint .*{checkpoint.LAST}"
    ):
        fit(chapter, stopping, dataset, epochs=EPOCHS, seed=5, folder=folder, progress=False)
    assert signal.getsignal(signal.SIGINT) is before
    again = Signals()
    history = fit(
        chapter,
        again,
        dataset,
        epochs=EPOCHS,
        seed=5,
        folder=folder,
        progress=False,
        resume=folder.checkpoints / checkpoint.LAST,
    )
    net, complete = uninterrupted
    assert same(net, again)
    assert history.step_losses == complete.step_losses
    assert numbers(history.rows) == numbers(complete.rows)
    assert numbers(read_metrics(folder.metrics_csv)) == numbers(complete.rows)


def test_rows_after_the_checkpoint_are_written_anew(
    chapter: Chapter, dataset: Dataset, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path)
    last, early = folder.checkpoints / checkpoint.LAST, tmp_path / "early.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fit(chapter, Signals(10), dataset, epochs=EPOCHS, folder=folder, progress=False)
    shutil.copy(last, early)
    histories = [
        fit(
            chapter,
            Signals(),
            dataset,
            epochs=EPOCHS,
            folder=folder,
            progress=False,
            resume=path,
        )
        for path in (last, early)
    ]
    assert histories[0].step_losses == histories[1].step_losses
    assert [row["epoch"] for row in read_metrics(folder.metrics_csv)] == [1, 2, 3]


def test_sigterm_leaves_with_143(chapter: Chapter, dataset: Dataset, tmp_path: Path) -> None:
    folder = run_folder(tmp_path)
    with pytest.raises(SystemExit) as stop:
        fit(chapter, Signals(4, signal.SIGTERM), dataset, folder=folder, progress=False)
    assert stop.value.code == 143
    assert (folder.checkpoints / checkpoint.LAST).is_file()


def test_a_diverged_run_stops_and_names_the_place(tmp_path: Path) -> None:
    chapter = planned(spec.get("linear_regression"), lr=1e6)
    folder = run_folder(tmp_path)
    with pytest.raises(UserError) as stop:
        fit(
            chapter,
            scratch.build("linear_regression"),
            load(chapter),
            folder=folder,
            progress=False,
            checkpoint_pause=0,
        )
    assert re.fullmatch(
        r"training stopped at step \d+ \(epoch 1\): the loss is (inf|nan); "
        r"first non-finite: (the loss|the output of linear|parameter linear\.weight)\. "
        r"A smaller learning rate than 1000000\.0 is the usual cure",
        str(stop.value),
    )
    assert not any(folder.checkpoints.iterdir())
    assert read_metrics(folder.metrics_csv) == []


def test_the_first_place_that_is_not_finite(chapter: Chapter, dataset: Dataset) -> None:
    x = dataset.train.x[:4]
    net = scratch.build("mlp_mnist", "tiny")
    assert first_non_finite(net, x) == "the loss"
    assert first_non_finite(net, x * np.float32(np.nan)) == "the input"
    parameters = dict(net.named_parameters())
    parameters["layers.fc3.bias"].data[0] = np.inf
    assert first_non_finite(net, x) == "parameter layers.fc3.bias"
    parameters["layers.fc2.weight"].data[:] = 1e38
    with np.errstate(over="ignore", invalid="ignore"):
        assert first_non_finite(net, x) == "the output of layers.fc2"
    assert "forward" not in net.__dict__


def test_what_a_recurrent_layer_returns_is_looked_into() -> None:
    net = scratch.build("rnn_subtract")
    dict(net.named_parameters())["rnn.weight_hh_l0"].data[0, 0] = np.nan
    assert first_non_finite(net, np.ones((2, 4, 2), np.float32)) == "parameter rnn.weight_hh_l0"


@pytest.mark.parametrize("kind", ["cut", "altered", "missing", "another network", "weights only"])
def test_a_checkpoint_that_cannot_be_used(
    chapter: Chapter, dataset: Dataset, tmp_path: Path, kind: str
) -> None:
    folder, net = run_folder(tmp_path), scratch.build("mlp_mnist", "tiny")
    fit(chapter, net, dataset, epochs=1, folder=folder, progress=False)
    path = folder.checkpoints / (checkpoint.BEST if kind == "weights only" else checkpoint.LAST)
    data = bytearray(path.read_bytes())
    words = "SHA-256 differs"
    if kind == "cut":
        path.write_bytes(data[:-100])
        words = "not a whole safetensors file"
    elif kind == "altered":
        data[-9] ^= 1
        path.write_bytes(data)
    elif kind == "missing":
        path.unlink()
        words = "cannot be read"
    elif kind == "another network":
        net = scratch.build("mlp_mnist", "tiny", widths=(64, 16, 12, 10))
        words = r"layers.fc2.weight: expected \(12, 16\), found \(11, 16\)"
    before = net.state_dict()
    with pytest.raises(UserError, match=words):
        fit(chapter, net, dataset, epochs=2, progress=False, resume=path)
    assert all(np.array_equal(value, before[name]) for name, value in net.state_dict().items())
