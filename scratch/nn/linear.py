"""Layers that multiply by a weight: one matrix, or one number per channel."""

from __future__ import annotations

import numpy as np

from scratch.nn.data import or_nan, wants_gradient
from scratch.nn.module import Module
from scratch.nn.parameter import Array, Parameter
from scratch.ops import linear, scale


class Linear(Module):
    """y = x W^T + b, weight (out_features, in_features)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(np.zeros((out_features, in_features), np.float32))
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None

    def forward(self, input: Array) -> Array:
        """Map (N, ..., in_features) to (N, ..., out_features)."""
        bias = self.bias.data if self.bias is not None else None
        y, cache = linear.linear(input, self.weight.data, bias, wants_gradient(input))
        self.save(cache, input)
        return y

    def backward(self, d_output: Array) -> Array:
        """Add to the gradients of weight and bias; return the gradient of the input."""
        cache, input = self.saved()
        if self.weight.data.nbytes > linear.PART_BYTES:
            return or_nan(self._backward_in_parts(d_output, cache), input)
        dx, dweight, dbias = linear.linear_backward(d_output, cache)
        self.weight.add_grad(dweight)
        if self.bias is not None:
            self.bias.add_grad(dbias)
        return or_nan(dx, input)

    def _backward_in_parts(self, d_output: Array, cache: linear.LinearCache) -> Array | None:
        dx: Array | None = None
        for outs, d_part, dweight, dbias in linear.backward_in_parts(d_output, cache):
            self.weight.grad[outs] += dweight
            if self.bias is not None:
                self.bias.grad[outs] += dbias
            dx = d_part if dx is None or d_part is None else dx + d_part
        return dx

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class ChannelScale(Module):
    """y = weight[c] x + bias[c]: LeNet's trainable coefficient and bias per map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = Parameter(np.ones(channels, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))

    def forward(self, input: Array) -> Array:
        """Map (N, C, H, W) to the same shape."""
        y, cache = scale.channel_scale(input, self.weight.data, self.bias.data)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Add to the gradients of weight and bias; return the gradient of the input."""
        dx, dweight, dbias = scale.channel_scale_backward(d_output, self.saved())
        self.weight.add_grad(dweight)
        self.bias.add_grad(dbias)
        return dx

    def extra_repr(self) -> str:
        """Return the channels."""
        return str(self.channels)
