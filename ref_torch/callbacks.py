"""What happens around the training steps: metrics, bar, random state, checkpoints, signals."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, cast

import lightning
import torch

from ref_torch.checkpoint import SUFFIX
from ref_torch.lit import ChapterModule
from scratch.run.metrics import MetricsCsv
from scratch.run.signals import Signals
from scratch.run.stopping import Stopper
from scratch.spec.schema import Stop


class Interrupted(Exception):
    """A signal asked training to end; raised between two steps, after the checkpoint.

    Attributes:
        saved: what became of the run, for the message.
    """

    def __init__(self, checkpoint: Path | None) -> None:
        self.saved = f"checkpoint {checkpoint}" if checkpoint else "no folder, nothing saved"
        super().__init__(self.saved)


class Metrics(lightning.Callback):
    """One row per epoch, in memory and in metrics.csv.

    Args:
        csv: where the rows go, None to keep them in memory only.
    """

    def __init__(self, csv: MetricsCsv | None) -> None:
        self.csv = csv
        self.rows: list[dict[str, Any]] = []
        self._before = 0.0
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Return the seconds trained, those before a resumption included."""
        return self._before + time.perf_counter() - self._start

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *args: Any
    ) -> None:
        """Keep the rate of this epoch: its schedule steps before the row is written."""
        self._lr = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write the row of the epoch."""
        module = cast(ChapterModule, pl_module)
        losses = module.step_losses[-int(trainer.num_training_batches) :]
        row: dict[str, Any] = {
            "twin": "torch",
            "epoch": trainer.current_epoch + 1,
            "step": trainer.global_step,
            "train_loss": sum(losses) / len(losses),
            # Without a validation (--trainer.limit_val_batches 0) the fields stay empty.
            "val_loss": module.validation.get("val_loss"),
            "val_metric": module.validation.get("val_metric"),
            "lr": self._lr,
            "seconds": self.seconds,
        }
        self.rows.append(row)
        if self.csv is not None:
            self.csv.append(**row)

    def state_dict(self) -> dict[str, Any]:
        """Return the rows so far, for a checkpoint."""
        return {"rows": list(self.rows), "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the rows that were written before the checkpoint."""
        self.rows = list(state_dict["rows"])
        self._before = float(state_dict["seconds"])


class RandomState(lightning.Callback):
    """Torch's random state, saved with a checkpoint and put back at the first step after it."""

    def __init__(self) -> None:
        self._waiting: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Return the state of every generator in use."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the state until the first step: setting up draws numbers of its own."""
        self._waiting = state_dict

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *args: Any
    ) -> None:
        """Put the state back, once."""
        if self._waiting is None:
            return
        torch.set_rng_state(self._waiting["cpu"])
        if self._waiting["cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(self._waiting["cuda"])
        self._waiting = None


class Bar(lightning.Callback):
    """One progress bar over all steps, with the last loss and the last validation metric."""

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Open the bar; a resumed run starts where it was."""
        from tqdm import tqdm

        per_epoch = int(trainer.num_training_batches)
        self._metric = ""
        self._bar = tqdm(
            total=per_epoch * (trainer.max_epochs or 0),
            initial=trainer.global_step,
            desc=f"{cast(ChapterModule, pl_module).chapter.id} torch",
            unit="step",
        )

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *args: Any
    ) -> None:
        """Move on by one step."""
        loss = cast(ChapterModule, pl_module).step_losses[-1]
        self._bar.set_postfix_str(f"loss {loss:.4f}{self._metric}", refresh=False)
        self._bar.update()

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Show the metric from now on."""
        metric = cast(ChapterModule, pl_module).validation["val_metric"]
        self._metric = f", validation {metric:.4f}"

    def teardown(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str
    ) -> None:
        """Close the bar, whatever ended the run."""
        if hasattr(self, "_bar"):
            self._bar.close()


class Stopping(lightning.Callback):
    """Ends the run when the chapter's rules say so; stands after `Metrics`, before `Checkpoints`.

    Args:
        rules: of the chapter.
        metrics: whose rows the rules look at.
        progress: say why on standard error.

    Attributes:
        kept: weights of the lowest validation loss, if the rules want them.
    """

    def __init__(self, rules: Stop | None, metrics: Metrics, progress: bool) -> None:
        self.rules, self.metrics, self.progress = rules, metrics, progress
        self.stopper = Stopper(rules)
        self.kept: dict[str, torch.Tensor] = {}

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """See the epochs before a resumption; the run may have been over."""
        self.stopper = Stopper(self.rules, self.metrics.rows)
        if self.stopper.reason:
            trainer.should_stop = True

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """See the epoch that has ended."""
        row = self.metrics.rows[-1]
        reason = self.stopper.see(row["epoch"], row["val_loss"])
        if self.stopper.keeps_best and self.stopper.improved:
            model = cast(ChapterModule, pl_module).model
            self.kept = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
        if reason:
            trainer.should_stop = True
            if self.progress:
                from tqdm import tqdm

                tqdm.write(reason, file=sys.stderr)

    def state_dict(self) -> dict[str, Any]:
        """Return the weights kept so far, for a checkpoint."""
        return {"kept": self.kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the weights kept before the checkpoint."""
        self.kept = dict(state_dict["kept"])


class Checkpoints(lightning.Callback):
    """A checkpoint at the end of an epoch, and one more when a signal ends the run.

    Args:
        signals: entered before the trainer starts.
        folder: where they go, None to write none.
        pause: seconds between two checkpoints at least (writing to the disk takes longer than a
            short epoch); the last epoch always gets one.
        keep: how many stay.
    """

    def __init__(self, signals: Signals, folder: Path | None, pause: float, keep: int = 2) -> None:
        self.signals, self.folder, self.pause, self.keep = signals, folder, pause, keep
        self._saved = time.perf_counter()
        self._on_sigterm = signal.getsignal(signal.SIGTERM)

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Take SIGTERM back from Lightning, which would leave before the checkpoint."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *args: Any
    ) -> None:
        """End the run if a signal came; after the last batch the epoch is finished first."""
        last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if self.signals.received and not last:
            raise Interrupted(self._save(trainer))

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Save if it is time, or the end."""
        if self.signals.received:
            raise Interrupted(self._save(trainer))
        last = trainer.current_epoch + 1 == trainer.max_epochs or trainer.should_stop
        if last or time.perf_counter() - self._saved >= self.pause:
            self._save(trainer)

    def _save(self, trainer: lightning.Trainer) -> Path | None:
        if self.folder is None:
            return None
        target = self.folder / f"step-{trainer.global_step:09d}{SUFFIX}"
        trainer.save_checkpoint(target)
        if trainer.is_global_zero:
            for old in sorted(self.folder.glob(f"step-*{SUFFIX}"))[: -self.keep]:
                trainer.strategy.remove_checkpoint(old)
        self._saved = time.perf_counter()
        return target
