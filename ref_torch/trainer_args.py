"""Lightning's own flags on the command line: `--trainer.accelerator gpu`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from scratch.spec.errors import UserError, unknown

PREFIX = "--trainer."

# What the loop itself decides, and where to say it instead.
RESERVED: Mapping[str, str] = {
    "max_epochs": "use --epochs",
    "callbacks": "metrics and checkpoints are always on",
    "plugins": "checkpoints are always written whole",
    "logger": "metrics.csv is always written",
    "enable_checkpointing": "checkpoints are always on with --out",
    "enable_progress_bar": "the bar follows the terminal",
    "enable_model_summary": "see scripts/list.py",
    "use_distributed_sampler": "the order of the batches belongs to the data",
    "default_root_dir": "use --out",
}


def parse_trainer_args(tokens: list[str]) -> dict[str, Any]:
    """Return the arguments of `lightning.Trainer` that stand on the command line.

    Args:
        tokens: `--trainer.NAME VALUE` and `--trainer.NAME=VALUE` only.

    Returns:
        Name and value of every argument given, values of the type that Lightning declares.

    Raises:
        UserError: unknown name ("did you mean"), wrong type, a name that the loop reserves, or
            what this machine does not have.
    """
    names = _names(tokens)
    if not names:
        if tokens:
            raise UserError(f"unrecognized arguments: {' '.join(tokens)}")
        return {}
    known = _trainer_parameters()
    for name in names:
        if name not in known:
            raise unknown("trainer argument", name, known)
    check_reserved(names)

    from jsonargparse import ArgumentError, ArgumentParser
    from lightning import Trainer

    from ref_torch.trainer import determinism_restored, make_trainer, quiet

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Trainer, "trainer")
    try:
        parsed = parser.parse_args(tokens)
    except ArgumentError as error:
        raise UserError(f"bad trainer argument: {_first_sentence(error)}") from error
    values = {name: parsed["trainer"][name] for name in names}
    with quiet(), determinism_restored():
        make_trainer(1, (), None, values)
    return values


def check_reserved(names: Iterable[str]) -> None:
    """Refuse the arguments that the loop itself sets.

    Raises:
        UserError: names the argument and what to use instead.
    """
    for name in names:
        if name in RESERVED:
            raise UserError(f"--trainer.{name} is not free: {RESERVED[name]}")


def _names(tokens: list[str]) -> list[str]:
    return [
        token.removeprefix(PREFIX).partition("=")[0] for token in tokens if token.startswith(PREFIX)
    ]


def _trainer_parameters() -> list[str]:
    from lightning import Trainer

    return [name for name in inspect.signature(Trainer.__init__).parameters if name != "self"]


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
