"""What happens around the training steps: bar, metrics, checkpoints, signals, and the NaN guard."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from scratch import checkpoint
from scratch.nests import leaves
from scratch.nn import Module, inference
from scratch.optim import Optimizer
from scratch.run.folder import RunFolder
from scratch.run.metrics import History, MetricsCsv, forget_after
from scratch.run.signals import Signals
from scratch.run.stopping import Stopper
from scratch.schedule import Schedule
from scratch.spec.errors import DivergedError
from scratch.spec.schema import Chapter

Array = np.ndarray[Any, np.dtype[Any]]


class Watch:
    """Stands beside a training loop, which tells it what happens.

    Args:
        chapter: what is trained.
        model: its network.
        optimizer: of the run.
        schedule: of the run, None if there is none.
        folder: receives metrics.csv and checkpoints/; nothing is written if None.
        resume: a checkpoint; network, optimiser and schedule are set to it.
        pause: seconds between two checkpoints at least.

    Attributes:
        history: rows and losses so far.

    Raises:
        UserError: the checkpoint cannot be used.
    """

    def __init__(
        self,
        chapter: Chapter,
        model: Module,
        optimizer: Optimizer,
        schedule: Schedule | None,
        folder: RunFolder | None,
        resume: Path | None,
        pause: float,
    ) -> None:
        self.chapter, self.model = chapter, model
        self._parts = (chapter, model, optimizer, schedule)
        self.history = History()
        self._csv: MetricsCsv | None = None
        self._kept: dict[str, Array] = {}  # of the lowest loss, if the rules want them
        if resume is not None:
            self.history, self._kept = checkpoint.load(resume, *self._parts)
        self._stopper = Stopper(chapter.train.stop, self.history.rows)
        self.history.stopped = self._stopper.reason
        if folder is not None:
            forget_after(folder.metrics_csv, "scratch", len(self.history.step_losses))
            self._csv = MetricsCsv(folder.metrics_csv)
        self._folder = None if folder is None else folder.checkpoints
        self._pause, self._saved = pause, time.perf_counter()
        self._best = min((row["val_loss"] for row in self.history.rows), default=math.inf)
        self._best_state: dict[str, Array] | None = None
        self._signals = Signals()
        self._bar: Any = None

    @contextlib.contextmanager
    def over(self, steps: int, progress: bool) -> Iterator[None]:
        """Show the bar and listen for signals during the loop; `steps` is the length of the run."""
        self._before = self.history.seconds
        self._start = self._saved = time.perf_counter()
        with self._signals, contextlib.ExitStack() as stack:
            if progress:
                from tqdm import tqdm

                done = len(self.history.step_losses)
                self._bar = stack.enter_context(
                    tqdm(total=steps, initial=done, desc=f"{self.chapter.id} scratch", unit="step")
                )
            yield

    def loss(self, value: float, x: Array, epoch: int) -> None:
        """Take note of a step's loss, and stop the run if it is not finite.

        Raises:
            DivergedError: names the step and the first module whose output is not finite.
        """
        losses = self.history.step_losses
        if not math.isfinite(value):
            raise DivergedError(
                f"training stopped at step {len(losses) + 1} (epoch {epoch + 1}): the loss is "
                f"{value}; first non-finite: {first_non_finite(self.model, x)}. "
                f"A smaller learning rate than {self.chapter.train.lr} is the usual cure"
            )
        losses.append(value)

    def step(self, *, last_of_epoch: bool) -> None:
        """Move on by one step; end the run if a signal came (an epoch's last step ends it first).

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after SIGTERM.
        """
        if self._bar is not None:
            rows = self.history.rows
            metric = f", validation {rows[-1]['val_metric']:.4f}" if rows else ""
            self._bar.set_postfix_str(
                f"loss {self.history.step_losses[-1]:.4f}{metric}", refresh=False
            )
            self._bar.update()
        if self._signals.received and not last_of_epoch:
            self._leave()

    def epoch(
        self,
        *,
        epoch: int,
        train_loss: float,
        val_loss: float,
        val_metric: float,
        lr: float,
        last: bool,
    ) -> None:
        """Write the row of an epoch, see whether to stop, save if it is time or the end.

        Raises:
            UserError: a file cannot be written.
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after SIGTERM.
        """
        row: dict[str, Any] = {
            "twin": "scratch",
            "epoch": epoch,
            "step": len(self.history.step_losses),
            "train_loss": train_loss,
            "val_loss": val_loss,
            "val_metric": val_metric,
            "lr": lr,
            "seconds": self._seconds(),
        }
        self.history.rows.append(row)
        if self._csv is not None:
            self._csv.append(**row)
        if val_loss < self._best and self._folder is not None:
            self._best, self._best_state = val_loss, self.model.state_dict()
        self.history.stopped = self._stopper.see(epoch, val_loss)
        if self._stopper.keeps_best and self._stopper.improved:
            self._kept = self.model.state_dict()
        if self._signals.received:
            self._leave()
        if self.history.stopped and self._bar is not None:
            self._bar.write(self.history.stopped, file=sys.stderr)
        if last or self.history.stopped or time.perf_counter() - self._saved >= self._pause:
            self._save()

    def restore_best(self) -> None:
        """Give the network the weights of the lowest validation loss, if the rules say so."""
        if self._kept:
            self.model.load_state_dict(self._kept)

    def _seconds(self) -> float:
        self.history.seconds = self._before + time.perf_counter() - self._start
        return self.history.seconds

    def _save(self) -> Path | None:
        self._seconds()
        if self._folder is None:
            return None
        if self._best_state is not None:
            checkpoint.save_best(self._folder, self._best_state, self.chapter)
            self._best_state = None
        target = self._folder / checkpoint.LAST
        checkpoint.save(target, *self._parts, self.history, self._kept)
        self._saved = time.perf_counter()
        return target

    def _leave(self) -> None:
        target = self._save()
        self._signals.leave(f"checkpoint {target}" if target else "no folder, nothing saved")


def first_non_finite(model: Module, x: Array) -> str:
    """Name the first place where a forward pass stops being finite.

    Args:
        model: the network; run once more, with a tap on every module.
        x: the batch that went wrong (N, *shape).

    Returns:
        "the input", "parameter <path>" if one of the first module whose output is not finite is
        to blame, else "the output of <path>", or "the loss" if all outputs are finite.
    """
    if not np.isfinite(x).all():
        return "the input"
    found: list[str] = []

    def tapped(path: str, module: Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        def run(*inputs: Any) -> Any:
            output = forward(*inputs)
            if not found and not all(np.isfinite(part).all() for part in leaves(output)):
                bad = [
                    f"parameter {path}.{name}".replace(" .", " ")
                    for name, parameter in module._parameters.items()
                    if not np.isfinite(parameter.data).all()
                ]
                found.append(bad[0] if bad else f"the output of {path or 'the network'}")
            return output

        return run

    modules = list(model.named_modules())
    for path, module in modules:
        module.__dict__["forward"] = tapped(path, module, module.forward)
    try:
        with inference():
            model(x)
    finally:
        for _, module in modules:
            del module.__dict__["forward"]
    return found[0] if found else "the loss"
