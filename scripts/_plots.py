"""The pictures of a run: which of them a chapter gets, drawn from its outputs on the test split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import _maps
import _paths
import numpy as np

from scratch.build import construct
from scratch.data import Dataset
from scratch.models.mlp import MLP
from scratch.nn import Module, Sequential, Sigmoid
from scratch.run import pictures
from scratch.run.metrics import History, score
from scratch.spec import descent
from scratch.spec.schema import Chapter
from scratch.train import predict as run

Array = np.ndarray[Any, np.dtype[Any]]

# What an axis says of a normalised quantity, by kind; see scratch.data.normalise.
_SCALED = {
    "none": "",
    "min-max": ", scaled to 0 ... 1",
    "mean": ", centred, by its range",
    "z-score": ", standardised",
    "centre": ", centred",
    "ratio": ", as a share of the sum",
    "log": ", natural logarithm",
    "arctan": ", scaled to -1 ... 1 by the arctangent",
}


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
    if chapter.id in descent.ids() and dataset.name == chapter.data.name:
        return [*drawn, _path(folder, chapter, dataset, histories)]
    if chapter.data.task == "regression":
        drawn.append(_fit(folder, chapter, dataset, predict))
        return drawn + _maps.draw(folder, chapter, dataset, state)
    x, title = dataset.test.x, f"{chapter.title}\ntest split"
    truth, outputs = _classes(dataset), predict(x)
    binary = chapter.data.task == "binary"
    guess = (
        outputs.reshape(-1) > 0 if binary else outputs.argmax(axis=1)
    )  # a sigmoid's or a tanh's logit
    if x.shape[1:] == (1,) and binary:
        drawn.append(_probability(folder, dataset, truth, predict, title))
    if x.shape[1:] == (2,):
        first, second = _feature_labels(dataset)
        drawn.append(folder / "boundary.png")
        pictures.decision_boundary(
            drawn[-1], x, truth, predict, dataset.classes, (first, second), title
        )
        layer = _hidden_layer(chapter, state)
        if layer is not None:
            drawn.append(folder / "space.png")
            grid = pictures.grid_lines(x)
            hidden = run(layer, grid.reshape(-1, 2)).reshape(*grid.shape[:2], -1)
            points = (x, run(layer, x), truth, grid, hidden)
            pictures.space_transformation(
                drawn[-1], *points, dataset.classes, (first, second), title
            )
    drawn.append(folder / "confusion.png")
    pictures.confusion_matrix(drawn[-1], truth, guess.astype(int), dataset.classes, title)
    if dataset.preprocessing["kind"] == "image":
        drawn += _images(folder, chapter, dataset, guess, state)
    return drawn + _maps.draw(folder, chapter, dataset, state)


def _path(folder: Path, chapter: Chapter, dataset: Dataset, histories: dict[str, History]) -> Path:
    """Draw the steps of the first twin on the function; the other twin's are the same."""
    steps = len(next(iter(histories.values())).step_losses)
    title = f"{chapter.train.optimizer}, rate {chapter.train.lr:g}"
    visited = {title: _paths.walked(chapter, dataset, steps)}
    return _paths.draw(folder / "path.png", descent.get(chapter.id), visited)


def _classes(dataset: Dataset) -> Array:
    """Return the class numbers of the test split; labels such as -1 and 1 become 0 and 1."""
    y = dataset.test.y.reshape(-1)
    if "labels" in dataset.preprocessing:
        _, second = dataset.preprocessing["labels"]
        y = y == np.asarray(second, y.dtype)
    return y.astype(int)


def _fit(
    folder: Path, chapter: Chapter, dataset: Dataset, predict: Callable[[Array], Array]
) -> Path:
    x, y = dataset.test.x, dataset.test.y
    path, title = folder / "fit.png", f"{chapter.title}\ntest split"
    target = _target_label(chapter, dataset)
    if x.shape[1:] == (1,):
        (feature,) = _feature_labels(dataset)
        pictures.fitted_line(path, x, y, predict, (feature, target), title)
    else:
        outputs = predict(x)
        r2 = score(chapter.data.task, outputs, y)["r2"]
        pictures.predicted_against_true(path, y, outputs, target, f"{title}, R2 {r2:.4f}")
    return path


def _probability(
    folder: Path, dataset: Dataset, truth: Array, predict: Callable[[Array], Array], title: str
) -> Path:
    slope = 2 if "labels" in dataset.preprocessing else 1  # (1 + tanh z) / 2 = sigmoid(2 z)
    (feature,) = _feature_labels(dataset)
    path = folder / "probability.png"
    pictures.fitted_line(
        path,
        dataset.test.x,
        truth[:, None],
        lambda x: run(Sigmoid(), slope * predict(x)),
        (feature, f"probability of class {dataset.classes[1]}"),
        title,
    )
    return path


def _hidden_layer(chapter: Chapter, state: dict[str, Array]) -> Module | None:
    """Return the first hidden layer up to its activation, in NumPy with either twin's weights.

    Returns:
        None if there is none, or not of two or three units: more make no picture.
    """
    network = construct(chapter)
    if not isinstance(network, MLP):
        return None
    layers = dict(network.layers.named_children())
    if "act1" not in layers or len(state["layers.fc1.bias"]) not in (2, 3):
        return None
    network.load_state_dict(state)
    return Sequential(*list(layers.values())[: list(layers).index("act1") + 1])


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
    weight = next(value for value in state.values() if value.ndim > 1)
    kernels, samples = folder / "kernels.png", folder / "samples.png"
    pictures.kernels(kernels, weight, f"{chapter.title}: first layer")
    order = np.argsort(guess == truth, kind="stable")  # mistakes first
    title = f"{chapter.title}: test samples, mistakes first"
    pictures.sample_grid(samples, x[order], truth[order], guess[order], dataset.classes, title)
    return [kernels, samples]


def _feature_labels(dataset: Dataset) -> list[str]:
    record = dataset.preprocessing
    return [name + _SCALED[record["kind"]] for name in record["names"]]


def _target_label(chapter: Chapter, dataset: Dataset) -> str:
    own = dataset.name == chapter.data.name
    name = chapter.data.target if own else f"target of {dataset.name}"
    return name + _SCALED[dataset.preprocessing.get("target", {"kind": "none"})["kind"]]
