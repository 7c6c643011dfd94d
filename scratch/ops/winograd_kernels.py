"""The kernels of a Winograd convolution as values at the points, some output maps at a time.

The n^2 values of a 3 x 3 kernel take four times its memory (m = 4), 37 MB for 512 x 512 maps: where
few tiles are multiplied with them, writing them and reading them again would take the time. So they
are made for a block of output maps, used while they lie in the cache, and made again when needed.
"""

from collections.abc import Iterator

import numpy as np

from scratch.ops.checks import Array
from scratch.ops.winograd_matrices import TAPS, transforms
from scratch.ops.winograd_tiles import rows

FEWEST_MAPS = 32
"""Of a block. Else it has as many maps as there are tiles: U takes as much memory as V then."""
FEW_WEIGHTS = 1 << 14
"""Of one value of a block. Up to here turning U pays: the product takes a third less time."""


class Kernels:
    """U = G w (n^2, O, C), block by block; one block alone is made once and held."""

    def __init__(self, weight: Array, tile: int, tiles: int, turned: bool = False) -> None:
        """Say how U is cut.

        Args:
            weight: (O, C, 3, 3).
            tile: m.
            tiles: As many tiles are multiplied with U at a time.
            turned: Whether (n^2, C, O) is wanted.
        """
        step = max(FEWEST_MAPS, tiles)
        self.weight = weight
        self.turned = turned
        self.transform = transforms(tile, weight.dtype).kernel
        self.blocks = [slice(first, first + step) for first in range(0, len(weight), step)]
        self.held = self._values(weight) if len(self.blocks) == 1 else None

    def __iter__(self) -> Iterator[tuple[slice, Array]]:
        """Yield each block of output maps and its U."""
        for maps in self.blocks:
            yield maps, self._values(self.weight[maps]) if self.held is None else self.held

    def _values(self, weight: Array) -> Array:
        flat = rows(len(self.transform), weight[:, :, 0, 0].size, weight.dtype)
        by_tap = weight.transpose(2, 3, 0, 1).reshape(TAPS * TAPS, -1)  # as conv_taps.kernels lie
        np.matmul(self.transform, by_tap, out=flat)
        values = flat.reshape(-1, *weight.shape[:2])
        if not self.turned:
            return values
        values = values.transpose(0, 2, 1)
        return np.ascontiguousarray(values) if values[0].size <= FEW_WEIGHTS else values


class KernelGradient:
    """dw = G^T dU, a sum over pieces of tiles; of one block alone G comes after the sum."""

    def __init__(self, weight: Array, tile: int, blocks: int) -> None:
        """Start with zeros in the shape of the kernels (O, C, 3, 3)."""
        self.whole = blocks == 1
        self.dweight = np.zeros_like(weight)
        self.transform = transforms(tile, weight.dtype).kernel
        self.sum: Array | None = None

    def add(self, maps: slice, d_products: Array, values: Array) -> None:
        """Add dU_k = dM_k^T V_k of a piece: dM (n^2, tiles, maps), V (n^2, tiles, C)."""
        term = d_products.transpose(0, 2, 1) @ values
        if not self.whole:
            self.dweight[maps] += self._back(term)
        elif self.sum is None:
            self.sum = term
        else:
            self.sum += term

    def total(self) -> Array:
        """Return dw (O, C, 3, 3)."""
        if self.sum is not None:
            return self._back(self.sum)
        return self.dweight

    def _back(self, d_values: Array) -> Array:
        by_tap = self.transform.T @ d_values.reshape(len(d_values), -1)  # (9, maps * C)
        return by_tap.reshape(TAPS, TAPS, -1, self.dweight.shape[1]).transpose(2, 3, 0, 1)
