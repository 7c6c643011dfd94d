"""What the tests of the scratch loop share: a short plan, a network that can be interrupted."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np

import scratch
from scratch import nn, spec
from scratch.data import Dataset, Split, load
from scratch.nn.parameter import Array
from scratch.run.folder import RunFolder
from scratch.spec.schema import Chapter

EPOCHS = 3


def planned(chapter: Chapter, **changes: Any) -> Chapter:
    """Return a chapter with other hyper-parameters."""
    return dataclasses.replace(chapter, train=dataclasses.replace(chapter.train, **changes))


def few(dataset: Dataset, samples: int = 200) -> Dataset:
    """Return a data set with the first training samples only."""
    train = Split(dataset.train.x[:samples], dataset.train.y[:samples])
    return dataclasses.replace(dataset, train=train)


def short_chapter() -> Chapter:
    """Return the digits with a schedule that changes the rate and a batch that does not divide."""
    return planned(
        spec.get("mlp_mnist", "tiny"),
        batch_size=24,
        schedule="StepLR",
        schedule_args={"step_size": 2, "gamma": 0.5},
    )


def short_dataset() -> Dataset:
    """Return 200 digits to train on."""
    return few(load(short_chapter()))


class Signals(nn.Module):
    """A network with dropout that sends this process a signal at one of the training batches."""

    def __init__(self, at: int = -1, signum: int = signal.SIGINT) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.2)
        self.dropout.generator = np.random.default_rng(8)
        self.net = scratch.build("mlp_mnist", "tiny")
        self.at, self.signum, self.count = at, signum, 0

    def forward(self, input: Array) -> Array:
        """Map (N, 1, 8, 8) to (N, 10)."""
        if self.training:
            if self.count == self.at:
                os.kill(os.getpid(), self.signum)
            self.count += 1
        return self.net(self.dropout(input))

    def backward(self, d_output: Array) -> Array:
        """Map (N, 10) to (N, 1, 8, 8)."""
        return self.dropout.backward(self.net.backward(d_output))


def run_folder(path: Path) -> RunFolder:
    """Return a new run folder below a path."""
    return RunFolder.create(path / "run", {})


def numbers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without what the clock says."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def same(first: nn.Module, second: nn.Module) -> bool:
    """Tell whether two networks hold the same numbers."""
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[k], theirs[k]) for k in ours)
