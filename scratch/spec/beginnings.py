"""Step 1 of the book as chapters: its first functions, moved by the loops that train networks.

Starts, targets, rates and tolerances are those of `scratch.spec.descent`, where the same functions
run on the scalar tape.
"""

from __future__ import annotations

from typing import Any

from scratch.spec import descent
from scratch.spec.book import BOOK
from scratch.spec.schema import Chapter, Data, Domain, Expected, Facts, Source, Stop, Train

_WEIGHT = "The inputs {names} of the function are weights of layers that are given a constant 1."
_SHARES = (
    "Descent of the squared error; the book gives each input an equal share of the error, divided "
    "by its derivative (scripts/descent.py)."
)


def _chapter(
    id: str,
    model: str,
    shapes: dict[str, tuple[int, ...]],
    train: Train,
    *deviations: str,
    targets: tuple[float, ...],
    run: int = 0,
    **more: Any,
) -> Chapter:
    """Return a chapter whose parameters are the inputs of a function, at the start of a run."""
    example = descent.get(id)
    names = tuple(example.runs[run].start)
    assert train.stop is not None
    assert train.stop.loss is not None
    return Chapter(
        id=id,
        title=example.title,
        title_zh=example.title_zh,
        step=1,
        book="ch02",
        sources=(Source(BOOK, example.book),),
        file="descent",
        model=model,
        arguments={},
        data=Data(
            name="one",
            shape=(1,),
            task="regression",
            features=("constant 1",),
            target=example.formula,
            options={"target": targets},
        ),
        train=train,
        expected=_reached(train.stop.loss),
        facts=Facts(
            parameters=len(names),
            shapes=shapes,
            source=Source(BOOK, f"{example.book}: {example.formula}"),
        ),
        deviations=(_WEIGHT.format(names=" and ".join(names)), *deviations),
        **more,
    )


def _reached(loss: float) -> Expected:
    note = "the run stops there; nothing is drawn, so every seed gives the same"
    return Expected(metric="loss", low=0.0, high=loss, note=note)


def _initial(start: Any) -> dict[str, float]:
    return {f"{name}.weight": value for name, value in start.items()}


_PRODUCT = descent.get("backprop_linear").runs[3]
_ROOT = descent.get("backprop_log").runs[0]
_PARABOLA = descent.get("descent_1d").runs[0]
_SINE = descent.get("descent_2d").runs[0]
_SURFACE = descent.get("loss_surface").runs[0]
_NEAR = 1e-4

BACKPROP_LINEAR = _chapter(
    "backprop_linear",
    "ProductOfSums",
    {"w": (1,), "b": (1,), "x": (1,), "y": (1,), "z": (1,)},
    Train(
        loss="HalfMSELoss",
        optimizer="SGD",
        lr=2e-4,
        batch_size=2,
        epochs=50,
        init="zeros",
        initial=_initial(_PRODUCT.start),
        stop=Stop(loss=_NEAR**2 / 2),
    ),
    _SHARES,
    f"The run ends within {_NEAR:g} of the target; the book's {_PRODUCT.enough:g} is less than "
    f"a float32 near {_PRODUCT.target:g} can tell.",
    targets=(_PRODUCT.target,),
    run=3,
)

BACKPROP_LOG = _chapter(
    "backprop_log",
    "RootOfLogarithm",
    {"x": (1,), "a": (1,), "b": (1,), "c": (1,)},
    Train(
        loss="HalfMSELoss",
        optimizer="SGD",
        lr=19.0,
        batch_size=2,
        epochs=50,
        init="zeros",
        initial=_initial(_ROOT.start),
        stop=Stop(loss=_ROOT.enough**2 / 2),
    ),
    _SHARES,
    targets=(_ROOT.target,),
    # A logarithm and a root of integers are no integers; without them the square stays exact.
    exact={"log": "Identity", "root": "Identity"},
    # abs(x) > 1, where the logarithm of the square is positive; targets between c(2) and c(90), so
    # that descent does not leave it.
    domain=Domain(inputs=(1.0, 2.0), weights=(2.0, 8.0), targets=(1.5, 3.0)),
)

DESCENT_1D = _chapter(
    "descent_1d",
    "Parabola",
    {"x": (1,)},
    Train(
        loss="MSELoss",
        optimizer="SGD",
        lr=_PARABOLA.rate or 0.0,
        batch_size=2,
        epochs=50,
        init="zeros",
        initial=_initial(_PARABOLA.start),
        stop=Stop(loss=_PARABOLA.enough),
    ),
    targets=(_PARABOLA.target,),
)

DESCENT_2D = _chapter(
    "descent_2d",
    "ParabolaSine",
    {"x": (1,), "y": (1,), "sine": (1,), "join": (2,)},
    Train(
        loss="HalfMSELoss",
        optimizer="SGD",
        lr=2 * (_SINE.rate or 0.0),
        batch_size=2,
        epochs=50,
        init="zeros",
        initial=_initial(_SINE.start),
        stop=Stop(loss=_SINE.enough / 2),
    ),
    "The loss is J / 2, half the sum of two squares; twice the book's rate makes the book's steps.",
    targets=(_SINE.target, _SINE.target),
    exact={"function": "Identity"},  # no sine of an integer but 0 is one
)

_LINE = descent.get("loss_surface")

LOSS_SURFACE = Chapter(
    id="loss_surface",
    title=_LINE.title,
    title_zh=_LINE.title_zh,
    step=1,
    book="ch03",
    sources=(Source(BOOK, _LINE.book),),
    file="linear",
    model="LinearRegression",
    arguments={"features": 1, "outputs": 1},
    data=Data(name="line", shape=(1,), task="regression", features=("x",), target="y"),
    train=Train(
        loss="HalfMSELoss",
        optimizer="SGD",
        lr=_SURFACE.rate or 0.0,
        batch_size=50,
        epochs=100,
        init="zeros",
        initial={"linear.weight": _SURFACE.start["w"], "linear.bias": _SURFACE.start["b"]},
        stop=Stop(loss=_SURFACE.enough),
    ),
    expected=_reached(_SURFACE.enough),
    facts=Facts(
        parameters=2,
        shapes={"linear": (1,)},
        source=Source(BOOK, "3.1: the weight and the bias of a line"),
    ),
    deviations=("Training, validation and test are the same fifty points: the surface is theirs.",),
)

CHAPTERS = (BACKPROP_LINEAR, BACKPROP_LOG, DESCENT_1D, DESCENT_2D, LOSS_SURFACE)
