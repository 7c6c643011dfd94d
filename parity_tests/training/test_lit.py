"""Training by Lightning: nothing added, nothing lost, and taken up again without a difference."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

import ref_torch
from parity_tests.training.loops import numbers
from ref_torch.fit import fit
from ref_torch.optim import build_loss, build_optimizer, build_schedule
from scratch import spec
from scratch.data import Dataset, load
from scratch.data.order import batches
from scratch.run.folder import RunFolder
from scratch.run.metrics import COLUMNS, History, read_metrics, score
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter

EPOCHS = 3


@pytest.fixture(scope="module")
def chapter() -> Chapter:
    """Return the digits with a schedule that changes the rate and a batch that does not divide."""
    found = spec.get("mlp_mnist", "tiny")
    train = dataclasses.replace(
        found.train,
        batch_size=96,
        schedule="StepLR",
        schedule_args={"step_size": 1, "gamma": 0.5},
    )
    return dataclasses.replace(found, train=train)


@pytest.fixture(scope="module")
def dataset(chapter: Chapter) -> Dataset:
    return load(chapter)


def network() -> nn.Module:
    """Return the chapter's network with dropout, so that the random state matters."""
    net = ref_torch.build("mlp_mnist", "tiny")
    return nn.Sequential(nn.Dropout(0.2), net)


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def run_folder(path: Path) -> RunFolder:
    return RunFolder.create(path, {})


@pytest.fixture(scope="module")
def uninterrupted(chapter: Chapter, dataset: Dataset) -> tuple[nn.Module, History]:
    torch.set_num_threads(1)
    net = network()
    return net, fit(chapter, net, dataset, epochs=EPOCHS, seed=5, progress=False)


def test_lightning_adds_nothing_to_the_plain_loop(chapter: Chapter, dataset: Dataset) -> None:
    ours, plain = (ref_torch.build("mlp_mnist", "tiny") for _ in range(2))
    history = fit(chapter, ours, dataset, epochs=2, seed=5, progress=False)
    criterion = build_loss(chapter.train)
    optimizer = build_optimizer(chapter.train, plain.parameters())
    schedule = build_schedule(chapter.train, optimizer)
    losses = []
    for epoch in range(2):
        for rows in batches(len(dataset.train), 96, 5, epoch):
            optimizer.zero_grad()
            loss = criterion(
                plain(torch.from_numpy(dataset.train.x[rows])),
                torch.from_numpy(dataset.train.y[rows]),
            )
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        schedule.step()
    assert history.step_losses == losses
    assert same(ours, plain)


def test_rows_are_what_the_epoch_was(
    chapter: Chapter, dataset: Dataset, uninterrupted: tuple[nn.Module, History], tmp_path: Path
) -> None:
    first, history = uninterrupted
    folder, net = run_folder(tmp_path / "run"), network()
    again = fit(chapter, net, dataset, epochs=EPOCHS, seed=5, folder=folder, progress=False)
    assert same(first, net)
    assert again.step_losses == history.step_losses
    assert numbers(again.rows) == numbers(history.rows)
    assert read_metrics(folder.metrics_csv) == again.rows
    per_epoch = len(again.step_losses) // EPOCHS
    assert [tuple(row) for row in again.rows] == [COLUMNS] * EPOCHS
    assert [row["step"] for row in again.rows] == [per_epoch, 2 * per_epoch, 3 * per_epoch]
    rate = chapter.train.lr
    assert [row["lr"] for row in again.rows] == [rate, rate / 2, rate / 4]
    net.eval()
    with torch.no_grad():
        outputs = net(torch.from_numpy(dataset.val.x))
    expected = score("multiclass", outputs.numpy(), dataset.val.y)["accuracy"]
    assert again.rows[-1]["val_metric"] == expected
    assert [path.suffix for path in sorted(folder.checkpoints.iterdir())] == [".ckpt", ".json"]


class Signals(nn.Module):
    """Passes its input on and sends this process a signal at one of the training batches."""

    def __init__(self, net: nn.Module, at: int, signum: int) -> None:
        super().__init__()
        self.net, self.at, self.signum = net, at, signum
        self.count = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            if self.count == self.at:
                os.kill(os.getpid(), self.signum)
            self.count += 1
        return self.net(x)


class Crash(Exception):
    """Stands for a SIGKILL: nothing is saved."""


class Crashes(Signals):
    """Raises in the middle of a step."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and self.count == self.at:
            raise Crash
        self.count += self.training
        return self.net(x)


def resumed(
    chapter: Chapter, dataset: Dataset, folder: RunFolder, stopping: Signals
) -> tuple[nn.Module, History]:
    """Return what a run from fresh weights becomes that takes up the folder's checkpoint."""
    fresh = Signals(network(), -1, 0)
    history = fit(
        chapter,
        fresh,
        dataset,
        epochs=EPOCHS,
        seed=5,
        folder=folder,
        progress=False,
        resume=folder.checkpoints,
    )
    assert not same(stopping, fresh)
    return fresh, history


@pytest.mark.parametrize("at", [0, 1, 7, 12, 13, 14, 26, 30])
def test_ctrl_c_and_resume_make_no_difference(
    chapter: Chapter,
    dataset: Dataset,
    uninterrupted: tuple[nn.Module, History],
    tmp_path: Path,
    at: int,
) -> None:
    folder = run_folder(tmp_path / "run")
    stopping = Signals(network(), at, signal.SIGINT)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"stopped by Ctrl-C; checkpoint .*step-0000"):
        fit(chapter, stopping, dataset, epochs=EPOCHS, seed=5, folder=folder, progress=False)
    assert signal.getsignal(signal.SIGINT) is before
    (saved,) = folder.checkpoints.glob("*.ckpt")
    assert saved.name == f"step-{at + 1:09d}.ckpt"
    net, history = resumed(chapter, dataset, folder, stopping)
    first, complete = uninterrupted
    assert same(first, net)
    assert history.step_losses == complete.step_losses
    assert numbers(history.rows) == numbers(complete.rows)
    assert numbers(read_metrics(folder.metrics_csv)) == numbers(complete.rows)


@pytest.mark.parametrize("at", [15, 27, 31])
def test_a_crash_loses_only_what_came_after_the_checkpoint(
    chapter: Chapter,
    dataset: Dataset,
    uninterrupted: tuple[nn.Module, History],
    tmp_path: Path,
    at: int,
) -> None:
    folder = run_folder(tmp_path / "run")
    crashing = Crashes(network(), at, 0)
    with pytest.raises(Crash):
        fit(
            chapter,
            crashing,
            dataset,
            epochs=EPOCHS,
            seed=5,
            folder=folder,
            progress=False,
            checkpoint_pause=0,
        )
    net, history = resumed(chapter, dataset, folder, crashing)
    first, complete = uninterrupted
    assert same(first, net)
    assert history.step_losses == complete.step_losses
    assert numbers(read_metrics(folder.metrics_csv)) == numbers(complete.rows)


def test_sigterm_leaves_with_143_and_a_checkpoint(
    chapter: Chapter, dataset: Dataset, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / "run")
    stopping = Signals(network(), 4, signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stop:
        fit(chapter, stopping, dataset, epochs=1, folder=folder, progress=False)
    assert stop.value.code == 143
    assert [path.name for path in folder.checkpoints.glob("*.ckpt")] == ["step-000000005.ckpt"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_damaged_checkpoint_is_passed_over_and_told(
    chapter: Chapter, dataset: Dataset, tmp_path: Path
) -> None:
    folder, net = run_folder(tmp_path / "run"), network()
    fit(chapter, net, dataset, epochs=2, folder=folder, progress=False, checkpoint_pause=0)
    _, last = sorted(folder.checkpoints.glob("*.ckpt"))
    last.write_bytes(last.read_bytes()[:100])
    again = network()
    with pytest.warns(UserWarning, match=f"passed over: .*{last.name}: incomplete"):
        history = fit(
            chapter,
            again,
            dataset,
            epochs=2,
            folder=folder,
            progress=False,
            resume=folder.checkpoints,
        )
    assert same(net, again)
    assert [row["epoch"] for row in history.rows] == [1, 2]


def test_a_checkpoint_of_another_width_is_refused(
    chapter: Chapter, dataset: Dataset, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / "run")
    fit(
        chapter,
        ref_torch.build("mlp_mnist", "tiny"),
        dataset,
        epochs=1,
        folder=folder,
        progress=False,
    )
    other = ref_torch.build("mlp_mnist", "tiny", widths=(64, 17, 11, 10))
    with pytest.raises(
        UserError, match=r"3 keys differ: layers.fc1.weight: expected \(17, 64\), found"
    ):
        fit(chapter, other, dataset, epochs=1, progress=False, resume=folder.checkpoints)
