"""Convolution layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratch.nn.arguments import pair, same_padding
from scratch.nn.conv_modes import tile_of
from scratch.nn.data import or_nan, wants_gradient
from scratch.nn.guard import keeps
from scratch.nn.module import Module
from scratch.nn.parameter import Array, Parameter
from scratch.ops import conv, conv_taps, table, winograd
from scratch.ops.checks import ShapeError


class Conv2d(Module):
    """Cross-correlation with weight (out_channels, in_channels/groups, kh, kw), as in torch.

    `padding` is an int, a pair, "valid" or "same" (stride 1; an odd rest goes to the end).
    Only `padding_mode="zeros"` exists.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        if padding_mode != "zeros":
            raise ValueError(f'padding_mode="{padding_mode}" is not offered; only "zeros" is')
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"groups={groups} must divide in_channels={in_channels}"
                f" and out_channels={out_channels}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair(kernel_size)
        self.stride = pair(stride)
        self.padding = padding if isinstance(padding, str) else pair(padding)
        self.dilation = pair(dilation)
        self.groups = groups
        if isinstance(padding, str):
            self._pads: Any = same_padding(padding, self.kernel_size, self.stride, self.dilation)
        else:
            self._pads = self.padding
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(conv_taps.kernels(shape))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to (N, out_channels, H_out, W_out)."""
        bias = self.bias.data if self.bias is not None else None
        weight, needs_dx = self.weight.data, wants_gradient(input)
        cache: conv.ConvCache | winograd.WinogradCache
        options = (self.stride, self._pads, self.dilation, self.groups)
        tile = tile_of(input, weight, *options)
        if tile:
            y, cache = winograd.conv2d(input, weight, bias, self._pads, needs_dx, tile, keeps())
        else:
            y, cache = conv.conv2d(input, weight, bias, *options, needs_dx)
        self.save(cache, input)
        return y

    def backward(self, d_output: Array) -> Array:
        """Add to the gradients of weight and bias; return the gradient of the input."""
        cache, input = self.saved()
        tiled = isinstance(cache, winograd.WinogradCache)  # as the forward went, whatever the mode
        backward = winograd.conv2d_backward if tiled else conv.conv2d_backward
        dx, dweight, dbias = backward(d_output, cache)
        self.weight.add_grad(dweight)
        if self.bias is not None:
            self.bias.add_grad(dbias)
        return or_nan(dx, input)

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        return text + ("" if self.bias is not None else ", bias=False")


class TableConv2d(Module):
    """Convolution in which a table says which input maps each output map sees.

    LeNet-5 connects its layer C3 this way (LeCun 1998, table I): one kernel for every connection,
    so the weight is (connections, kh, kw) and nothing that is not connected has a parameter.
    """

    def __init__(
        self,
        in_channels: int,
        connections: Sequence[Sequence[int]],
        kernel_size: int | tuple[int, int],
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = len(connections)
        self.kernel_size = pair(kernel_size)
        self.sources = [source for row in connections for source in row]
        self.targets = [target for target, row in enumerate(connections) for _ in row]
        if not self.sources or not 0 <= min(self.sources) <= max(self.sources) < in_channels:
            raise ValueError(f"connections name input maps outside 0 ... {in_channels - 1}")
        self.weight = Parameter(np.zeros((len(self.sources), *self.kernel_size), np.float32))
        self.bias = Parameter(np.zeros(self.out_channels, np.float32))

    def forward(self, input: Array) -> Array:
        """Map (N, in_channels, H, W) to (N, len(connections), H - kh + 1, W - kw + 1)."""
        if input.ndim != 4 or input.shape[1] != self.in_channels:
            raise ShapeError(f"(N, {self.in_channels}, H, W)", input.shape)
        dense, spread = table.spread_kernels(
            self.weight.data, self.sources, self.targets, self.in_channels, self.out_channels
        )
        y, cache = conv.conv2d(input, dense, self.bias.data, needs_dx=wants_gradient(input))
        self.save(cache, spread, input)
        return y

    def backward(self, d_output: Array) -> Array:
        """Add to the gradients of weight and bias; return the gradient of the input."""
        cache, spread, input = self.saved()
        dx, ddense, dbias = conv.conv2d_backward(d_output, cache)
        self.weight.add_grad(table.spread_kernels_backward(ddense, spread))
        self.bias.add_grad(dbias)
        return or_nan(dx, input)

    def extra_repr(self) -> str:
        """Return sizes and the number of connections."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"connections={len(self.sources)}"
        )
