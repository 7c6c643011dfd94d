"""Training by Lightning: the same data, order, rows and files as the scratch loop."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import nn

from ref_torch.callbacks import (
    Bar,
    Checkpoints,
    Interrupted,
    Metrics,
    RandomState,
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
from ref_torch.trainer_args import check_reserved
from scratch.data import Dataset
from scratch.run.folder import RunFolder
from scratch.run.metrics import History, MetricsCsv, forget_after
from scratch.run.signals import Signals
from scratch.spec.errors import UserError
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
    same random numbers, the same rows.

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
    module = ChapterModule(chapter, model)
    checkpoint = None if resume is None else _find(resume, module)
    if folder and checkpoint:
        sweep(folder.checkpoints)
        forget_after(folder.metrics_csv, "torch", _step_of(checkpoint))
    metrics = Metrics(MetricsCsv(folder.metrics_csv) if folder else None)
    dtype = next(model.parameters()).dtype
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        stack.enter_context(torch.random.fork_rng())
        stack.enter_context(_deterministic_restored())
        signals = stack.enter_context(Signals())
        root = stack.enter_context(tempfile.TemporaryDirectory()) if folder is None else folder.path
        torch.manual_seed(seed)
        trainer = _trainer(
            chapter.train.epochs if epochs is None else epochs,
            [
                metrics,
                RandomState(),
                Checkpoints(signals, folder.checkpoints if folder else None, checkpoint_pause),
            ],
            Path(root),
            progress,
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
    return History(rows=metrics.rows, step_losses=list(module.step_losses), seconds=metrics.seconds)


def _trainer(
    epochs: int,
    callbacks: list[lightning.Callback],
    root: Path,
    progress: bool,
    trainer_args: Mapping[str, Any],
) -> lightning.Trainer:
    check_reserved(trainer_args)
    if progress:
        callbacks = [*callbacks, Bar()]
    on_cpu = trainer_args.get("accelerator", "cpu") == "cpu"
    arguments: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": 1,
        # Some CUDA kernels exist in one, not repeatable, form only: there it is said, not refused.
        "deterministic": True if on_cpu else "warn",
        "num_sanity_val_steps": 0,
        **trainer_args,
        "max_epochs": epochs,
        "callbacks": callbacks,
        "plugins": [AtomicCheckpointIO()],
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "use_distributed_sampler": False,
        "default_root_dir": root,
    }
    try:
        trainer = lightning.Trainer(**arguments)
    except (TypeError, ValueError, RuntimeError) as error:  # MisconfigurationException among them
        reason = " ".join(str(error).split())
        raise UserError(f"the trainer refuses these arguments: {reason}") from error
    if trainer.world_size > 1:
        raise UserError(
            f"--trainer.devices asks for {trainer.world_size} processes; training uses one device"
        )
    return trainer


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says about hardware, workers and restoring."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"lightning(\.|$)")
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"(lightning|torch)(\.|$)")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def _deterministic_restored() -> Iterator[None]:
    """Put torch's global choice of algorithms back after the run."""
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)


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
