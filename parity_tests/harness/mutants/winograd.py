"""Faults of a convolution by Winograd's tiles.

A backward that goes by the mode of the moment is not among them: both ways give the same gradient
but for rounding. That it is not so is a test of `parity_tests/numeric/test_winograd.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

HERE, TILES, KERNELS = "ops.winograd.", "ops.winograd_tiles.", "ops.winograd_kernels."
ON = ("Conv2d",)


def _off(matrix: Array) -> Array:
    """Return a copy with one entry, not a zero, a thousandth too large."""
    changed = matrix.copy()
    row, column = np.argwhere(matrix)[len(np.argwhere(matrix)) // 2]
    changed[row, column] *= changed.dtype.type(1.001)
    return changed


@plant("an entry of the tiles' transform 0.1 % off", HERE + "transforms", ON, "forward output")
def _(original: Any, **more: Any) -> Any:
    made = original(**more)
    return made._replace(tile=_off(made.tile))


@plant("an entry of the outputs' transform 0.1 % off", HERE + "transforms", ON, "forward output")
def _(original: Any, **more: Any) -> Any:
    made = original(**more)
    return made._replace(output=_off(made.output))


@plant("an entry of the kernels' transform 0.1 % off", KERNELS + "transforms", ON, "forward output")
def _(original: Any, **more: Any) -> Any:
    made = original(**more)
    return made._replace(kernel=_off(made.kernel))


@plant("kernels flipped in their transform", KERNELS + "Kernels.__init__", ON, "forward output")
def _(original: Any, weight: Array, **more: Any) -> None:
    original(weight=weight[:, :, ::-1, ::-1], **more)


@plant("what tiles share added by one of them alone", HERE + "_add_tiles", ON, "backward dx")
def _(original: Any, windows: Array, dd: Array) -> None:
    own = dd.copy()
    own[-2:] = own[:, -2:] = 0
    original(windows, own)


@plant("what tiles share in a corner forgotten", HERE + "_add_tiles", ON, "backward dx")
def _(original: Any, windows: Array, dd: Array) -> None:
    own = dd.copy()
    own[-2:, -2:] = 0
    original(windows, own)


@plant("tiles see the image a row too late", TILES + "Tiling.surround", ON, "forward output")
def _(original: Any, **more: Any) -> Array:
    return np.roll(original(**more), -1, axis=1)


@plant("outputs of a tile with rows for columns", TILES + "Tiling.outputs", ON, "forward output")
def _(original: Any, **more: Any) -> Any:
    return original(**more).swapaxes(0, 1)


@plant("cotangent of a cut tile at its far edge", HERE + "_covering", ON, "backward")
def _(original: Any, dy: Array, tiling: Any) -> Array:
    whole: Array = original(dy, tiling)
    return np.roll(whole, whole.shape[1] - dy.shape[1], axis=1)


@plant("last cut tile without its cotangent", HERE + "_covering", ON, "backward")
def _(original: Any, dy: Array, tiling: Any) -> Array:
    whole: Array = original(dy, tiling).copy()
    if whole.shape != dy.shape:
        whole[:, -tiling.side :] = 0
    return whole


@plant(
    "gradient of a block of kernels not added to its own maps",
    KERNELS + "KernelGradient.add",
    ON,
    "backward weight",
)
def _(original: Any, self: Any, maps: slice, **more: Any) -> None:
    width = len(self.dweight[maps])
    original(self, maps=slice(0, width), **more)


@plant("gradient crop a column off", HERE + "_inside", ON, "backward dx")
def _(original: Any, image: Array, **more: Any) -> Any:
    return original(image=np.roll(image, 1, axis=2), **more)


@plant("Winograd in float32 inside", HERE + "conv2d", ON, "forward output")
def _(original: Any, x: Array, weight: Array, bias: Any, **more: Any) -> Any:
    _, cache = original(x=x, weight=weight, bias=bias, **more)
    narrow = [None if v is None else v.astype(np.float32) for v in (x, weight, bias)]
    return original(*narrow, **more)[0].astype(x.dtype), cache
