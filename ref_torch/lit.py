"""ONE LightningModule for every chapter: the spec says everything it must know."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import nn

from ref_torch.optim import build_loss, build_optimizer, build_schedule
from ref_torch.penalty import penalty
from scratch.run.metrics import score
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter


class ChapterModule(lightning.LightningModule):
    """A network with the loss, optimiser and schedule of its chapter.

    Logs `train_loss` at every step, `val_loss` and `val_metric` after every epoch, for whatever of
    Lightning wants to watch them. What the rows are made of is kept beside: Lightning's log rounds
    to float32.

    Args:
        chapter: its spec.
        model: its network.

    Attributes:
        step_losses: training loss of every step.
        validation: "val_loss" and "val_metric" of the last validation.

    Raises:
        UserError: in training, when a loss is not finite; names the step and the first module
            whose output is not.
    """

    def __init__(self, chapter: Chapter, model: nn.Module) -> None:
        super().__init__()
        self.chapter = chapter
        self.model = model
        self.criterion = build_loss(chapter.train)
        self.step_losses: list[float] = []
        self.validation: dict[str, float] = {}
        self._outputs: list[torch.Tensor] = []
        self._targets: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the network's outputs for x (N, *shape)."""
        return self.model(x)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        """Return the loss of one batch."""
        x, target = batch
        loss = self.criterion(self.model(x), target)
        plan = self.chapter.train
        if plan.l1 or plan.l2:
            loss = loss + penalty(self.model, plan.l1, plan.l2, len(x))
        value = loss.item()
        if not torch.isfinite(loss):
            self._refuse(value, x)
        self.step_losses.append(value)
        self.log("train_loss", loss.detach())
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        """Keep the outputs of one batch; the epoch is judged as a whole."""
        x, target = batch
        self._outputs.append(self.model(x))
        self._targets.append(target)

    def on_validation_epoch_end(self) -> None:
        """Log loss and metric over the whole split."""
        outputs, targets = torch.cat(self._outputs), torch.cat(self._targets)
        self._outputs.clear()
        self._targets.clear()
        (metric,) = score(
            self.chapter.data.task, outputs.float().cpu().numpy(), targets.cpu().numpy()
        ).values()
        loss = self.criterion(outputs, targets).item()
        self.validation = {"val_loss": loss, "val_metric": metric}
        self.log_dict(self.validation)

    def configure_optimizers(self) -> Any:
        """Return the chapter's optimiser, with its schedule stepped once per epoch."""
        optimizer = build_optimizer(self.chapter.train, self.model.parameters())
        schedule = build_schedule(self.chapter.train, optimizer)
        if schedule is None:
            return optimizer
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "epoch"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write down whose checkpoint this is, and the losses so far."""
        checkpoint["chapter"] = {"id": self.chapter.id, "size": self.chapter.size}
        checkpoint["step_losses"] = torch.tensor(self.step_losses, dtype=torch.float64)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the losses that were seen before the checkpoint."""
        self.step_losses = checkpoint["step_losses"].tolist()

    def _refuse(self, value: float, x: torch.Tensor) -> None:
        where = first_non_finite(self.model, x)
        raise UserError(
            f"training stopped at step {self.global_step + 1} (epoch {self.current_epoch + 1}): "
            f"the loss is {value}; first non-finite: {where}. "
            f"A smaller learning rate than {self.chapter.train.lr} is the usual cure"
        )


def _tensors(output: Any) -> list[torch.Tensor]:
    """Return the tensors of what a module returns: one, or tuples of them."""
    if isinstance(output, tuple):
        return [tensor for part in output for tensor in _tensors(part)]
    return [output] if isinstance(output, torch.Tensor) else []


def first_non_finite(model: nn.Module, x: torch.Tensor) -> str:
    """Name the first place where a forward pass stops being finite.

    Args:
        model: the network; run once more, with a hook on every module.
        x: the batch that went wrong (N, *shape).

    Returns:
        "the input", "<path>.<parameter>" of the first module whose output is not finite if that
        parameter is to blame, else "the output of <path>", or "the loss" if all outputs are finite.
    """
    if not torch.isfinite(x).all():
        return "the input"
    found: list[str] = []

    def watch(path: str, module: nn.Module) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if found or all(torch.isfinite(part).all() for part in _tensors(output)):
                return
            for name, parameter in module.named_parameters(prefix=path, recurse=False):
                if not torch.isfinite(parameter).all():
                    found.append(f"parameter {name}")
                    return
            found.append(f"the output of {path or 'the network'}")

        return module.register_forward_hook(hook)

    handles = [watch(path, module) for path, module in model.named_modules()]
    try:
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else "the loss"
