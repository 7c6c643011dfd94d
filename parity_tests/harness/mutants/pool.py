"""Faults of pooling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, pair, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

MAX, MAX_BACK = "ops.pool.max_pool2d", "ops.pool.max_pool2d_backward"
AVG, AVG_BACK = "ops.pool.avg_pool2d", "ops.pool.avg_pool2d_backward"
ADAPTIVE, ADAPTIVE_BACK = "ops.pool.adaptive_avg_pool2d", "ops.pool.adaptive_avg_pool2d_backward"


class _Frame:
    """The image of a call inside a border of `fill` that is wide enough for every window."""

    def __init__(self, call: Call, fill: float = 0.0) -> None:
        self.kernel = pair(call.kernel_size)
        self.stride = self.kernel if call.stride is None else pair(call.stride)
        self.padding = pair(call.padding)
        self.dilation = pair(call.arguments.get("dilation", 1))
        self.out, self.size = call.y.shape[2:], call.x.shape[2:]
        ends = [
            max((o - 1) * s + (k - 1) * d + 1, n + p)
            for o, s, k, d, n, p in zip(
                self.out,
                self.stride,
                self.kernel,
                self.dilation,
                self.size,
                self.padding,
                strict=True,
            )
        ]
        shape = (*call.x.shape[:2], *(e + p for e, p in zip(ends, self.padding, strict=True)))
        self.image = np.full(shape, fill, call.x.dtype)
        self.inside[...] = call.x

    @property
    def inside(self) -> Array:
        """The image itself, a view."""
        (top, left), (high, wide) = self.padding, self.size
        return self.image[:, :, top : top + high, left : left + wide]

    def taps(self) -> Iterator[Any]:
        """Yield the block of the frame under each tap of all windows, in reading order."""
        for tap in product(*map(range, self.kernel)):
            yield (
                slice(None),
                slice(None),
                *(
                    slice(t * d, t * d + (o - 1) * s + 1, s)
                    for t, d, o, s in zip(tap, self.dilation, self.out, self.stride, strict=True)
                ),
            )


def _shared_by_winners(dy: Array, call: Call, evenly: bool) -> Array:
    frame, dx = _Frame(call, -np.inf), _Frame(call)
    dx.image[...] = 0
    winners = [frame.image[block] == call.y for block in frame.taps()]
    count = sum(winners) if evenly else 1
    for block, won in zip(frame.taps(), winners, strict=True):
        dx.image[block] += dy * won / count
    return dx.inside


@plant("max-pool gradient to all ties", MAX_BACK, ["MaxPool2d"], "backward dx", remembers=MAX)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return _shared_by_winners(dy, call, evenly=False)


@plant("max-pool gradient split among ties", MAX_BACK, ["MaxPool2d"], "backward dx", remembers=MAX)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return _shared_by_winners(dy, call, evenly=True)


@plant("max-pool gradient to the last tie", MAX_BACK, ["MaxPool2d"], "backward dx", remembers=MAX)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    frame, dx = _Frame(call, -np.inf), _Frame(call)
    dx.image[...] = 0
    free = np.ones(dy.shape, bool)
    for block in reversed(list(frame.taps())):
        won = free & (frame.image[block] == call.y)
        free &= ~won
        dx.image[block] += dy * won
    return dx.inside


@plant("zero padding for minus infinity", MAX, ["MaxPool2d"], "forward output")
def _(original: Any, x: Array, padding: Any, **more: Any) -> Any:
    high, wide = pair(padding)
    zeros = np.pad(x, ((0, 0), (0, 0), (high, high), (wide, wide)))
    return original(x=zeros, padding=0, **more)[0], original(x=x, padding=padding, **more)[1]


@plant("ceil-mode extra window", "ops.pool.windows", ["MaxPool2d"], "forward output")
def _(original: Any, **arguments: Any) -> Any:
    found = original(**arguments)
    if not arguments["ceil_mode"]:
        return found
    out = [
        -(-(n + 2 * p - (d * (k - 1) + 1)) // s) + 1
        for n, p, d, k, s in zip(
            found.size, found.padding, found.dilation, found.kernel, found.stride, strict=True
        )
    ]
    return found._replace(out=tuple(out))


@plant("NaN lost by max pooling", MAX, ["MaxPool2d"], "forward output")
def _(original: Any, x: Array, **more: Any) -> Any:
    return original(x=np.where(np.isnan(x), -np.inf, x).astype(x.dtype), **more)


@plant(
    "max-pool gradient off by one beside padding",
    MAX_BACK,
    ["MaxPool2d"],
    "backward dx",
    remembers=MAX,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx = original(dy, cache)
    return np.roll(dx, 1, axis=2) if np.any(call.padding) else dx


@plant(
    "no winner in a window of minus infinity", MAX_BACK, ["MaxPool2d"], "backward dx", remembers=MAX
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return original(np.where(np.isneginf(call.y), dy.dtype.type(0), dy), cache)


@plant(
    "overlapping max-pool windows assigning instead of adding",
    MAX_BACK,
    ["MaxPool2d"],
    "backward dx",
    remembers=MAX,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    frame, dx = _Frame(call, -np.inf), _Frame(call)
    dx.image[...] = 0
    free = np.ones(dy.shape, bool)
    for block in frame.taps():
        won = free & (frame.image[block] == call.y)
        free &= ~won
        dx.image[block] = np.where(won, dy, dx.image[block])
    return dx.inside


@plant("average pool counting padding", AVG, ["AvgPool2d"], "forward output")
def _(original: Any, count_include_pad: bool, **more: Any) -> Any:
    return original(count_include_pad=True, **more)


@plant("average pool not counting padding", AVG, ["AvgPool2d"], "forward output")
def _(original: Any, count_include_pad: bool, **more: Any) -> Any:
    return original(count_include_pad=False, **more)


@plant("average pool counting the overhang of ceil mode", AVG, ["AvgPool2d"], "forward output")
def _(original: Any, divisor_override: Any, **more: Any) -> Any:
    if divisor_override is None and more["count_include_pad"]:
        high, wide = pair(more["kernel_size"])
        divisor_override = high * wide
    return original(divisor_override=divisor_override, **more)


@plant("divisor_override forgotten in dx", AVG_BACK, ["AvgPool2d"], "backward dx", remembers=AVG)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return original(dy, call.cache(divisor_override=None))


@plant(
    "overlapping average windows assigning instead of adding",
    AVG_BACK,
    ["AvgPool2d"],
    "backward dx",
    remembers=AVG,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx = _Frame(call)
    if call.ceil_mode or np.all(np.array(dx.kernel) <= dx.stride):
        return original(dy, cache)
    dx.image[...] = 0
    for block in dx.taps():
        dx.image[block] = dy / dy.dtype.type(call.divisor_override or np.prod(dx.kernel))
    return dx.inside


@plant(
    "adaptive bins rounded down at both ends",
    "ops.pool.bins",
    ["AdaptiveAvgPool2d"],
    "forward output",
)
def _(original: Any, **arguments: Any) -> Any:
    axes = original(**arguments)
    ends = [[*(part.start for part in axis[1:]), axis[-1].stop] for axis in axes]
    return [
        [slice(part.start, end) for part, end in zip(axis, stops, strict=True)]
        for axis, stops in zip(axes, ends, strict=True)
    ]


@plant(
    "adaptive gradient divided by the mean area",
    ADAPTIVE_BACK,
    ["AdaptiveAvgPool2d"],
    "backward dx",
    remembers=ADAPTIVE,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    sides = [
        [-(-(i + 1) * n // m) - i * n // m for i in range(m)]
        for n, m in zip(call.x.shape[2:], dy.shape[2:], strict=True)
    ]
    area = np.multiply.outer(*sides).astype(dy.dtype)
    return original(dy * (area / area.mean()), cache)
