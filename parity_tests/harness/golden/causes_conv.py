"""Mistakes in convolutions and max pooling: flipped kernels, layouts, ties.

The naive sums here are a third definition beside torch's and scratch's: this folder imports
neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from parity_tests.harness.golden.causes import Guess
    from parity_tests.harness.golden.causes_layer import Layer

Array = np.ndarray[Any, np.dtype[Any]]
Sides = tuple[int, int]

KINDS = ("Conv2d", "TableConv2d")
LARGEST = 50_000_000  # products of a convolution that is worth trying


def _two(value: Any) -> Sides:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


class _Conv:
    """A convolution's geometry, with a dense kernel per group."""

    def __init__(self, layer: Layer) -> None:
        options = layer.call.options
        self.stride = _two(options.get("stride", 1))
        self.dilation = _two(options.get("dilation", 1))
        padding = options.get("padding", 0)
        self.plain = not isinstance(padding, str)
        self.padding = _two(padding) if self.plain else (0, 0)
        self.groups = int(options.get("groups", 1))
        self.weight = layer.parameters["weight"]
        self.bias = layer.parameters.get("bias")
        if layer.call.kind == "TableConv2d":
            dense = np.zeros((layer.y.shape[1], layer.x.shape[1], *self.weight.shape[1:]))
            dense[options["targets"], options["sources"]] = self.weight
            self.weight = dense
        work = layer.y.size * int(np.prod(self.weight.shape[1:]))
        self.worth = self.plain and self.groups == 1 and work <= LARGEST

    def taps(self, x: Array, shape: tuple[int, ...]) -> Iterator[tuple[int, int, Array]]:
        """Yield for every place of the kernel the input below it, a view (N, C, Ho, Wo)."""
        (kh, kw), (ho, wo) = self.weight.shape[2:], shape[2:]
        (sh, sw), (dh, dw) = self.stride, self.dilation
        for i in range(kh):
            for j in range(kw):
                rows = slice(i * dh, i * dh + sh * (ho - 1) + 1, sh)
                columns = slice(j * dw, j * dw + sw * (wo - 1) + 1, sw)
                yield i, j, x[:, :, rows, columns]

    def pad(self, x: Array) -> Array:
        """Return x with zeros around it."""
        (top, left) = self.padding
        return np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))

    def forward(self, x: Array, weight: Array, shape: tuple[int, ...]) -> Array:
        """Return the sums without the bias."""
        y = np.zeros(shape)
        for i, j, part in self.taps(self.pad(x), shape):
            y += np.einsum("nchw,oc->nohw", part, weight[:, :, i, j])
        return y

    def backward(self, dy: Array, weight: Array, shape: tuple[int, ...]) -> Array:
        """Return the gradient of the input."""
        dx = self.pad(np.zeros(shape))
        for i, j, part in self.taps(dx, dy.shape):
            part += np.einsum("nohw,oc->nchw", dy, weight[:, :, i, j])
        (top, left), (h, w) = self.padding, shape[2:]
        return dx[:, :, top : top + h, left : left + w]

    def gradient(self, x: Array, dy: Array) -> Array:
        """Return the gradient of the dense weight."""
        dw = np.zeros(self.weight.shape)
        for i, j, part in self.taps(self.pad(x), dy.shape):
            dw[:, :, i, j] = np.einsum("nchw,nohw->oc", part, dy)
        return dw


def _kernels(weight: Array) -> Iterator[Guess]:
    yield "the kernel is flipped", weight[:, :, ::-1, ::-1]
    yield "the kernel's rows are in reverse order", weight[:, :, ::-1]
    yield "the kernel's columns are in reverse order", weight[..., ::-1]
    if weight.shape[2] == weight.shape[3]:
        yield "the kernel's height and width are swapped", weight.swapaxes(2, 3)
    o, c, h, w = weight.shape
    yield (
        "the weight is read as (in, out, kh, kw)",
        weight.reshape(c, o, h, w).transpose(1, 0, 2, 3),
    )
    yield "the weight is read as HWIO, not OIHW", weight.reshape(h, w, c, o).transpose(3, 2, 0, 1)
    yield "the weight is read as OHWI, not OIHW", weight.reshape(o, h, w, c).transpose(0, 3, 1, 2)


def forward(layer: Layer) -> Iterator[Guess]:
    """Yield wrong outputs."""
    conv = _Conv(layer)
    if not conv.worth:
        return
    bias = 0.0 if conv.bias is None else conv.bias[:, None, None]
    if conv.bias is not None:
        yield "the bias is missing", layer.y - bias
        yield "the bias is added twice", layer.y + bias
        yield "the bias is subtracted", layer.y - 2 * bias
    for text, weight in _kernels(conv.weight):
        yield text, conv.forward(layer.x, weight, layer.y.shape) + bias
    if layer.before is not None:
        sums = conv.forward(layer.before, conv.weight, layer.y.shape)
        yield "the activation before it is left out", sums + bias


def gradient(layer: Layer, local: str) -> Iterator[Guess]:
    """Yield wrong gradients of weight or bias."""
    conv, dy = _Conv(layer), layer.dy
    if dy is None or not conv.worth:
        return
    if local == "bias":
        yield "only the last sample counts: assigned, not added up", dy[-1].sum((1, 2))
        if layer.after is not None:
            yield (
                "the derivative of the activation behind it is left out",
                layer.after.sum((0, 2, 3)),
            )
        return
    if layer.call.kind == "TableConv2d":
        pick = (layer.call.options["targets"], layer.call.options["sources"])
    else:
        pick = (slice(None), slice(None))
    yield (
        "only the last sample counts: assigned, not added up",
        conv.gradient(layer.x[-1:], dy[-1:])[pick],
    )
    if layer.before is not None:
        wrong = conv.gradient(layer.before, dy)[pick]
        yield "it is taken with the input of the activation before it", wrong
    if layer.after is not None:
        wrong = conv.gradient(layer.x, layer.after)[pick]
        yield "the derivative of the activation behind it is left out", wrong


def backward(layer: Layer) -> Iterator[Guess]:
    """Yield wrong gradients of the input."""
    conv, dy = _Conv(layer), layer.dy
    if dy is None or not conv.worth:
        return
    for text, weight in _kernels(conv.weight):
        yield text, conv.backward(dy, weight, layer.x.shape)
    if "weight" in layer.updated and layer.call.kind == "Conv2d":
        wrong = conv.backward(dy, layer.updated["weight"], layer.x.shape)
        yield "it is taken with the weight after the update", wrong


def pool_backward(layer: Layer) -> Iterator[Guess]:
    """Yield gradients that go to another of several equal maxima."""
    options, dy = layer.call.options, layer.dy
    assert dy is not None
    kernel, padding = _two(options["kernel_size"]), _two(options["padding"])
    (sh, sw), (ho, wo) = _two(options["stride"]), dy.shape[2:]
    if _two(options["dilation"]) != (1, 1):
        return
    high, wide = (s * (o - 1) + k for s, o, k in zip((sh, sw), (ho, wo), kernel, strict=True))
    h, w = layer.x.shape[2:]
    (top, left) = padding
    below, right = max(0, high - h - top), max(0, wide - w - left)
    around = ((0, 0), (0, 0), (top, below), (left, right))
    x = np.pad(layer.x, around, constant_values=-np.inf)
    places = [
        (slice(i, i + sh * (ho - 1) + 1, sh), slice(j, j + sw * (wo - 1) + 1, sw))
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]
    ties = np.stack([x[:, :, r, c] == layer.y for r, c in places])
    last = ties & (ties[::-1].cumsum(0)[::-1] == 1)
    shared = ties / ties.sum(0)
    texts = ("the last of several maxima", "every maximum in full", "all maxima in equal shares")
    for text, share in zip(texts, (last, ties, shared), strict=True):
        dx = np.zeros(x.shape)
        for (r, c), part in zip(places, share, strict=True):
            dx[:, :, r, c] += dy * part
        yield f"the gradient goes to {text}", dx[:, :, top : top + h, left : left + w]
