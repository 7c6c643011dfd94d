"""The picture of step 1 of the book: the points of a descent on a function's curve or surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratch.data import Dataset
from scratch.spec.descent import Example
from scratch.spec.schema import Chapter

Points = Sequence[tuple[float, ...]]


def walked(chapter: Chapter, dataset: Dataset, steps: int) -> Points:
    """Return where the parameters of a chapter stand before, and after each of the first steps.

    Args:
        chapter: one whose batch is the whole training split, so that a step is an epoch.
        dataset: what it is trained on.
        steps: how many.
    """
    import scratch
    from scratch.train import build_loss, build_optimizer

    model = scratch.build(chapter.id, chapter.size)
    criterion, optimizer = build_loss(chapter.train), build_optimizer(chapter.train, model)
    x, y = dataset.train.x, dataset.train.y
    points = [_values(model)]
    for _ in range(steps):
        optimizer.zero_grad()
        criterion(model(x), y)
        model.backward(criterion.backward(1.0))
        optimizer.step()
        points.append(_values(model))
    return points


def _values(model: Any) -> tuple[float, ...]:
    return tuple(parameter.data.item() for parameter in model.parameters())


def draw(path: Path, example: Example, visited: Mapping[str, Any]) -> Path:
    """Draw runs of an example.

    Args:
        path: the PNG file.
        example: gives the function.
        visited: by title, the values of the inputs at every point.
    """
    from scratch import descent
    from scratch.run.pictures import basics as pictures

    names = tuple(example.runs[0].start)

    def value(*inputs: float) -> float:
        return descent.evaluate(example.function, dict(zip(names, inputs, strict=True))).value

    target = example.runs[0].target or None
    title = f"{example.title}\n{example.formula}"
    function = np.vectorize(value, otypes=[float])
    if len(names) == 1:
        flat = {name: [x for (x,) in points] for name, points in visited.items()}
        pictures.path_on_curve(path, function, flat, (names[0], "value"), title, target)
    elif example.function == "loss_surface":
        from scratch.basics import half_mse
        from scratch.data.points import line_points

        x, y = line_points()
        surface = lambda w, b: half_mse(w, b, x, y)  # noqa: E731
        span = ((0.8, 3.0), (2.0, 4.2))
        pictures.path_on_contour(path, surface, visited, ("w", "b"), title, span)
    else:
        pictures.path_on_contour(
            path, function, visited, (names[0], names[1]), title, target=target
        )
    return path
