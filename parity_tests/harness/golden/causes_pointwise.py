"""Mistakes in an activation: another function, its derivative at the wrong place, its kink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from parity_tests.harness.golden.causes import Guess
    from parity_tests.harness.golden.causes_layer import Layer

Array = np.ndarray[Any, np.dtype[Any]]


def logistic(x: Array) -> Array:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(np.exp(-np.logaddexp(0, -x)))


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "Sigmoid": logistic,
    "Tanh": np.tanh,
    "ReLU": lambda x: np.maximum(x, 0),
    "Identity": lambda x: x,
    "Softplus": lambda x: np.asarray(np.logaddexp(0, x)),
    "SiLU": lambda x: x * logistic(x),
    "ScaledTanh": lambda x: 1.7159 * np.tanh(x * 2 / 3),
}
SLOPES: dict[str, Callable[[Array], Array]] = {
    "Sigmoid": lambda x: logistic(x) * (1 - logistic(x)),
    "Tanh": lambda x: 1 - np.tanh(x) ** 2,
    "ReLU": lambda x: (x > 0).astype(np.float64),
}
WRONG_SLOPES: dict[str, dict[str, Callable[[Array, Array], Array]]] = {
    "Sigmoid": {
        "the derivative is x (1 - x), taken at the input instead of the output": lambda x, y: (
            x * (1 - x)
        ),
        "the derivative is y (1 - y) with the logistic function applied twice": lambda x, y: (
            logistic(y) * (1 - logistic(y))
        ),
        "the derivative is y, not y (1 - y)": lambda x, y: y,
        "the derivative is 1 - y, not y (1 - y)": lambda x, y: 1 - y,
    },
    "Tanh": {
        "the derivative is 1 - y, not 1 - y^2": lambda x, y: 1 - y,
        "the derivative is 1 - x^2, taken at the input instead of the output": lambda x, y: (
            1 - x * x
        ),
        "the derivative is 1 + y^2, not 1 - y^2": lambda x, y: 1 + y * y,
        "the derivative is 1 - tanh(y)^2: tanh is applied twice": lambda x, y: 1 - np.tanh(y) ** 2,
    },
    "ReLU": {"the mask is x >= 0, not x > 0": lambda x, y: (x >= 0).astype(np.float64)},
}


def forward(layer: Layer) -> Iterator[Guess]:
    """Yield another function's output in its place."""
    for name, function in FUNCTIONS.items():
        if name not in (layer.call.kind, "Identity"):
            yield f"{layer.call.path} is {name}, not {layer.call.kind}", function(layer.x)
    yield f"{layer.call.path} is applied twice", FUNCTIONS[layer.call.kind](layer.y)


def backward(layer: Layer) -> Iterator[Guess]:
    """Yield wrong derivatives."""
    kind, dy = layer.call.kind, layer.dy
    assert dy is not None
    for text, slope in WRONG_SLOPES.get(kind, {}).items():
        yield text, dy * slope(layer.x, layer.y)
    for name, other in SLOPES.items():
        if name == kind:
            yield "the derivative is multiplied in twice", dy * other(layer.x) ** 2
        else:
            yield f"the derivative is that of {name}, not of {kind}", dy * other(layer.x)
