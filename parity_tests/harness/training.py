"""Train both twins of a chapter on the same batches and keep what the proof looks at."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from parity_tests.harness import inputs
from parity_tests.harness.draws import drawn, targets
from parity_tests.harness.pair import Pair, exact_arguments, load
from parity_tests.harness.pinned import pin_masks
from parity_tests.harness.stepping import ScratchStepper, State, TorchStepper, torch_optimizer
from parity_tests.harness.traits import normalised
from ref_torch.build import construct as construct_torch
from ref_torch.optim import build_loss
from scratch import optim, spec, weights
from scratch.build import construct as construct_scratch
from scratch.data import order
from scratch.train import build_loss as build_scratch_loss

Array = np.ndarray[Any, np.dtype[Any]]

OPTIMISERS: Mapping[str, str] = {"SGD with momentum": "SGD", "Adam": "Adam"}
MOMENTUM = 0.9
SAMPLES = 64
BATCH = 4  # even, so that it has two equal halves


@dataclass(frozen=True)
class Task:
    """What is trained, on what, and how.

    Attributes:
        pair: both twins with equal moved weights.
        train: the chapter's training; gives the loss.
        optimizer: class name.
        options: its keywords.
        x: inputs (SAMPLES, ...), float64, representable in the judged dtype.
        y: targets (SAMPLES, 1) or class indices (SAMPLES,).
        batches: sample indices of every step.
    """

    pair: Pair
    train: spec.Train
    optimizer: str
    options: Mapping[str, Any]
    x: Array
    y: Array
    batches: Sequence[Array]

    def batch(self, t: int, dtype: str, roll: int = 0) -> tuple[Array, Array]:
        """Return inputs and targets of step `t`, from 1, with the rows rotated by `roll`."""
        rows = np.roll(self.batches[t - 1], roll)
        y = self.y[rows]
        return self.x[rows].astype(dtype), y.astype(dtype) if y.dtype.kind == "f" else y


def make_task(
    id: str,
    optimizer: str,
    size: str = "tiny",
    seed: int = 0,
    steps: int = 1000,
    dtype: str = "float64",
    exact: bool = False,
) -> Task:
    """Draw weights, data and order.

    Args:
        id: chapter.
        optimizer: key of `OPTIMISERS`.
        size: "tiny" or "full".
        seed: of all of them.
        steps: how many batches.
        dtype: everything drawn is representable in it.
        exact: the chapter's exact-arithmetic form instead of its own.
    """
    chapter = spec.get(id, size)
    overrides = exact_arguments(chapter) if exact else {}
    ours, theirs = construct_scratch(chapter, **overrides), construct_torch(chapter, **overrides)
    rng = inputs.generator(seed, "trajectory", id, size)
    shape = (SAMPLES, *chapter.data.shape)
    state, x = drawn(chapter, ours.state_dict(), shape, rng, dtype)
    load(ours, theirs, state)
    pin_masks(ours, theirs, x, rng)
    epochs = -(-steps * BATCH // SAMPLES)
    plan = [rows for epoch in range(epochs) for rows in order.batches(SAMPLES, BATCH, seed, epoch)]
    return Task(
        Pair(id, ours, theirs, (x,), np.empty(0)),
        chapter.train,
        OPTIMISERS[optimizer],
        _options(chapter, OPTIMISERS[optimizer], normalised(ours)),
        x,
        targets(chapter, rng, dtype, SAMPLES),
        plan[:steps],
    )


def _options(chapter: spec.Chapter, optimizer: str, norms: bool) -> dict[str, Any]:
    """Keep the chapter's rate, smaller for smaller batches and where momentum multiplies it.

    Between two batch normalisations a unit that is on for every sample of a batch only passes its
    shift on, which the second one removes: the gradient of the first one's bias is zero for this
    batch, and what is computed is rounding. Adam divides it by `eps`, so such a network gets one
    that does not magnify it; the default is proven on the other chapters and on the layers.
    Statistics of four samples also make training at the usual rates chaotic within a thousand
    steps, for torch against itself as much as for the twins: the deviations, down to 0.03, divide
    every gradient that passes. Hence the small rate, and that divided by ten where momentum makes
    ten steps of one. Measured on ten seeds, the largest gap of torch to itself after a thousand
    steps is 1.6e-12 at 1e-4, 9e-15 at 3e-5; at 1e-5 the twins use 1.2e-2 of the bound at most,
    while every weight tensor moves by 7e-4 to 5e-2 of its size.
    """
    train = chapter.train
    if norms:
        if optimizer == "Adam":
            return {"lr": 1e-4, "eps": 1e-3}
        return {"lr": 1e-4 * (1 - MOMENTUM), "momentum": MOMENTUM}
    if optimizer != train.optimizer:
        return {"lr": 1e-3, **({"momentum": MOMENTUM} if optimizer == "SGD" else {})}
    options = {"lr": train.lr * min(1.0, BATCH / train.batch_size), **train.optimizer_args}
    if optimizer == "SGD" and not options.get("momentum"):
        options.update(lr=options["lr"] * (1 - MOMENTUM), momentum=MOMENTUM)
    return options


@dataclass(frozen=True)
class Snapshot:
    """Copies of the model's and of the optimiser's state."""

    weights: dict[str, Array]
    state: State


class Twin(Protocol):
    """A network with its loss and optimiser."""

    dtype: str

    def train(self, x: Array, y: Array, parts: int = 1) -> float:
        """Make one step on a batch, in `parts` equal pieces whose gradients add up.

        Returns:
            The loss before the step.
        """

    def snapshot(self) -> Snapshot:
        """Return a copy of the state."""

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot, cast to this twin's dtype."""


class ScratchTwin:
    """The NumPy side."""

    def __init__(self, task: Task, dtype: str) -> None:
        self.dtype = dtype
        self.model = task.pair.scratch_as(dtype)
        self.criterion = build_scratch_loss(task.train)
        make = getattr(optim, task.optimizer)
        self.optimizer = make(self.model.parameters(), **task.options)
        self.stepper = ScratchStepper(self.optimizer)

    def train(self, x: Array, y: Array, parts: int = 1) -> float:
        """Make one step on a batch."""
        self.optimizer.zero_grad()
        total = 0.0
        for rows in np.split(np.arange(len(x)), parts):
            total += float(self.criterion(self.model(x[rows]), y[rows])) / parts
            self.model.backward(self.criterion.backward(1 / parts))
        self.stepper.step()
        return total

    def snapshot(self) -> Snapshot:
        """Return a copy of the state."""
        return Snapshot(self.model.state_dict(), self.stepper.state())

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""
        self.model.load_state_dict(snapshot.weights)
        self.stepper.restore(snapshot.state)


class TorchTwin:
    """The torch side."""

    def __init__(self, task: Task, dtype: str) -> None:
        self.dtype = dtype
        self.model = task.pair.torch_as(dtype)
        self.criterion = build_loss(task.train)
        parameters = self.model.parameters()
        self.optimizer = torch_optimizer(task.optimizer, parameters, task.options)
        self.stepper = TorchStepper(self.optimizer)

    def train(self, x: Array, y: Array, parts: int = 1) -> float:
        """Make one step on a batch."""
        self.optimizer.zero_grad()
        total = 0.0
        pieces = zip(np.split(x, parts), np.split(y, parts), strict=True)
        for given, wanted in pieces:
            loss = self.criterion(self.model(torch.from_numpy(given)), torch.from_numpy(wanted))
            (loss / parts).backward()
            total += loss.item() / parts
        self.stepper.step()
        return total

    def snapshot(self) -> Snapshot:
        """Return a copy of the state."""
        weights = {k: v.numpy().copy() for k, v in self.model.state_dict().items()}
        return Snapshot(weights, self.stepper.state())

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""
        self.model.load_state_dict({k: torch.tensor(v) for k, v in snapshot.weights.items()})
        self.stepper.restore(snapshot.state)


def through_a_file(old: ScratchTwin, new: ScratchTwin) -> ScratchTwin:
    """Return `new` with the state of `old`, which has been written to a file and read back."""
    parts = {"model": old.model.state_dict(), "optimizer": old.optimizer.state_dict()}
    state = {f"{part}.{name}": v for part, named in parts.items() for name, v in named.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.safetensors"
        weights.save(path, state, allow_nan=True)
        found, _ = weights.load(path, allow_nan=True)
    for part, target in (("model", new.model), ("optimizer", new.optimizer)):
        prefix = f"{part}."
        target.load_state_dict(
            {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}
        )
    return new


@dataclass(frozen=True)
class Record:
    """One training run.

    Attributes:
        losses: before every step.
        before: snapshots before the steps in question.
        after: snapshots after them.
    """

    losses: Array
    before: dict[int, Snapshot]
    after: dict[int, Snapshot]


def train(
    twin: Twin, task: Task, steps: Sequence[int], marks: Sequence[int] = (), roll: int = 0
) -> Record:
    """Train and take snapshots.

    Args:
        twin: is trained from where it is.
        task: gives the batches.
        steps: numbers of the steps to make, from 1.
        marks: steps around which the state is kept.
        roll: rotates the rows of each batch, which changes rounding and nothing else.
    """
    losses = []
    before: dict[int, Snapshot] = {}
    after: dict[int, Snapshot] = {}
    for t in steps:
        if t in marks:
            before[t] = twin.snapshot()
        losses.append(twin.train(*task.batch(t, twin.dtype, roll)))
        if t in marks:
            after[t] = twin.snapshot()
    return Record(np.array(losses), before, after)
