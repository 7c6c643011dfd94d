"""The cases of the book's functions of one number."""

from __future__ import annotations

from parity_tests.harness.case import Layer

_shape = (2, 3, 4, 5)
LAYERS = (
    Layer("Affine")
    .at(_shape, "2 x + 1", scale=2.0, shift=1.0)
    .at(_shape, "-3 x", scale=-3.0)
    .at((3, 7), "0.3 x - 0.7", scale=0.3, shift=-0.7, exact=False),
    Layer("Square").at(_shape, "").at((5, 1), "one column"),
    Layer("Log", exact=False).at(_shape, "", values="positive"),
    Layer("Sqrt", exact=False).at(_shape, "", values="positive"),
    Layer("Sin", exact=False).at(_shape, ""),
)
