"""Both twins behind one face: build, train, ask, take the weights."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import _weights
import numpy as np

from scratch import spec
from scratch.data import Dataset
from scratch.data.order import evaluation_batch
from scratch.run.folder import RunFolder
from scratch.run.metrics import History
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter

Array = np.ndarray[Any, np.dtype[Any]]


class Twin(Protocol):
    """A network of a chapter with the weights of a seed."""

    name: str

    def fit(
        self,
        dataset: Dataset,
        *,
        seed: int,
        folder: RunFolder | None,
        progress: bool,
        resume: bool = False,
    ) -> History:
        """Train as the chapter says."""

    def predict(self, x: Array) -> Array:
        """Return the outputs (N, C) for inputs (N, *shape)."""

    def state(self) -> dict[str, Array]:
        """Return the weights."""

    def load(self, state: Mapping[str, Array]) -> None:
        """Take weights of the same names and shapes."""


@dataclass
class Scratch:
    """The NumPy twin."""

    chapter: Chapter
    seed: int
    name = "scratch"

    def __post_init__(self) -> None:
        import scratch

        chapter = self.chapter
        self.model = scratch.build(chapter.id, chapter.size, self.seed, **chapter.arguments)

    def fit(
        self,
        dataset: Dataset,
        *,
        seed: int,
        folder: RunFolder | None,
        progress: bool,
        resume: bool = False,
    ) -> History:
        from scratch.checkpoint import LAST
        from scratch.train import fit

        last = folder.checkpoints / LAST if folder and resume else None
        return fit(
            self.chapter,
            self.model,
            dataset,
            seed=seed,
            folder=folder,
            progress=progress,
            resume=last if last and last.exists() else None,
        )

    def predict(self, x: Array) -> Array:
        from scratch.train import predict

        return predict(self.model, x)

    def state(self) -> dict[str, Array]:
        return self.model.state_dict()

    def load(self, state: Mapping[str, Array]) -> None:
        self.model.load_state_dict(state)


class Torch:
    """The PyTorch twin, trained by Lightning."""

    name = "torch"

    def __init__(self, chapter: Chapter, seed: int, trainer: Sequence[str]) -> None:
        import ref_torch
        from ref_torch.trainer_args import parse_trainer_args

        self.chapter = chapter
        self.trainer_args = parse_trainer_args(list(trainer))
        self.model = ref_torch.build(chapter.id, chapter.size, seed, **chapter.arguments)

    def fit(
        self,
        dataset: Dataset,
        *,
        seed: int,
        folder: RunFolder | None,
        progress: bool,
        resume: bool = False,
    ) -> History:
        from ref_torch.fit import fit

        started = bool(folder and resume and any(folder.checkpoints.glob("*.ckpt")))
        return fit(
            self.chapter,
            self.model,
            dataset,
            seed=seed,
            folder=folder,
            progress=progress,
            trainer_args=self.trainer_args,
            resume=folder.checkpoints if folder and started else None,
        )

    def predict(self, x: Array) -> Array:
        import torch

        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            parts = torch.from_numpy(np.ascontiguousarray(x)).split(evaluation_batch(x.shape[1:]))
            outputs = [self.model(part) for part in parts]
        self.model.train(training)
        return np.asarray(torch.cat(outputs).numpy())

    def state(self) -> dict[str, Array]:
        return {
            name: value.detach().numpy().copy() for name, value in self.model.state_dict().items()
        }

    def load(self, state: Mapping[str, Array]) -> None:
        import torch

        self.model.load_state_dict({n: torch.from_numpy(v.copy()) for n, v in state.items()})


def build(
    names: Sequence[str],
    chapter: Chapter,
    seed: int,
    trainer: Sequence[str] = (),
    weights: str | None = None,
) -> list[Twin]:
    """Return the twins of a chapter, with equal weights.

    Args:
        names: "torch" and "scratch", in the order that is wanted.
        chapter: with the hyper-parameters and the constructor arguments of the run.
        seed: of the weights.
        trainer: Lightning's own arguments, as they were typed.
        weights: a file that takes the place of the drawn weights, None for none.

    Raises:
        UserError: the torch twin is asked for and torch is not installed, or Lightning knows no
            such argument, or the network takes no such value, or the file is not one of this
            network's weights.
    """
    if "torch" in names:
        for package in ("torch", "lightning"):
            if importlib.util.find_spec(package) is None:
                raise UserError(
                    f'{package} is not installed: pip install -e ".[torch]", '
                    "or train the NumPy twin, which needs none: --twin scratch"
                )
    asked = chapter.id, chapter.size
    makers: dict[str, Callable[[], Twin]] = {
        "scratch": lambda: Scratch(chapter, seed),
        "torch": lambda: Torch(chapter, seed, trainer),
    }
    try:
        twins = [makers[name]() for name in names]
    except (ValueError, TypeError, AttributeError, RuntimeError) as error:
        if isinstance(error, UserError) or chapter.arguments == spec.get(*asked).arguments:
            raise
        raise UserError(f"{chapter.id} cannot be made: {error}") from error
    if weights is not None:
        state = _weights.read(Path(weights), twins[0].state())
        for twin in twins:
            twin.load(state)
    return twins


def fresh(chapter: str, twin: str, parent: Path = Path("runs")) -> Path:
    """Return the first run folder of this name that does not exist."""
    number = 1
    while (path := parent / f"{chapter}-{twin}-{number}").exists():
        number += 1
    return path
