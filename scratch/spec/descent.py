"""Step 1 of the book: functions whose inputs are moved until the value is what it should be.

No network is trained here. A run either *solves* (each free input takes an equal share of the
error, divided by its derivative) or *descends* (each input moves against its derivative, times a
rate). The numbers are those of the book, chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scratch.spec.errors import unknown

MOST_STEPS = 100


@dataclass(frozen=True)
class Run:
    """One worked example.

    Attributes:
        title: what is shown.
        start: initial value of every input, by name, in order.
        enough: the run ends once the value is at most so far from `target`.
        target: the wanted value; 0 for a descent.
        free: the inputs that move; the others stay.
        rate: of a descent, None to solve.
        fixed: solve with the derivatives of the start throughout.
        most: points at most; a run that is not there by then has failed, which may be its point.
    """

    title: str
    start: Mapping[str, float]
    enough: float
    target: float = 0.0
    free: tuple[str, ...] = ()
    rate: float | None = None
    fixed: bool = False
    most: int = MOST_STEPS


@dataclass(frozen=True)
class Example:
    """A function and what is done with it.

    Attributes:
        id: name on the command line.
        title: English title.
        title_zh: Chinese title.
        book: section of the book.
        function: name of the function in both `descent` modules.
        formula: as text.
        runs: one or more.
    """

    id: str
    title: str
    title_zh: str
    book: str
    function: str
    formula: str
    runs: tuple[Run, ...]


_AT = {"w": 3.0, "b": 4.0}
_CURVE = {"x": 1.2}


def _solve(title: str, free: tuple[str, ...], fixed: bool) -> Run:
    return Run(title, _AT, enough=1e-5, target=150.0, free=free, fixed=fixed)


EXAMPLES: tuple[Example, ...] = (
    Example(
        "backprop_linear",
        "Backpropagation through two sums and a product",
        "线性反向传播",
        "2.1",
        "product_of_sums",
        "z = x y, x = 2 w + 3 b, y = 2 b + 1",
        (
            _solve("b alone, derivatives of the start", ("b",), True),
            _solve("b alone, derivatives anew", ("b",), False),
            _solve("w and b, derivatives of the start", ("w", "b"), True),
            _solve("w and b, derivatives anew", ("w", "b"), False),
        ),
    ),
    Example(
        "backprop_log",
        "Backpropagation through a square, a logarithm and a root",
        "非线性反向传播",
        "2.2",
        "sqrt_log_square",
        "c = sqrt(ln(x^2))",
        (Run("solved for x", {"x": 2.0}, enough=1e-3, target=2.13, free=("x",)),),
    ),
    Example(
        "descent_1d",
        "Gradient descent on a parabola",
        "单变量函数的梯度下降",
        "2.3",
        "parabola",
        "y = x^2",
        (
            # The book asks for 0.01, which 0.0768 meets; its printed trace goes one step further.
            Run("rate 0.3", _CURVE, enough=0.001, free=("x",), rate=0.3),
            Run("rate 1.0", _CURVE, enough=0.01, free=("x",), rate=1.0, most=11),
            Run("rate 0.8", _CURVE, enough=0.01, free=("x",), rate=0.8),
            Run("rate 0.4", _CURVE, enough=0.01, free=("x",), rate=0.4),
            Run("rate 0.1", _CURVE, enough=0.01, free=("x",), rate=0.1),
        ),
    ),
    Example(
        "descent_2d",
        "Gradient descent in two variables",
        "双变量函数的梯度下降",
        "2.3",
        "parabola_sine",
        "J = x^2 + sin(y)^2",
        (Run("rate 0.1", {"x": 3.0, "y": 1.0}, enough=0.01, free=("x", "y"), rate=0.1),),
    ),
    Example(
        "loss_surface",
        "The squared loss of a line over its weight and bias",
        "均方差损失函数",
        "3.1",
        "loss_surface",
        "J = 1/(2 m) sum (w x_i + b - y_i)^2",
        (
            Run(
                "rate 0.5",
                {"w": 1.0, "b": 4.0},
                enough=0.05,
                free=("w", "b"),
                rate=0.5,
            ),
        ),
    ),
)


def ids() -> tuple[str, ...]:
    """Return the id of every example, in the book's order."""
    return tuple(example.id for example in EXAMPLES)


def get(id: str) -> Example:
    """Return an example.

    Raises:
        UserError: unknown id.
    """
    for example in EXAMPLES:
        if example.id == id:
            return example
    raise unknown("example", id, ids())
