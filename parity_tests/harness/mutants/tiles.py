"""Faults inside the faster ways of a convolution: tiles, whole images, taps, turned kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

TILES = "ops.conv_tiles."


@plant("kernels of a tile shifted by one", TILES + "shifted", ("Conv2d",), "forward output")
def _(original: Any, weight: Array, tile: tuple[int, int]) -> Array:
    kernels: Array = original(weight, tile)
    return np.roll(kernels, 1, axis=1)


@plant(
    "a tile's second row of outputs as its first", TILES + "shifted", ("Conv2d",), "forward output"
)
def _(original: Any, weight: Array, tile: tuple[int, int]) -> Array:
    kernels: Array = original(weight, tile)
    return np.roll(kernels, len(kernels) // 2, axis=0) if tile == (2, 2) else kernels


@plant("last partial tile empty", TILES + "shifted", ("Conv2d",), "forward output")
def _(original: Any, weight: Array, tile: tuple[int, int]) -> Array:
    kernels: Array = original(weight, tile)
    return kernels if tile == (2, 2) else np.zeros_like(kernels)


@plant(
    "tiles one beside the other added as if apart",
    TILES + "_add_patches",
    ("Conv2d",),
    "backward dx",
)
def _(original: Any, d_columns: Array, block: Any, **more: Any) -> None:
    original(d_columns=d_columns, block=block._replace(beside=1), **more)


@plant(
    "gradient of a tile's first copy alone", TILES + "add_unshifted", ("Conv2d",), "backward weight"
)
def _(original: Any, dweight: Array, d_matrix: Array, tile: tuple[int, int]) -> None:
    first = d_matrix.copy()
    first[len(dweight) :] = 0
    original(dweight, first, tile)


@plant(
    "whole images as kernels read backwards",
    "ops.conv_whole.forward",
    ("Conv2d",),
    "forward output",
)
def _(original: Any, weight: Array, **more: Any) -> Array:
    y: Array = original(weight=weight[:, :, ::-1], **more)
    return y


TURNED = "ops.conv._dx_by_turning"


@plant("kernels not turned in dx", TURNED, ("Conv2d",), "backward dx")
def _(original: Any, weight: Array, **more: Any) -> Any:
    return original(weight=weight[:, :, ::-1, ::-1], **more)


@plant("turned kernels start a column late in dx", TURNED, ("Conv2d",), "backward dx")
def _(original: Any, g: Any, **more: Any) -> Any:
    (left, right), inside = g.padding[1], g.padding[1][0] > 0
    shifted = (g.padding[0], (left - 1, right + 1))
    return original(g=g._replace(padding=shifted) if inside else g, **more)


TAPS = "ops.conv_taps."


def _changed(found: list[Any], *change: int) -> list[Any]:
    """Return the taps, those that meet a part of the image under another number."""
    down, across = change
    return [((down - tap[0], across - tap[1]), *parts) for tap, *parts in found]


@plant("taps of a kernel read backwards", TAPS + "taps", ("Conv2d",), "forward output")
def _(original: Any, size: Any, g: Any) -> list[Any]:
    return _changed(original(size, g), g.kernel[0] - 1, g.kernel[1] - 1)


@plant("the last tap that meets the image left out", TAPS + "taps", ("Conv2d",), "forward output")
def _(original: Any, size: Any, g: Any) -> list[Any]:
    found: list[Any] = original(size, g)
    return found[:-1] if len(found) > 1 else found


@plant("a tap's product over the one before it", TAPS + "_add", ("Conv2d",), "forward output")
def _(original: Any, **more: Any) -> None:
    original(**{**more, "number": 0})
