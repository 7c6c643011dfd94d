"""Units of a convolution that scratch computes by Winograd's tiles, stage by stage.

Written apart from `scratch.ops.winograd`, in float64 and without pieces, on the same tiles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from parity_tests.harness import bounds, bounds_winograd
from parity_tests.harness.bounds_carried import Value, product
from parity_tests.harness.bounds_winograd import overlaid, through

Array = np.ndarray[Any, np.dtype[Any]]
Units = dict[str, Array]


class Tiles:
    """Where the tiles of one convolution lie."""

    def __init__(self, module: Any, x: Array, d_output: Array, m: int) -> None:
        self.m, self.n = m, m + 2
        self.out = d_output.shape[2:]
        self.count = tuple(-(-size // m) for size in self.out)
        self.padding = _sides(module)
        self.x_shape = x.shape

    @property
    def room(self) -> tuple[int, int]:
        """Rows and columns of the padded image that tiles see."""
        high, wide = (self.m * count + 2 for count in self.count)
        return high, wide

    def cut_image(self, x: Array) -> Array:
        """Return (N, C, H, W) as tiles (n^2, N * tiles, C)."""
        (top, left), (high, wide) = self.padding, self.room
        image = np.zeros((*x.shape[:2], high, wide))
        image[:, :, top : top + x.shape[2], left : left + x.shape[3]] = x
        seen = sliding_window_view(image, (self.n, self.n), (2, 3))[:, :, :: self.m, :: self.m]
        return seen.transpose(4, 5, 0, 2, 3, 1).reshape(self.n**2, -1, x.shape[1])

    def cut_output(self, dy: Array) -> Array:
        """Return (N, O, OH, OW) as tiles (m^2, N * tiles, O), zeros beyond the edge."""
        n, o, high, wide = dy.shape
        th, tw = self.count
        whole = np.zeros((n, o, self.m * th, self.m * tw))
        whole[:, :, :high, :wide] = dy
        split = whole.reshape(n, o, th, self.m, tw, self.m)
        return split.transpose(3, 5, 0, 2, 4, 1).reshape(self.m**2, -1, o)

    def join_output(self, tiles: Array) -> Array:
        """Undo :meth:`cut_output`."""
        (th, tw), n = self.count, self.x_shape[0]
        split = tiles.reshape(self.m, self.m, n, th, tw, -1).transpose(2, 5, 3, 0, 4, 1)
        whole = split.reshape(n, -1, self.m * th, self.m * tw)
        return whole[:, :, : self.out[0], : self.out[1]]

    def add_image(self, tiles: Value) -> Value:
        """Return tiles (n^2, N * tiles, C) added where they were cut from, (N, C, H, W)."""
        (th, tw), (high, wide), m = self.count, self.room, self.m
        n, c, h, w = self.x_shape

        def split(array: Array) -> Array:
            return array.reshape(self.n, self.n, n, th, tw, c).transpose(0, 1, 2, 5, 3, 4)

        value, units = split(tiles.value), split(tiles.units)
        places, parts = [], []
        for i, j in np.ndindex(self.n, self.n):
            rows, columns = slice(i, i + m * th, m), slice(j, j + m * tw, m)
            places.append((slice(None), slice(None), rows, columns))
            parts.append(Value(value[i, j], units[i, j]))
        image = overlaid(parts, places, (n, c, high, wide))
        top, left = self.padding
        inside = (slice(None), slice(None), slice(top, top + h), slice(left, left + w))
        return Value(image.value[inside], image.units[inside])


def units(module: Any, inputs: tuple[Array, ...], d_output: Array, m: int) -> Units:
    """Return the units of output, dx, weight and bias.

    Args:
        module: torch's layer in float64.
        inputs: what it was given.
        d_output: cotangent of its output.
        m: outputs along each side of a tile.
    """
    b, g, a = bounds_winograd.transforms(m)
    weight = module.weight.detach().numpy()
    tiles = Tiles(module, inputs[0], d_output, m)
    flat = weight.reshape(*weight.shape[:2], 9).transpose(2, 0, 1)  # (9, O, C)
    v = through(b, Value.exact(tiles.cut_image(inputs[0])))
    u = through(g, Value.exact(flat))
    y = through(a, product(v, _turned(u)))
    output = tiles.join_output(y.units)
    dm = through(a.T, Value.exact(tiles.cut_output(d_output)))
    dx = tiles.add_image(through(b.T, product(dm, u)))
    dw = through(g.T, product(_turned(dm), v))
    found = {
        "output": output,
        "dx": dx.units,
        "weight": dw.units.transpose(1, 2, 0).reshape(weight.shape),
    }
    if module.bias is not None:
        bias = np.abs(module.bias.detach().numpy())[:, None, None]
        found["output"] = output + np.abs(tiles.join_output(y.value)) + bias
        places = d_output.shape[0] * d_output[0, 0].size
        found["bias"] = bounds.accumulated(places, np.abs(d_output).sum((0, 2, 3)))
    return found


def largest_sums(module: Any, inputs: tuple[Array, ...], d_output: Array, m: int) -> Units:
    """Return the largest sums of absolute terms of every stage, for each tensor that they lead to.

    They are integers times the smallest entries of the transforms if inputs and weights are, which
    is for m = 2 a quarter.
    """
    b, g, a = (np.abs(matrix) for matrix in bounds_winograd.transforms(m))
    weight = np.abs(module.weight.detach().numpy())
    x, dy = np.abs(inputs[0]), np.abs(d_output)
    tiles = Tiles(module, x, dy, m)

    def of(matrix: Array, columns: Array) -> Array:
        product = matrix @ columns.reshape(len(columns), -1)
        return product.reshape(len(matrix), *columns.shape[1:])

    v = of(b, tiles.cut_image(x))
    u = of(g, weight.reshape(*weight.shape[:2], 9).transpose(2, 0, 1))
    dm = of(a.T, tiles.cut_output(dy))
    products = v @ u.transpose(0, 2, 1)
    d_v, d_u = dm @ u, dm.transpose(0, 2, 1) @ v
    bias = 0.0 if module.bias is None else float(module.bias.detach().abs().max())
    d_image = tiles.add_image(Value.exact(of(b.T, d_v)))
    stages: dict[str, tuple[Array, ...]] = {
        "output": (v, u, products, of(a, products) + bias),
        "dx": (dm, u, d_v, d_image.value),
        "weight": (dm, v, d_u, of(g.T, d_u)),
    }
    if module.bias is not None:
        stages["bias"] = (dy.sum((0, 2, 3)),)
    return {n: np.array([part.max(initial=0.0) for part in s]) for n, s in stages.items()}


def _turned(stack: Value) -> Value:
    return Value(stack.value.transpose(0, 2, 1), stack.units.transpose(0, 2, 1))


def _sides(module: Any) -> tuple[int, int]:
    """Return the padding at the top and at the left."""
    if module.padding == "valid":
        return 0, 0
    if module.padding == "same":
        return 1, 1
    top, left = module.padding
    return int(top), int(left)
