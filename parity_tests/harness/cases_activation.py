"""Cases of the softer rectifiers, the gates, the book's curves and the powers."""

from __future__ import annotations

from typing import Any

from parity_tests.harness.case import Layer

_SHAPE = (2, 3, 4, 5)


def _everywhere(layer: Layer, setting: str = "", **arguments: Any) -> Layer:
    """Add what every activation is held to: at random, at zero, far out, NaN and infinity.

    torch's vectorised ELU and GELU treat NaN and infinity otherwise than its scalar ones.
    """
    for where, values in (
        ("", ""),
        ("at the kink", "zeros"),
        ("far from zero", "far"),
        ("NaN and infinity", "special"),
    ):
        if values == "special" and layer.name in ("ELU", "GELU"):
            continue
        name = ", ".join(part for part in (setting, where) if part)
        exact = layer.exact and values in ("", "zeros")
        layer.at(_SHAPE, name, exact=exact, values=values, **arguments)
    return layer


LAYERS = (
    _everywhere(
        _everywhere(Layer("LeakyReLU"), "slope 1/8", negative_slope=0.125).at(
            _SHAPE, "slope 0.01", exact=False
        ),
        "slope -1/2",
        negative_slope=-0.5,
    ),
    _everywhere(_everywhere(Layer("ELU", exact=False)), "alpha 0.7", alpha=0.7),
    _everywhere(_everywhere(Layer("Softplus", exact=False)), "beta 3", beta=3.0, threshold=4.0).at(
        _SHAPE, "threshold 1/2", threshold=0.5
    ),
    _everywhere(_everywhere(Layer("GELU", exact=False)), "by tanh", approximate="tanh"),
    _everywhere(Layer("SiLU", exact=False)),
    _everywhere(Layer("Step")),
    _everywhere(Layer("BentIdentity", exact=False)),
    Layer("Powers")
    .at((11, 1), "degree 3", degree=3)
    .at((7, 1), "degree 1", degree=1)
    .at((5, 1), "degree 8", exact=False, degree=8)
    .at((11, 1), "at zero", degree=4, values="zeros"),
)
