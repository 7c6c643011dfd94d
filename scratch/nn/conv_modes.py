"""Which algorithm convolutions use: the direct one, or Winograd's where it applies and pays."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import NamedTuple

from scratch.nn.guard import keeps
from scratch.nn.parameter import Array
from scratch.ops import winograd
from scratch.ops.checks import Padding, Pair, sides

CONV_MODES = {"direct": 0, "winograd": winograd.FAST, "winograd-f2": 2}
"""Outputs along each side of a tile, 0 for no tiles. F(4 x 4, 3 x 3) is fast and errs about three
times as much as the direct way; F(2 x 2, 3 x 3) errs no more, and integers stay exact."""


class Mode(NamedTuple):
    """What `conv_mode` was given."""

    name: str = "direct"
    always: bool = False


_DIRECT = Mode()
_mode: contextvars.ContextVar[Mode] = contextvars.ContextVar("conv_mode", default=_DIRECT)


@contextlib.contextmanager
def conv_mode(name: str, always: bool = False) -> Iterator[None]:
    """Let the forwards inside this block use an algorithm; blocks may nest.

    The mode belongs to the thread that opened the block, as torch's `no_grad` does: no other thread
    is changed by it, and one that is started inside begins with "direct", unless it is handed the
    context: `Thread(target=contextvars.copy_context().run, args=(model, x))`.

    A backward, inside or outside, runs as its forward did. Only 3 x 3 kernels at stride 1 without
    dilation and groups have a choice.

    Args:
        name: "direct", "winograd" or "winograd-f2".
        always: take Winograd's way wherever it is possible, not only where it is faster; what the
            tests want, whose images are small.

    Raises:
        ValueError: no such name.

    >>> with conv_mode("winograd"):
    ...     current().name
    'winograd'
    >>> current().name
    'direct'
    """
    if name not in CONV_MODES:
        raise ValueError(f'conv_mode "{name}": expects one of {", ".join(CONV_MODES)}')
    token = _mode.set(Mode(name, always))
    try:
        yield
    finally:
        _mode.reset(token)


def current() -> Mode:
    """Return the mode of this moment."""
    return _mode.get()


def tile_of(
    x: Array, weight: Array, stride: Pair, padding: Padding, dilation: Pair, groups: int
) -> int:
    """Return the tile that a convolution with these arguments shall use, 0 for the direct way."""
    name, always = current()
    tile = CONV_MODES[name]
    kernel = (weight.shape[2], weight.shape[3])
    if not tile or x.ndim != 4 or not winograd.possible(kernel, stride, dilation, groups):
        return 0
    high, wide = (n + sum(s) - 2 for n, s in zip(x.shape[2:], sides(padding), strict=True))
    return tile if always or winograd.pays(len(x), weight, (high, wide), keeps()) else 0
