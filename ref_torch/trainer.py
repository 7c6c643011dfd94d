"""Lightning's trainer as this project uses it, and what it does to the process undone."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException

from ref_torch.checkpoint import AtomicCheckpointIO
from scratch.spec.errors import UserError


def make_trainer(
    epochs: int,
    callbacks: Sequence[lightning.Callback],
    root: Path | None,
    trainer_args: Mapping[str, Any],
) -> lightning.Trainer:
    """Return a trainer; what Lightning refuses becomes one line.

    Args:
        epochs: passes over the training split.
        callbacks: metrics, checkpoints and so on.
        root: where Lightning may write.
        trainer_args: what was asked for on top.

    Raises:
        UserError: an argument that Lightning refuses, hardware that is not there, more than one
            process.
    """
    on_cpu = trainer_args.get("accelerator", "cpu") == "cpu"
    arguments: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": 1,
        # Some CUDA kernels exist in one, not repeatable, form only: there it is said, not refused.
        "deterministic": True if on_cpu else "warn",
        "num_sanity_val_steps": 0,
        **trainer_args,
        "max_epochs": epochs,
        "callbacks": list(callbacks),
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
    except (
        MisconfigurationException,
        ImportError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the trainer refuses these arguments: {reason}") from error
    if trainer.world_size > 1:
        raise UserError(
            f"--trainer.devices asks for {trainer.world_size} processes; training uses one device"
        )
    return trainer


@contextlib.contextmanager
def quiet() -> Iterator[None]:
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
def determinism_restored() -> Iterator[None]:
    """Put torch's global choice of algorithms back: a trainer sets it for the whole process."""
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
