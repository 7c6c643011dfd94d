"""The state of a training run in one file, from which it goes on as if it had never stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch import weights
from scratch.nn import Dropout, Module
from scratch.optim import Optimizer
from scratch.run.metrics import History
from scratch.schedule import Schedule
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter

Array = np.ndarray[Any, np.dtype[Any]]

LAST = "scratch-last.safetensors"
BEST = "scratch-best.safetensors"
_MODEL, _OPTIMIZER, _KEPT, _LOSSES = "model.", "optimizer.", "kept.", "step_losses"


def save_best(folder: Path, state: Mapping[str, Array], chapter: Chapter) -> None:
    """Write weights alone, in the form of a run's model.safetensors.

    Args:
        folder: a run's `checkpoints` folder.
        state: what `state_dict` returned.
        chapter: whose network it is.

    Raises:
        UserError: the file cannot be written.
    """
    about = {"chapter": chapter.id, "size": chapter.size, "twin": "scratch"}
    weights.save(folder / BEST, state, about)


def save(
    path: Path,
    chapter: Chapter,
    model: Module,
    optimizer: Optimizer,
    schedule: Schedule | None,
    history: History,
    kept: Mapping[str, Array],
) -> None:
    """Write everything that the next step depends on, and what the run has measured so far.

    Args:
        path: of the file.
        chapter: what is trained.
        model: its network.
        optimizer: of the run.
        schedule: of the run, None if there is none.
        history: so far.
        kept: weights with which the run would end, none if those of the last step.

    Raises:
        UserError: the file cannot be written, or a weight is not a number; an older file stays.
    """
    state = {_MODEL + name: value for name, value in model.state_dict().items()}
    state |= {_OPTIMIZER + name: value for name, value in optimizer.state_dict().items()}
    state |= {_KEPT + name: value for name, value in kept.items()}
    state[_LOSSES] = np.array(history.step_losses, dtype=np.float64)
    about = {
        "chapter": chapter.id,
        "size": chapter.size,
        "schedule": json.dumps(schedule.state_dict() if schedule else None),
        "rows": json.dumps(history.rows),
        "seconds": json.dumps(history.seconds),
        "generators": json.dumps(_generators(model)),
    }
    weights.save(path, state, {**about, "sha256": _digest(state, about)})


def load(
    path: Path,
    chapter: Chapter,
    model: Module,
    optimizer: Optimizer,
    schedule: Schedule | None,
) -> tuple[History, dict[str, Array]]:
    """Bring a run back to where `save` left it; its parts change in place.

    Returns:
        What the run had measured, and the weights it kept.

    Raises:
        UserError: missing, cut short, altered, no checkpoint, or of another network.
    """
    state, about = weights.load(path)
    if about.get("sha256") != _digest(state, {k: v for k, v in about.items() if k != "sha256"}):
        raise UserError(f"{path}: not a checkpoint as it was written (SHA-256 differs)")
    network = _below(_MODEL, state)
    _check_same(path, chapter, model.state_dict(), network)
    model.load_state_dict(network)
    optimizer.load_state_dict(_below(_OPTIMIZER, state))
    if schedule is not None:
        schedule.load_state_dict(json.loads(about["schedule"]))
    drawn = json.loads(about["generators"])
    for name, module in model.named_modules():
        if isinstance(module, Dropout):
            module.generator.bit_generator.state = drawn[name]
    history = History(
        rows=json.loads(about["rows"]),
        step_losses=state[_LOSSES].tolist(),
        seconds=json.loads(about["seconds"]),
    )
    return history, _below(_KEPT, state)


def _below(prefix: str, state: Mapping[str, Array]) -> dict[str, Array]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _generators(model: Module) -> dict[str, Any]:
    """Return the state of every random generator in the network by module path."""
    return {
        name: module.generator.bit_generator.state
        for name, module in model.named_modules()
        if isinstance(module, Dropout)
    }


def _digest(state: Mapping[str, Array], about: Mapping[str, str]) -> str:
    total = hashlib.sha256(json.dumps(dict(about), sort_keys=True).encode())
    for name in sorted(state):
        total.update(f"{name} {state[name].dtype.str} {state[name].shape}".encode())
        total.update(np.ascontiguousarray(state[name]).tobytes())
    return total.hexdigest()


def _check_same(
    path: Path, chapter: Chapter, own: Mapping[str, Array], found: Mapping[str, Array]
) -> None:
    shapes = [{name: value.shape for name, value in state.items()} for state in (own, found)]
    expected, got = shapes
    differing = [
        f"{name}: expected {expected.get(name, 'no such key')}, "
        f"found {got.get(name, 'no such key')}"
        for name in [*expected, *(name for name in got if name not in expected)]
        if expected.get(name) != got.get(name)
    ]
    if differing:
        raise UserError(
            f"{path}: not a checkpoint of {chapter.id}, {len(differing)} keys differ: "
            + "; ".join(differing[:3])
        )
