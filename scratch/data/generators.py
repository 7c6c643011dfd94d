"""The book's generated data sets, by formula.

Each function draws `n` samples from a generator and returns x (N, F), or sequences (N, T, D), and
the labels or targets as the formula gives them. Where the book tests on the curve itself, `clean`
leaves out the noise and spaces x evenly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scratch.data.points import line_points
from scratch.data.sequences import echo, minus

Array = np.ndarray[Any, np.dtype[Any]]
Samples = tuple[Array, Array]


def servers(generator: np.random.Generator, n: int = 100, noise: float = 0.2) -> Samples:
    """Power of the air conditioner over the number of servers (chapter 4).

    x ~ U(0, 1) thousand servers; y = 2 x + 3 + N(0, noise) kW.

    Returns:
        x (n, 1), y (n, 1).
    """
    x = generator.uniform(0, 1, (n, 1))
    return x, 2 * x + 3 + generator.normal(0, noise, (n, 1))


def flats(generator: np.random.Generator, n: int = 1000) -> Samples:
    """Price of a flat in Tongzhou over distance and area (chapter 5).

    x1 = 2 + 20 U(0, 1) km from the centre, x2 a whole number of 40 ... 119 m2;
    y = 2 (20 - x1) + 5 x2 + 10 + a whole number of -49 ... 49, in 10,000 yuan.

    Returns:
        x (n, 2), y (n, 1).
    """
    distance = 2 + 20 * generator.uniform(0, 1, n)
    area = generator.integers(40, 120, n).astype(np.float64)
    price = 2 * (20 - distance) + 5 * area + 10 + generator.integers(-49, 50, n)
    return np.stack([distance, area], axis=1), price[:, None]


def cities(generator: np.random.Generator, n: int = 200) -> Samples:
    """Cities of Chu and Han, separable by a line (chapter 6).

    x ~ U(0, 1)^2; label [x2 > 2 x1 - 0.5].

    Returns:
        x (n, 2), labels (n,) in 0, 1.
    """
    x = generator.uniform(0, 1, (n, 2))
    return x, (x[:, 1] > 2 * x[:, 0] - 0.5).astype(np.int64)


def kingdoms(generator: np.random.Generator, n: int = 200) -> Samples:
    """Cities of three kingdoms, not quite separable (chapter 7).

    x ~ U(0, 10)^2. With the jittered height h = abs(x2 - U(-1, 1)) and the lines
    a = 2.5 x1 - 10, b = 0.3 x1 + 5, c = -x1 + 10, a point belongs to the first kingdom if h lies
    above all three, to the second if above a and below b and c, to the third if below a and b and
    above c; any other point is dropped. The x2 that is returned is not jittered, so about one
    point in eleven lies on the wrong side.

    Returns:
        x (about 0.7 n, 2), labels in 0, 1, 2.
    """
    x = generator.uniform(0, 10, (n, 2))
    height = np.abs(x[:, 1] - generator.uniform(-1, 1, n))
    a, b, c = 2.5 * x[:, 0] - 10, 0.3 * x[:, 0] + 5, -x[:, 0] + 10
    kingdom = np.select(
        [
            (height > a) & (height > b) & (height > c),
            (height > a) & (height < b) & (height < c),
            (height < a) & (height < b) & (height > c),
        ],
        [0, 1, 2],
        default=-1,
    )
    return x[kingdom >= 0], kingdom[kingdom >= 0]


def sine(generator: np.random.Generator, n: int = 500, clean: bool = False) -> Samples:
    """One turn of a sine (chapter 9).

    x ~ U(0, 1); y = sin(6.28 x) + U(-0.1, 0.1).

    Returns:
        x (n, 1), y (n, 1).
    """
    x, noise = _curve(generator, n, 0.1, clean)
    return x, np.sin(6.28 * x) + noise


def complex_curve(generator: np.random.Generator, n: int = 1000, clean: bool = False) -> Samples:
    """A parabola with two oscillations (chapter 9).

    x ~ U(0, 1); y = 0.4 x^2 + 0.3 x sin(15 x) + 0.01 cos(50 x) - 0.3 + U(-0.05, 0.05).

    Returns:
        x (n, 1), y (n, 1).
    """
    x, noise = _curve(generator, n, 0.05, clean)
    y = 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.01 * np.cos(50 * x) - 0.3
    return x, y + noise


def _curve(generator: np.random.Generator, n: int, noise: float, clean: bool) -> Samples:
    if clean:
        return np.linspace(0, 1, n)[:, None], np.zeros((n, 1))
    return generator.uniform(0, 1, (n, 1)), generator.uniform(-noise, noise, (n, 1))


def arc(generator: np.random.Generator, n: int = 400) -> Samples:
    """Two arcs, one above the other (chapter 10).

    x1 = linspace(0, 3.14); x2 = sin(x1) + U(-0.125, 0.125) for the first half of the samples, class
    0, and the same 0.65 higher for the second half, class 1.

    Returns:
        x (n, 2), labels (n,) in 0, 1; n is even.
    """
    x1 = np.tile(np.linspace(0, 3.14, n // 2), 2)
    label = np.repeat([0, 1], n // 2)
    x2 = np.sin(x1) + generator.uniform(-0.125, 0.125, len(x1)) + 0.65 * label
    return np.stack([x1, x2], axis=1), label


def coin(generator: np.random.Generator, n: int = 1000) -> Samples:
    """A copper coin: square hole, metal, outside (chapter 11).

    x ~ U(-0.5, 0.5)^2; class 0 where abs(x1) < 0.2 and abs(x2) < 0.2, otherwise class 1 within the
    radius 0.45, otherwise class 2.

    Returns:
        x (n, 2), labels (n,) in 0, 1, 2.
    """
    x = generator.uniform(-0.5, 0.5, (n, 2))
    hole, metal = (np.abs(x) < 0.2).all(axis=1), np.hypot(x[:, 0], x[:, 1]) < 0.45
    return x, np.select([hole, metal], [0, 1], default=2)


def fourier(generator: np.random.Generator, n: int = 25, clean: bool = False) -> Samples:
    """Two terms of a Fourier series, to be overfitted (chapter 16); nothing is drawn.

    x = linspace(0, 2 pi); y = (4 / pi) (sin x + sin(5 x) / 5), or `clean` without the second term.

    Returns:
        x (n, 1), y (n, 1).
    """
    return _series(np.linspace(0, 2 * np.pi, n), 0.0 if clean else 0.2)


def between(generator: np.random.Generator, n: int = 50) -> Samples:
    """Points of the clean Fourier curve that `fourier` has not, for validation.

    The middles of n equal parts of 0 ... 2 pi.
    """
    return _series((np.arange(n) + 0.5) * (2 * np.pi / n), 0.0)


def _series(x: Array, fifth: float) -> Samples:
    y = 4 / np.pi * (np.sin(x) + fifth * np.sin(5 * x))
    return x[:, None], y[:, None]


def one(generator: np.random.Generator, target: Sequence[float] = (0.0,)) -> Samples:
    """The constant one, twice, because the R2 of a single sample is no number; nothing is drawn.

    Args:
        generator: not used.
        target: what the function of chapter 2 should become, a number per output.

    Returns:
        x (2, 1), y (2, len(target)).
    """
    return np.ones((2, 1)), np.tile(np.asarray(target, dtype=np.float64), (2, 1))


def line(generator: np.random.Generator) -> Samples:
    """The fifty points of chapter 3, the same in every split; nothing is drawn.

    Returns:
        x (50, 1), y (50, 1).
    """
    x, y = line_points()
    return x[:, None], y[:, None]


def gate(rule: Callable[[Array, Array], Array]) -> Callable[[np.random.Generator], Samples]:
    """Return the generator of a truth table of two inputs (chapters 6 and 10); nothing is drawn.

    Args:
        rule: from two boolean arrays to one.
    """

    def table(generator: np.random.Generator) -> Samples:
        x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        return x, rule(x[:, 0] > 0, x[:, 1] > 0).astype(np.int64)

    return table


def logical_not(generator: np.random.Generator) -> Samples:
    """The truth table of the negation (chapter 6): x (2, 1), labels (2,)."""
    return np.array([[0.0], [1.0]]), np.array([1, 0])


@dataclass(frozen=True)
class Recipe:
    """How the three splits of a set are drawn.

    Attributes:
        draw: training samples.
        val: arguments for the validation samples.
        test: arguments for the test samples.
        draw_val: another generator for the validation samples.
    """

    draw: Callable[..., Samples]
    val: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)
    draw_val: Callable[..., Samples] | None = None

    def parts(self) -> tuple[tuple[Callable[..., Samples], Mapping[str, Any]], ...]:
        """Return generator and arguments of training, validation and test samples."""
        return (self.draw, {}), (self.draw_val or self.draw, self.val), (self.draw, self.test)


GENERATORS: dict[str, Recipe] = {
    "one": Recipe(one),
    "line": Recipe(line),
    "servers": Recipe(servers),
    "flats": Recipe(flats),
    "cities": Recipe(cities),
    "kingdoms": Recipe(kingdoms),
    "not": Recipe(logical_not),
    "and": Recipe(gate(lambda a, b: a & b)),
    "nand": Recipe(gate(lambda a, b: ~(a & b))),
    "or": Recipe(gate(lambda a, b: a | b)),
    "nor": Recipe(gate(lambda a, b: ~(a | b))),
    "xor": Recipe(gate(lambda a, b: a ^ b)),
    "sine": Recipe(sine, {"n": 100}, {"n": 100, "clean": True}),
    "complex": Recipe(complex_curve, {"n": 200}, {"n": 200, "clean": True}),
    "arc": Recipe(arc, {"n": 100}, {"n": 100}),
    "coin": Recipe(coin, {"n": 200}, {"n": 500}),
    "fourier": Recipe(fourier, {"n": 50}, {"n": 100, "clean": True}, draw_val=between),
    "echo": Recipe(echo, {"n": 50}, {"n": 50}),
    "minus": Recipe(minus),
}
