"""The training loop: forward, loss, backward, step.

The mathematics stands here; the progress bar, files and signals are in `scratch.watch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch import nn, optim
from scratch import schedule as schedules
from scratch.data import Dataset, Split
from scratch.data.order import batches, evaluation_batch
from scratch.nn import Module
from scratch.optim import Optimizer
from scratch.penalty import Penalty
from scratch.run.folder import RunFolder
from scratch.run.memory import freed_memory_kept
from scratch.run.metrics import History, score
from scratch.schedule import Schedule
from scratch.spec.errors import unknown
from scratch.spec.schema import Chapter, Train
from scratch.watch import Watch
from scratch.weighted import WeightedLoss

Array = np.ndarray[Any, np.dtype[Any]]

LOSSES: Mapping[str, type[Module]] = {
    "MSELoss": nn.MSELoss,
    "HalfMSELoss": nn.HalfMSELoss,
    "BCEWithLogitsLoss": nn.BCEWithLogitsLoss,
    "CrossEntropyLoss": nn.CrossEntropyLoss,
    "TanhCrossEntropyLoss": nn.TanhCrossEntropyLoss,
}
OPTIMIZERS: Mapping[str, Any] = {
    "SGD": optim.SGD,
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
    "Adagrad": optim.Adagrad,
    "Adadelta": optim.Adadelta,
    "RMSprop": optim.RMSprop,
    "BookSGD": optim.BookSGD,
    "BookRMSprop": optim.BookRMSprop,
}
SCHEDULES: Mapping[str, Any] = {
    "StepLR": schedules.StepLR,
    "MultiStepLR": schedules.MultiStepLR,
    "ExponentialLR": schedules.ExponentialLR,
    "PolynomialLR": schedules.PolynomialLR,
    "CosineAnnealingLR": schedules.CosineAnnealingLR,
    "LinearLR": schedules.LinearLR,
    "InverseLR": schedules.InverseLR,
    "SequentialLR": schedules.SequentialLR,
}


def fit(
    chapter: Chapter,
    model: Module,
    dataset: Dataset,
    *,
    epochs: int | None = None,
    seed: int = 0,
    folder: RunFolder | None = None,
    progress: bool = True,
    resume: Path | None = None,
    checkpoint_pause: float = 10.0,
) -> History:
    """Train a network as its chapter says; its parameters change in place.

    Ctrl-C and SIGTERM end the run after the step in progress, with a checkpoint in the folder. A
    run that is resumed goes on exactly as if it had not been interrupted. The chapter's rules may
    stop it early; with a patience among them the network ends with its best weights.

    Args:
        chapter: gives loss, optimiser, schedule, batch size and epochs.
        model: the network, in the dtype to train in.
        dataset: the arrays.
        epochs: passes over the training split; the chapter's number if None.
        seed: of the order of the batches.
        folder: receives metrics.csv and checkpoints/; nothing is written if None.
        progress: show a progress bar.
        resume: a checkpoint of an earlier run.
        checkpoint_pause: seconds between two checkpoints at least (writing to the disk takes
            longer than a short epoch); the last epoch always gets one.

    Returns:
        The rows of all epochs, the loss of every step, the seconds.

    Raises:
        UserError: a loss that is not finite, a checkpoint that is altered or of another network,
            a file that cannot be written.
        KeyboardInterrupt: ended by Ctrl-C; the message names the checkpoint.
        SystemExit: ended by SIGTERM, with code 143.
    """
    plan = chapter.train
    criterion = build_loss(plan)
    optimizer = build_optimizer(plan, model)
    schedule = build_schedule(plan, optimizer)
    penalty = Penalty(model.parameters(), plan.l1, plan.l2)
    epochs = plan.epochs if epochs is None else epochs
    train = _as_dtype(dataset.train, model)
    steps = -(-len(train) // plan.batch_size)  # of an epoch
    watch = Watch(chapter, model, optimizer, schedule, folder, resume, checkpoint_pause)
    losses = watch.history.step_losses

    # An overflow gives inf and 0/0 gives NaN without a warning each: the loss is watched instead.
    kept = freed_memory_kept()
    with kept, watch.over(epochs * steps, progress), np.errstate(all="ignore"):
        for epoch in range(len(losses) // steps, epochs):
            if watch.history.stopped:
                break
            order = batches(len(train), plan.batch_size, seed, epoch)
            rate = optimizer.param_groups[0]["lr"]
            model.train()
            for batch in order[len(losses) % steps :]:
                x, target = train.batch(batch, seed, epoch)
                optimizer.zero_grad()
                with nn.no_gradient_of(x):
                    output = model(x)  # forward
                loss = float(criterion(output, target)) + penalty.value(len(x))  # how wrong is it?
                watch.loss(loss, x, epoch)
                model.backward(criterion.backward(1.0))  # in which direction does that grow?
                penalty.backward(len(x))
                optimizer.step()  # a step against it
                watch.step(last_of_epoch=len(losses) % steps == 0)
            val_loss, val_metric = evaluate(
                model, dataset.val, plan.loss, chapter.data.task
            ).values()
            if schedule is not None:
                schedule.step()
            watch.epoch(
                epoch=epoch + 1,
                train_loss=sum(losses[-steps:]) / steps,
                val_loss=val_loss,
                val_metric=val_metric,
                lr=rate,
                last=epoch + 1 == epochs,
            )
    watch.restore_best()
    return watch.history


def evaluate(model: Module, split: Split, loss: str, task: str) -> dict[str, float]:
    """Measure a network on a split, in evaluation mode; nothing is kept for a backward.

    Args:
        model: the network; its mode is restored.
        split: samples and targets.
        loss: class name of the loss.
        task: "regression", "binary" or "multiclass".

    Returns:
        "loss", over the split as a whole, then "r2" or "accuracy".

    Raises:
        UserError: no such loss.
    """
    if loss not in LOSSES:
        raise unknown("loss", loss, LOSSES)
    split = _as_dtype(split, model)
    outputs = predict(model, split.x)
    with nn.inference():
        value = float(LOSSES[loss]()(outputs, split.y))
    return {"loss": value, **score(task, outputs, split.y)}


def predict(model: Module, x: Array) -> Array:
    """Return the outputs (N, C) of a network in evaluation mode for x (N, *shape)."""
    training = model.training
    model.eval()
    try:
        with nn.inference():
            step = evaluation_batch(x.shape[1:])
            return np.concatenate([model(x[s : s + step]) for s in range(0, len(x), step)])
    finally:
        model.train(training)


def build_loss(plan: Train) -> Module:
    """Return the loss that the spec names, of every output that it weighs.

    Raises:
        UserError: it names one that does not exist.
    """
    if plan.loss not in LOSSES:
        raise unknown("loss", plan.loss, LOSSES)
    loss = LOSSES[plan.loss]()
    return WeightedLoss(loss, plan.loss_weights) if plan.loss_weights else loss


def build_optimizer(plan: Train, model: Module) -> Optimizer:
    """Return the optimiser that the spec names, over all parameters of a network.

    Raises:
        UserError: it names one that does not exist.
    """
    if plan.optimizer not in OPTIMIZERS:
        raise unknown("optimizer", plan.optimizer, OPTIMIZERS)
    optimizer: Optimizer = OPTIMIZERS[plan.optimizer](
        model.parameters(), lr=plan.lr, **plan.optimizer_args
    )
    return optimizer


def build_schedule(plan: Train, optimizer: Optimizer) -> Schedule | None:
    """Return the schedule that the spec names (stepped once per epoch), None if it names none.

    Raises:
        UserError: it names one that does not exist.
    """
    if not plan.schedule:
        return None
    return make_schedule(plan.schedule, plan.schedule_args, optimizer)


def make_schedule(name: str, arguments: Mapping[str, Any], optimizer: Optimizer) -> Schedule:
    """Return a schedule by name.

    Args:
        name: key of `SCHEDULES`.
        arguments: its keywords; the `schedulers` of a SequentialLR as (name, arguments) pairs.
        optimizer: whose rate it changes.

    Raises:
        UserError: no such schedule.
    """
    if name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    given = dict(arguments)
    if "schedulers" in given:
        given["schedulers"] = [
            make_schedule(kind, options, optimizer) for kind, options in given["schedulers"]
        ]
    schedule: Schedule = SCHEDULES[name](optimizer, **given)
    return schedule


def _as_dtype(split: Split, model: Module) -> Split:
    """Return a split whose floating arrays have the dtype of the network's parameters."""
    dtype = next(model.parameters()).data.dtype
    x, y = (a.astype(dtype, copy=False) if a.dtype.kind == "f" else a for a in (split.x, split.y))
    return Split(x, y, split.crops)
