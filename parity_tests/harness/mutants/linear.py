"""Faults of layers that multiply by a weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, planter

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

LINEAR, LINEAR_BACK = "ops.linear.linear", "ops.linear.linear_backward"
SCALE, SCALE_BACK = "ops.scale.channel_scale", "ops.scale.channel_scale_backward"


@plant("axes swapped in a weight gradient", LINEAR_BACK, ["Linear"], "backward weight")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    return dx, dweight.T.reshape(dweight.shape), dbias


@plant("bias gradient mean instead of sum", LINEAR_BACK, ["Linear"], "backward bias")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    return dx, dweight, None if dbias is None else dbias / dy.dtype.type(dy[..., 0].size)


@plant("weight transposed by a reshape", LINEAR, ["Linear"], "forward output")
def _(original: Any, weight: Array, **more: Any) -> Any:
    return original(weight=weight.T.reshape(weight.shape), **more)


@plant("bias added twice", LINEAR, ["Linear"], "forward output")
def _(original: Any, bias: Any, **more: Any) -> Any:
    y, cache = original(bias=bias, **more)
    return y if bias is None else y + bias, cache


@plant("weight gradient of the first position alone", LINEAR_BACK, ["Linear"], "backward weight")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, _, dbias = original(dy, cache)
    first = dy.copy()
    if dy.ndim > 2:
        first[:, 1:] = 0
    return dx, original(first, cache)[1], dbias


@plant("last output forgotten in dx", LINEAR_BACK, ["Linear"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    shortened = dy.copy()
    shortened[..., -1] = 0
    return original(shortened, cache)[0], *original(dy, cache)[1:]


@plant("bias gradient mean over the batch", SCALE_BACK, ["ChannelScale"], "backward bias")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, dweight, dbias = original(dy, cache)
    return dx, dweight, dbias / dy.dtype.type(len(dy))


@plant("coefficient forgotten in dx", SCALE_BACK, ["ChannelScale"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    return dy, *original(dy, cache)[1:]


@plant(
    "weight gradient from the output",
    SCALE_BACK,
    ["ChannelScale"],
    "backward weight",
    remembers=SCALE,
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx, _, dbias = original(dy, cache)
    return dx, (dy * call.y).sum((0, 2, 3)), dbias


@plant("coefficients of the channels in reverse order", SCALE, ["ChannelScale"], "forward output")
def _(original: Any, weight: Array, **more: Any) -> Any:
    return original(weight=weight[::-1], **more)
