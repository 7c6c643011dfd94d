"""Step 1 of the book by torch's autograd: the twin of `scratch/descent.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from scratch.data.points import line_points
from scratch.spec.descent import Run


def product_of_sums(w: Tensor, b: Tensor) -> Tensor:
    """Return z = (2 w + 3 b) (2 b + 1) (the book, 2.1)."""
    return torch.mul(torch.add(2 * w, b, alpha=3), torch.add(2 * b, 1))


def sqrt_log_square(x: Tensor) -> Tensor:
    """Return c = sqrt(ln(x^2)) (the book, 2.2)."""
    return x.square().log().sqrt()


def parabola(x: Tensor) -> Tensor:
    """Return y = x^2 (the book, 2.3)."""
    return x.square()


def parabola_sine(x: Tensor, y: Tensor) -> Tensor:
    """Return J = x^2 + sin(y)^2 (the book, 2.3)."""
    return x.square() + y.sin().square()


def loss_surface(w: Tensor, b: Tensor) -> Tensor:
    """Return J = half the mean squared error of the line over the points of chapter 3."""
    x, y = map(torch.from_numpy, line_points())
    return torch.nn.functional.mse_loss(w * x + b, y) / 2


FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "product_of_sums": product_of_sums,
    "sqrt_log_square": sqrt_log_square,
    "parabola": parabola,
    "parabola_sine": parabola_sine,
    "loss_surface": loss_surface,
}


@dataclass(frozen=True)
class Point:
    """Where a run stands: inputs by name, value, and derivative by every input."""

    inputs: Mapping[str, float]
    value: float
    slopes: Mapping[str, float]


def evaluate(function: str, inputs: Mapping[str, float]) -> Point:
    """Return a function's value and derivatives in float64.

    Args:
        function: key of `FUNCTIONS`.
        inputs: by name.
    """
    leaves = {
        name: torch.tensor(number, dtype=torch.float64, requires_grad=True)
        for name, number in inputs.items()
    }
    value = FUNCTIONS[function](**leaves)
    slopes = torch.autograd.grad(value, list(leaves.values()))
    return Point(inputs, value.item(), dict(zip(leaves, map(Tensor.item, slopes), strict=True)))


def follow(function: str, run: Run) -> list[Point]:
    """Move the free inputs until the value is near enough to the target.

    Args:
        function: key of `FUNCTIONS`.
        run: start, target and how to move; see `scratch.spec.descent`.

    Returns:
        Every point from the start on, `run.most` at most.
    """
    path = [evaluate(function, run.start)]
    while len(path) < run.most:
        last = path[-1]
        excess = last.value - run.target
        if abs(excess) <= run.enough:
            break
        slopes = path[0].slopes if run.fixed else last.slopes
        share = excess / len(run.free)
        steps = {
            name: share / slopes[name] if run.rate is None else run.rate * slopes[name]
            for name in run.free
        }
        inputs = {name: number - steps.get(name, 0.0) for name, number in last.inputs.items()}
        path.append(evaluate(function, inputs))
    return path
