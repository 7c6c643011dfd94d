"""Pictures that vary from epoch to epoch: both loops read the same ones, resumed or not."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ref_torch
import ref_torch.fit as theirs
import scratch
import scratch.train as ours
from parity_tests.training.loops import planned, run_folder
from ref_torch.data import ChapterData
from scratch import spec
from scratch.checkpoint import LAST
from scratch.data import Dataset, load
from scratch.data.order import batches
from scratch.spec.schema import Chapter


def short() -> tuple[Chapter, Dataset]:
    chapter = planned(spec.get("cnn_color_shape", "tiny"), batch_size=16, epochs=3)
    options = {"kind": "color_shape", "samples": 90, "border": 4, "flip": True}
    chapter = dataclasses.replace(chapter, data=dataclasses.replace(chapter.data, options=options))
    return chapter, load(chapter)


def test_torch_reads_what_scratch_reads() -> None:
    chapter, dataset = short()
    for dtype in (torch.float32, torch.float64):
        loader = ChapterData(chapter, dataset, seed=4, dtype=dtype).train_dataloader()
        seen = []
        for epoch in range(2):
            loader.order.set_epoch(epoch)
            plan = batches(len(dataset.train), 16, 4, epoch)
            for (x, y), rows in zip(loader, plan, strict=True):
                want, target = dataset.train.batch(rows, 4, epoch)
                assert x.dtype == dtype
                assert np.array_equal(x.numpy(), want.astype(x.numpy().dtype))
                assert np.array_equal(y.numpy(), target)
                assert not np.array_equal(want, dataset.train.x[rows])
            seen.append(dataset.train.batch(np.arange(90), 4, epoch)[0])
        assert not np.array_equal(*seen)


class Stops:
    """Sends this process Ctrl-C at one of the training batches of a network of either twin."""

    def __init__(self, model: Any, at: int) -> None:
        self.forward, self.at, self.count = model.forward, at, 0
        self.model = model
        model.forward = self

    def __call__(self, input: Any) -> Any:
        if self.model.training:
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGINT)
            self.count += 1
        return self.forward(input)


@pytest.mark.parametrize(
    ("build", "fit"), [(scratch.build, ours.fit), (ref_torch.build, theirs.fit)]
)
def test_a_resumed_run_sees_the_pictures_it_would_have_seen(
    build: Any, fit: Any, tmp_path: Path
) -> None:
    chapter, dataset = short()
    whole = fit(chapter, build(chapter.id, "tiny"), dataset, seed=5, progress=False)
    folder, stopping = run_folder(tmp_path), build(chapter.id, "tiny")
    Stops(stopping, at=9)  # six batches make an epoch
    with pytest.raises(KeyboardInterrupt):
        fit(chapter, stopping, dataset, seed=5, folder=folder, progress=False)
    resume = folder.checkpoints / LAST if fit is ours.fit else folder.checkpoints
    again = build(chapter.id, "tiny")
    history = fit(chapter, again, dataset, seed=5, folder=folder, progress=False, resume=resume)
    assert history.step_losses == whole.step_losses
    still = dataclasses.replace(dataset, train=dataclasses.replace(dataset.train, crops=None))
    other = fit(chapter, build(chapter.id, "tiny"), still, seed=5, progress=False)
    assert other.step_losses != whole.step_losses
