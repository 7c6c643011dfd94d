"""The learning-rate range test: raise the rate at every step and watch the loss.

Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3
(arXiv:1506.01186). The loss is that of the same few hundred training samples at every step: from
one small batch to the next the loss jumps by more than a step changes it, and an average over ten
such jumps still falls fastest where it happens to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratch.data import Dataset
from scratch.data.order import batches
from scratch.data.streams import stream
from scratch.nn import Module, inference
from scratch.spec.schema import Chapter
from scratch.train import build_loss, build_optimizer

_SMOOTHING = 0.9  # share of the old average
_WATCHED = 256  # training samples, at most
_WIDTH = 10  # steps over which a slope is taken
_SKIPPED = 10  # steps at the start, where the rate is too small to tell
_WORSE = 4.0  # times the lowest average: the loss has left for good


@dataclass(frozen=True)
class Range:
    """Losses at rising rates.

    Attributes:
        rates: of every step.
        losses: of the watched samples before every step, as running averages without the bias of
            their start.
    """

    rates: list[float]
    losses: list[float]

    @property
    def lowest(self) -> float:
        """The rate with the lowest loss: beyond it training comes apart."""
        return self.rates[int(np.argmin(self.losses))]

    @property
    def steepest(self) -> float:
        """The rate at which the loss falls fastest per factor: the one to begin with.

        The middle of the ten steps whose straight line by least squares falls most, after the
        first ten steps and before the lowest loss; where that leaves no ten steps, `lowest`.
        """
        losses = self.losses[_SKIPPED : int(np.argmin(self.losses)) + 1]
        if len(losses) < _WIDTH:
            return self.lowest
        offsets = np.arange(_WIDTH) - (_WIDTH - 1) / 2
        slopes = np.lib.stride_tricks.sliding_window_view(losses, _WIDTH) @ offsets
        return self.rates[_SKIPPED + int(np.argmin(slopes)) + _WIDTH // 2]


def lr_range(
    chapter: Chapter,
    model: Module,
    dataset: Dataset,
    *,
    low: float = 1e-5,
    high: float = 10.0,
    steps: int = 100,
    seed: int = 0,
) -> Range:
    """Train for a few steps with a rate that rises by the same factor each time.

    The test ends early once the average loss is four times its lowest, or not a number. The
    network gets its weights back.

    Args:
        chapter: gives loss, optimiser and batch size.
        model: the network.
        dataset: its training split is used.
        low: first rate.
        high: last rate.
        steps: from one to the other.
        seed: of the order of the batches and of the watched samples.

    Raises:
        ValueError: rates that do not rise from above zero, or fewer than two steps.
    """
    if not 0 < low < high or steps < 2:
        raise ValueError(f"expects 0 < low < high and steps > 1; got {low}, {high} and {steps}")
    before = model.state_dict()
    criterion, optimizer = build_loss(chapter.train), build_optimizer(chapter.train, model)
    split, dtype = dataset.train, next(model.parameters()).data.dtype
    watched = stream(seed, "lr_range").permutation(len(split))[:_WATCHED]

    def taken(rows: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        x, target = split.x[rows].astype(dtype), split.y[rows]
        return x, target.astype(dtype) if target.ndim > 1 else target

    same, wanted = taken(watched)
    per_epoch = -(-len(split) // chapter.train.batch_size)
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    model.train()
    with np.errstate(all="ignore"):
        for step in range(steps):
            with inference():
                loss = float(criterion(model(same), wanted))
            average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
            smooth = average / (1 - _SMOOTHING ** (step + 1))
            if not math.isfinite(smooth) or (losses and smooth > _WORSE * min(losses)):
                break
            rates.append(low * (high / low) ** (step / (steps - 1)))
            losses.append(smooth)
            for group in optimizer.param_groups:
                group["lr"] = rates[-1]
            order = batches(len(split), chapter.train.batch_size, seed, step // per_epoch)
            x, target = taken(order[step % per_epoch])
            optimizer.zero_grad()
            criterion(model(x), target)
            model.backward(criterion.backward(1.0))
            optimizer.step()
    model.zero_grad()
    model.load_state_dict(before)
    return Range(rates, losses)
