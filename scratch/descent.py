"""Step 1 of the book on the scalar tape: solve a function for its inputs, and descend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scratch.data.points import line_points
from scratch.spec.descent import Run
from scratch.tape import Value, log, sin, sqrt

Function = Callable[..., Value]


def product_of_sums(w: Value, b: Value) -> Value:
    """Return z = x y with x = 2 w + 3 b and y = 2 b + 1 (the book, 2.1)."""
    x = (2 * w + 3 * b).named("x")
    y = (2 * b + 1).named("y")
    return (x * y).named("z")


def sqrt_log_square(x: Value) -> Value:
    """Return c = sqrt(b) with b = ln(a) and a = x^2 (the book, 2.2); real for |x| >= 1."""
    a = (x * x).named("a")
    b = log(a).named("b")
    return sqrt(b).named("c")


def parabola(x: Value) -> Value:
    """Return y = x^2 (the book, 2.3)."""
    return (x**2).named("y")


def parabola_sine(x: Value, y: Value) -> Value:
    """Return J = x^2 + sin(y)^2 (the book, 2.3)."""
    return (x**2 + sin(y) ** 2).named("J")


def loss_surface(w: Value, b: Value) -> Value:
    """Return J = 1 / (2 m) sum (w x_i + b - y_i)^2 over the m points of chapter 3."""
    xs, ys = line_points()
    total = Value(0)
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        total = total + (w * x + b - y) ** 2
    return (total / (2 * len(xs))).named("J")


FUNCTIONS: Mapping[str, Function] = {
    "product_of_sums": product_of_sums,
    "sqrt_log_square": sqrt_log_square,
    "parabola": parabola,
    "parabola_sine": parabola_sine,
    "loss_surface": loss_surface,
}


@dataclass(frozen=True)
class Point:
    """Where a run stands.

    Attributes:
        inputs: value of every input, by name.
        value: of the function.
        slopes: its derivative by every input.
    """

    inputs: Mapping[str, float]
    value: float
    slopes: Mapping[str, float]


def evaluate(function: str, inputs: Mapping[str, float]) -> Point:
    """Return a function's value and derivatives.

    Args:
        function: key of `FUNCTIONS`.
        inputs: by name.

    Raises:
        ValueError: the function has no real value there.

    >>> evaluate("product_of_sums", {"w": 3, "b": 4})
    Point(inputs={'w': 3, 'b': 4}, value=162.0, slopes={'w': 18.0, 'b': 63.0})
    """
    values = {name: Value(number, name) for name, number in inputs.items()}
    result = FUNCTIONS[function](**values)
    result.backward()
    return Point(inputs, result.data, {name: value.grad for name, value in values.items()})


def follow(function: str, run: Run) -> list[Point]:
    """Move the free inputs until the value is near enough to the target.

    A descent makes the step rate * slope. Solving makes the step error / (k * slope) with k free
    inputs: to first order each of them removes one k-th of the error.

    Args:
        function: key of `FUNCTIONS`.
        run: start, target and how to move.

    Returns:
        Every point from the start on; the last one is near enough, unless `run.most` came first.
    """
    points = [evaluate(function, run.start)]
    while abs(points[-1].value - run.target) > run.enough and len(points) < run.most:
        here = points[-1]
        slopes = points[0].slopes if run.fixed else here.slopes
        moved = dict(here.inputs)
        for name in run.free:
            if run.rate is None:
                moved[name] -= (here.value - run.target) / slopes[name] / len(run.free)
            else:
                moved[name] -= run.rate * slopes[name]
        points.append(evaluate(function, moved))
    return points
