"""ONNX's convolutions and pools among scratch's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity_tests.harness.judges.onnx_data import Node
from parity_tests.harness.judges.onnx_trial import Trial, axes, one, refused
from parity_tests.harness.judges.tally import LeftOutError

Array = np.ndarray[Any, np.dtype[Any]]


def _sides(node: Node, x: Array, kernel: list[int], stride: list[int]) -> list[int]:
    """Return the padding of each axis, the same on both sides as in torch's layers."""
    how = node.attributes.get("auto_pad", "NOTSET")
    rank = len(kernel)
    if how in ("SAME_UPPER", "SAME_LOWER"):
        sizes = zip(x.shape[2:], kernel, stride, strict=True)
        totals = [max(0, (-(-n // s) - 1) * s + k - n) for n, k, s in sizes]
        if any(total % 2 for total in totals):
            raise LeftOutError(f"{how} with an odd rest: torch's layer pads both sides alike")
        return [total // 2 for total in totals]
    pads = list(node.attributes.get("pads", [0] * (2 * rank)))
    if pads[:rank] != pads[rank:]:
        raise LeftOutError("more padding on one side: torch's layer pads both alike")
    return pads[:rank]


def conv(node: Node) -> list[Trial]:
    """Return the form of a convolution; one with another number of axes is to be refused."""
    x, weight, *bias = node.inputs
    kernel = list(weight.shape[2:])
    rank = len(kernel)
    stride = list(node.attributes.get("strides", [1] * rank))
    arguments = {
        "in_channels": x.shape[1],
        "out_channels": len(weight),
        "kernel_size": tuple(kernel),
        "stride": tuple(stride),
        "padding": tuple(_sides(node, x, kernel, stride)),
        "dilation": tuple(node.attributes.get("dilations", [1] * rank)),
        "groups": node.attributes.get("group", 1),
        "bias": bool(bias),
    }
    (trial,) = one(node, "Conv2d", x, **arguments)
    if rank != 2:
        return refused(trial, axes(rank))
    state = {"weight": weight, **({"bias": bias[0]} if bias else {})}
    return [Trial(trial.layer, arguments, (x,), trial.outputs, state)]


def pool(layer: str, **more: tuple[str, Any]) -> Callable[[Node], list[Trial]]:
    """Return the form of a pool; `more` gives keywords, the attribute behind each, its default."""

    def form(node: Node) -> list[Trial]:
        (x,) = node.inputs
        kernel = list(node.attributes["kernel_shape"])
        stride = list(node.attributes.get("strides", [1] * len(kernel)))
        options = {key: node.attributes.get(name, value) for key, (name, value) in more.items()}
        spread = node.attributes.get("dilations", [1] * len(kernel))
        arguments = {"kernel_size": tuple(kernel), "stride": tuple(stride)}
        if len(kernel) != 2:
            return refused(one(node, layer, x, **arguments)[0], axes(len(kernel)))
        if layer == "MaxPool2d":
            arguments["dilation"] = tuple(spread)
        elif max(spread) > 1:
            raise LeftOutError("dilation: torch's AvgPool2d has none")
        padding = _sides(node, x, kernel, stride)
        options = {name: bool(value) for name, value in options.items()}
        (trial,) = one(node, layer, x, **arguments, padding=tuple(padding), **options)
        if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
            return refused(trial, "padding of more than half the kernel, as in torch")
        return [trial]

    return form


def whole(layer: str) -> Callable[[Node], list[Trial]]:
    """Return the form of a pool over whole images."""

    def form(node: Node) -> list[Trial]:
        (x,) = node.inputs
        if layer == "MaxPool2d":
            return one(node, layer, x, kernel_size=tuple(x.shape[2:]))
        return one(node, layer, x, output_size=1)

    return form
