"""Pooling layers."""

from __future__ import annotations

from scratch.nn.arguments import pair
from scratch.nn.module import Module
from scratch.nn.parameter import Array
from scratch.ops import pool


class MaxPool2d(Module):
    """Largest value of each window; the first of several equal ones takes the gradient."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        if return_indices:
            raise ValueError("return_indices=True is not offered")
        self.kernel_size = pair(kernel_size)
        self.stride = self.kernel_size if stride is None else pair(stride)
        self.padding = pair(padding)
        self.dilation = pair(dilation)
        self.ceil_mode = ceil_mode

    def forward(self, input: Array) -> Array:
        """Map (N, C, H, W) to (N, C, H_out, W_out)."""
        y, cache = pool.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        )
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return pool.max_pool2d_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class AvgPool2d(Module):
    """Mean of each window."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: int | tuple[int, int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size)
        self.stride = self.kernel_size if stride is None else pair(stride)
        self.padding = pair(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Array) -> Array:
        """Map (N, C, H, W) to (N, C, H_out, W_out)."""
        y, cache = pool.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return pool.avg_pool2d_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """Mean over bins that divide the input into `output_size`; None keeps that side."""

    def __init__(self, output_size: int | tuple[int | None, int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Array) -> Array:
        """Map (N, C, H, W) to (N, C, *output_size)."""
        y, cache = pool.adaptive_avg_pool2d(input, self.output_size)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return pool.adaptive_avg_pool2d_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the argument in torch's words."""
        return f"output_size={self.output_size}"
