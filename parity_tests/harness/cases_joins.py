"""The cases of the layers with several inputs."""

from __future__ import annotations

from parity_tests.harness.case import Layer

_shape = (2, 3, 4, 5)
LAYERS = (
    Layer("Add")
    .at(_shape, "", also=(_shape,))
    .at((3, 7), "two axes", also=((3, 7),))
    .at(_shape, "NaN and infinity", exact=False, values="special", also=(_shape,))
    .at(_shape, "infinite gradient", exact=False, values="steep", also=(_shape,)),
    Layer("Multiply").at(_shape, "", also=(_shape,)).at((5, 1), "one column", also=((5, 1),)),
    Layer("Concat")
    .at((2, 3, 4, 5), "two parts", also=((2, 7, 4, 5),))
    .at((2, 3, 4, 5), "four parts", also=((2, 1, 4, 5), (2, 5, 4, 5), (2, 2, 4, 5)))
    .at((2, 3, 4, 5), "equal parts", also=((2, 3, 4, 5),))
    .at((2, 3, 4, 5), "one part")
    .at((3, 2), "two axes", also=((3, 5),))
    .at((2, 3, 4, 5), "along 2", also=((2, 3, 7, 5),), dim=2)
    .at((2, 3, 4, 5), "along the last axis", also=((2, 3, 4, 7),), dim=-1),
)
