"""Faults of convolutions."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, pair, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

FORWARD, BACKWARD = "ops.conv.conv2d", "ops.conv.conv2d_backward"
BOTH = ("Conv2d", "TableConv2d")
MEBIBYTE = 1 << 20


def _sides(padding: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    if isinstance(padding, int) or isinstance(padding[0], int):
        high, wide = pair(padding)
        return (high, high), (wide, wide)
    return pair(padding[0]), pair(padding[1])


def _padded(x: Array, padding: Any) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *_sides(padding)))


def _cropped(x: Array, padding: Any) -> Array:
    (top, bottom), (left, right) = _sides(padding)
    return x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]


def _taps(dy: Array, call: Call, stride: Any, dilation: Any) -> Any:
    """Yield (i, j, block): the pixels of the padded image under tap (i, j) at all positions."""
    (sh, sw), (dh, dw) = pair(stride), pair(dilation)
    kh, kw = call.weight.shape[2:]
    high, wide = (dy.shape[2] - 1) * sh + 1, (dy.shape[3] - 1) * sw + 1
    for i, j in product(range(kh), range(kw)):
        down, across = slice(i * dh, i * dh + high, sh), slice(j * dw, j * dw + wide, sw)
        yield i, j, (slice(None), slice(None), down, across)


def _through(dy: Array, weight: Array, groups: int) -> Array:
    """Return the gradient that one tap of the kernels (O, C / groups) hands back, (N, C, P, Q)."""
    n, o, p, q = dy.shape
    grouped = dy.reshape(n, groups, o // groups, p, q)
    kernels = weight.reshape(groups, o // groups, -1)
    return np.einsum("ngopq,goc->ngcpq", grouped, kernels).reshape(n, -1, p, q)


def _scattered(dy: Array, call: Call, stride: Any, add: bool = True) -> Array:
    """Return dx, one tap of the kernel at a time, added or assigned."""
    image = np.zeros_like(_padded(call.x, call.padding))
    for i, j, block in _taps(dy, call, stride, call.dilation):
        share = _through(dy, call.weight[:, :, i, j], call.groups)
        image[block] = image[block] + share if add else share
    return _cropped(image, call.padding)


@plant("axes swapped in a weight gradient", BACKWARD, BOTH, "backward weight")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    return dx, dweight.transpose(0, 2, 3, 1).reshape(dweight.shape), dbias


@plant("bias gradient mean instead of sum", BACKWARD, BOTH, "backward bias")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    return dx, dweight, None if dbias is None else dbias / dy.dtype.type(dy[:, 0].size)


@plant("kernel flipped", FORWARD, BOTH, "forward output")
def _(original: Any, weight: Array, **more: Any) -> Any:
    return original(weight=weight[:, :, ::-1, ::-1], **more)


@plant("kernel flipped in dx", BACKWARD, BOTH, "backward dx", remembers=FORWARD)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    flipped = call.cache(weight=call.weight[:, :, ::-1, ::-1])
    return original(dy, flipped)[0], *original(dy, cache)[1:]


@plant("kernel flipped in the weight gradient", BACKWARD, BOTH, "backward weight")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    return dx, dweight[:, :, ::-1, ::-1], dbias


@plant("kernel height and width swapped", FORWARD, BOTH, "forward output")
def _(original: Any, weight: Array, **more: Any) -> Any:
    return original(weight=weight.swapaxes(2, 3).reshape(weight.shape), **more)


@plant("padding off by one", FORWARD, ("Conv2d",), "forward output")
def _(original: Any, padding: Any, **more: Any) -> Any:
    shifted = tuple((a + 1, b - 1) if b else (a, b) for a, b in _sides(padding))
    return original(padding=shifted, **more)


@plant(
    "padding cropped off by one in dx",
    BACKWARD,
    ("Conv2d",),
    "backward dx",
    remembers=FORWARD,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx, *more = original(dy, cache)
    return np.roll(dx, 1, axis=3) if np.any(call.padding) else dx, *more


@plant(
    'odd rest of "same" padding at the start',
    "nn.conv.same_padding",
    ("Conv2d",),
    "forward output",
)
def _(original: Any, **arguments: Any) -> Any:
    return tuple((after, before) for before, after in original(**arguments))


@plant("stride ignored in dx", BACKWARD, ("Conv2d",), "backward dx", remembers=FORWARD)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return _scattered(dy, call, stride=1), *original(dy, cache)[1:]


@plant(
    "col2im assigning instead of adding",
    BACKWARD,
    BOTH,
    "backward dx",
    remembers=FORWARD,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return _scattered(dy, call, call.stride, add=False), *original(dy, cache)[1:]


@plant(
    "dilation ignored in the weight gradient",
    BACKWARD,
    ("Conv2d",),
    "backward weight",
    remembers=FORWARD,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx, dweight, dbias = original(dy, cache)
    if pair(call.dilation) == (1, 1):
        return dx, dweight, dbias
    image = _padded(call.x, call.padding)
    for i, j, block in _taps(dy, call, call.stride, 1):
        dweight[:, :, i, j] = np.einsum("nopq,ncpq->oc", dy, image[block])
    return dx, dweight, dbias


@plant(
    "input channels dealt out to the groups in turn",
    FORWARD,
    ("Conv2d",),
    "forward output",
)
def _(original: Any, x: Array, groups: int, **more: Any) -> Any:
    n, c, h, w = x.shape
    dealt = x.reshape(n, c // groups, groups, h, w).swapaxes(1, 2).reshape(x.shape)
    return original(x=dealt, groups=groups, **more)


@plant(
    "weight gradients of the groups in reverse order",
    BACKWARD,
    ("Conv2d",),
    "backward weight",
    remembers=FORWARD,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx, dweight, dbias = original(dy, cache)
    parts = dweight.reshape(call.groups, -1, *dweight.shape[1:])
    return dx, parts[::-1].reshape(dweight.shape), dbias


@plant("bias added twice", FORWARD, BOTH, "forward output")
def _(original: Any, bias: Any, **more: Any) -> Any:
    y, cache = original(bias=bias, **more)
    return y if bias is None else y + bias[:, None, None], cache


@plant(
    "last row of positions missing in the weight gradient",
    BACKWARD,
    BOTH,
    "backward weight",
)
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, _, dbias = original(dy, cache)
    shortened = dy.copy()
    shortened[:, :, -1] = 0
    return dx, original(shortened, cache)[1], dbias


@plant(
    "weight gradient of the last piece of a large image alone",
    BACKWARD,
    ("Conv2d",),
    "backward weight",
    remembers=FORWARD,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx, dweight, dbias = original(dy, cache)
    if dy[0, 0].nbytes * call.weight[0].size <= MEBIBYTE:
        return dx, dweight, dbias
    last = dy.copy()
    last[:-1] = 0
    return dx, original(last, cache)[1], dbias


@plant("dx of the first piece of a large image alone", BACKWARD, ("Conv2d",), "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, *more = original(dy, cache)
    if (dx[0, 0].size * (dx.shape[1] + dy.shape[1])) * dx.itemsize > MEBIBYTE:
        dx[:, :, dx.shape[2] // 2 :] = 0
    return dx, *more


@plant(
    "kernels of the table in another order",
    "ops.table.spread_kernels",
    ("TableConv2d",),
    "forward output",
)
def _(original: Any, weight: Array, sources: Any, targets: Any, **more: Any) -> Any:
    order = np.lexsort((targets, sources))  # by input map instead of by output map
    return original(weight=weight[order], sources=sources, targets=targets, **more)


@plant(
    "gradients of the table in another order",
    "ops.table.spread_kernels_backward",
    ("TableConv2d",),
    "backward weight",
    remembers="ops.table.spread_kernels",
)
def _(original: Any, ddense: Array, cache: Any, call: Call) -> Any:
    return original(ddense, cache)[np.lexsort((call.targets, call.sources))]
