"""Training by Lightning: the same data, order, rows and files as the scratch loop."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ref_torch.callbacks import (
    Bar,
    Checkpoints,
    Interrupted,
    Metrics,
    RandomState,
    Stopping,
)
from ref_torch.checkpoint import (
    AtomicCheckpointIO,
    check_same_network,
    newest,
    sweep,
    weights_of,
)
from ref_torch.data import ChapterData
from ref_torch.lit import ChapterModule
from ref_torch.trainer import determinism_restored, make_trainer, quiet
from ref_torch.trainer_args import check_reserved
from scratch.data import Dataset
from scratch.run.folder import RunFolder
from scratch.run.metrics import History, MetricsCsv, forget_after
from scratch.run.signals import Signals
from scratch.spec.schema import Chapter


def fit(
    chapter: Chapter,
    model: nn.Module,
    dataset: Dataset,
    *,
    epochs: int | None = None,
    seed: int = 0,
    folder: RunFolder | None = None,
    progress: bool = True,
    trainer_args: Mapping[str, Any] | None = None,
    resume: Path | None = None,
    checkpoint_pause: float = 10.0,
) -> History:
    """Train a network as its chapter says; the weights of `model` change in place.

    Ctrl-C and SIGTERM end the run after the step in progress, with a checkpoint in the folder. A
    run that is resumed goes on exactly as if it had not been interrupted: the same batches, the
    same random numbers, the same rows. The chapter's rules may stop it early; with a patience among
    them the network ends with its best weights.

    Args:
        chapter: gives loss, optimiser, schedule, batch size and epochs.
        model: the network, in the CPU's memory, in the dtype to train in.
        dataset: the arrays.
        epochs: passes over the training split; the chapter's number if None.
        seed: of the batch order and of torch's random numbers (dropout).
        folder: receives metrics.csv and checkpoints/; nothing is written if None.
        progress: show a progress bar.
        trainer_args: further arguments of `lightning.Trainer`, as `parse_trainer_args` gives them.
        resume: a checkpoint, or a folder of which the newest that verifies is taken.
        checkpoint_pause: seconds between two checkpoints at least.

    Returns:
        The rows of all epochs, the loss of every step, the seconds.

    Raises:
        UserError: an argument that Lightning refuses, a loss that is not finite, a checkpoint that
            is altered or of another network.
        KeyboardInterrupt: ended by Ctrl-C; the message names the checkpoint.
        SystemExit: ended by SIGTERM, with code 143.
    """
    check_reserved(trainer_args or {})
    module = ChapterModule(chapter, model)
    checkpoint = None if resume is None else _find(resume, module)
    if folder and checkpoint:
        sweep(folder.checkpoints)
        forget_after(folder.metrics_csv, "torch", _step_of(checkpoint))
    metrics = Metrics(MetricsCsv(folder.metrics_csv) if folder else None)
    stopping = Stopping(chapter.train.stop, metrics, progress)
    dtype = next(model.parameters()).dtype
    with contextlib.ExitStack() as stack:
        stack.enter_context(quiet())
        stack.enter_context(torch.random.fork_rng())
        stack.enter_context(determinism_restored())
        signals = stack.enter_context(Signals())
        root = stack.enter_context(tempfile.TemporaryDirectory()) if folder is None else folder.path
        torch.manual_seed(seed)
        checkpoints = folder.checkpoints if folder else None
        trainer = make_trainer(
            chapter.train.epochs if epochs is None else epochs,
            [
                metrics,
                stopping,
                RandomState(),
                Checkpoints(signals, checkpoints, checkpoint_pause),
                *([Bar()] if progress else []),
            ],
            Path(root),
            trainer_args or {},
        )
        try:
            trainer.fit(module, ChapterData(chapter, dataset, seed, dtype), ckpt_path=checkpoint)
        except Interrupted as stop:
            signals.leave(stop.saved)
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning makes an exit 1 of it
                raise KeyboardInterrupt("stopped by Ctrl-C at once, nothing saved") from stop
            raise
    model.to("cpu", dtype)  # --trainer.precision may have changed it
    if stopping.kept:
        model.load_state_dict(stopping.kept)
    return History(
        rows=metrics.rows,
        step_losses=list(module.step_losses),
        seconds=metrics.seconds,
        stopped=stopping.stopper.reason,
    )


def _find(resume: Path, module: ChapterModule) -> Path:
    """Return the checkpoint to resume from, after holding its keys and shapes against the model."""
    path = resume
    if resume.is_dir():
        path, refused = newest(resume)
        for line in refused:
            warnings.warn(f"passed over: {line}", stacklevel=3)
    state = weights_of(path, AtomicCheckpointIO().load_checkpoint(path))
    check_same_network(path, module.model.state_dict(), state)
    return path


def _step_of(path: Path) -> int:
    return int(AtomicCheckpointIO().load_checkpoint(path)["global_step"])
