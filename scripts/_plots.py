"""The pictures of a run: which of them a chapter gets, drawn from its outputs on the test split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data import Dataset
from scratch.run import pictures
from scratch.run.metrics import History
from scratch.spec.schema import Chapter

Array = np.ndarray[Any, np.dtype[Any]]


def draw(
    folder: Path,
    chapter: Chapter,
    dataset: Dataset,
    histories: dict[str, History],
    predict: Callable[[Array], Array],
    state: dict[str, Array],
) -> list[Path]:
    """Draw everything that says something about this chapter.

    Args:
        folder: where the PNG files go.
        chapter: what was trained.
        dataset: what on.
        histories: of every twin, by name.
        predict: of the first twin.
        state: its weights.

    Returns:
        The files, in the order in which they are worth looking at.
    """
    drawn = [_losses(folder, chapter, histories)]
    if len(histories) == 2:
        drawn.append(_gap(folder, chapter, histories))
    x, y = dataset.test.x, dataset.test.y
    title = f"{chapter.title}: test split"
    if chapter.data.task == "regression":
        if x.shape[1:] == (1,):
            path = folder / "fit.png"
            pictures.fitted_line(path, x, y, predict, _labels(chapter, dataset), title)
            drawn.append(path)
        return drawn
    outputs = predict(x)
    guess = outputs[:, 0] > 0 if chapter.data.task == "binary" else outputs.argmax(axis=1)
    truth = y.reshape(len(y)).astype(int)
    if x.shape[1:] == (2,):
        path = folder / "boundary.png"
        pictures.decision_boundary(
            path, x, y, predict, dataset.classes, _labels(chapter, dataset), title
        )
        drawn.append(path)
    path = folder / "confusion.png"
    pictures.confusion_matrix(path, truth, guess.astype(int), dataset.classes, title)
    drawn.append(path)
    if dataset.preprocessing["kind"] == "image":
        drawn += _images(folder, chapter, dataset, guess, state)
    return drawn


def _losses(folder: Path, chapter: Chapter, histories: dict[str, History]) -> Path:
    path = folder / "loss.png"
    rows = [row for history in histories.values() for row in history.rows]
    metric = "R2" if chapter.data.task == "regression" else "accuracy"
    pictures.loss_curve(path, rows, f"{chapter.title}: training", metric)
    return path


def _gap(folder: Path, chapter: Chapter, histories: dict[str, History]) -> Path:
    path = folder / "gap.png"
    first, second = histories  # in the colours of the loss curve
    pictures.twin_gap(
        path,
        histories[first].step_losses,
        histories[second].step_losses,
        names=(first, second),
        title=f"{chapter.title}: both twins on the same batches",
    )
    return path


def _images(
    folder: Path, chapter: Chapter, dataset: Dataset, guess: Array, state: dict[str, Array]
) -> list[Path]:
    x, truth = dataset.test.x, dataset.test.y
    weight = next(value for name, value in state.items() if name.endswith("weight"))
    kernels, samples = folder / "kernels.png", folder / "samples.png"
    pictures.kernels(kernels, weight, f"{chapter.title}: first layer")
    order = np.argsort(guess == truth, kind="stable")  # mistakes first
    title = f"{chapter.title}: test samples, mistakes first"
    pictures.sample_grid(samples, x[order], truth[order], guess[order], dataset.classes, title)
    return [kernels, samples]


def _labels(chapter: Chapter, dataset: Dataset) -> tuple[str, str]:
    """Return the axes' labels: features of a table, or the only feature and the target."""
    record = dataset.preprocessing
    scaled = ", scaled to 0 ... 1" if record["kind"] == "min-max" else ""
    names = [f"{name}{scaled}" for name in record["names"]]
    if len(names) == 1:
        own = dataset.name == chapter.data.name
        target = chapter.data.target if own else f"target of {dataset.name}"
        names.append(target + (", scaled to 0 ... 1" if "target" in record else ""))
    first, second = names
    return first, second
