"""Layers and losses that torch lacks, and torch's own activations, under one roof.

A model writes `getattr(nn, "Tanh")` and finds either.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import (
    ELU,
    GELU,
    Identity,
    LeakyReLU,
    Module,
    Parameter,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from torch.nn import functional as F


class ScaledTanh(Module):
    """amplitude * tanh(slope * x), LeNet-5's squashing function (LeCun et al. 1998, appendix A)."""

    def __init__(self, amplitude: float = 1.7159, slope: float = 2 / 3) -> None:
        super().__init__()
        self.amplitude = amplitude
        self.slope = slope

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return torch.tanh(input * self.slope) * self.amplitude

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"amplitude={self.amplitude}, slope={self.slope:.4f}"


class ChannelScale(Module):
    """y = weight[c] x + bias[c]: LeNet's trainable coefficient and bias per map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = Parameter(torch.ones(channels))
        self.bias = Parameter(torch.zeros(channels))

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return input * self.weight[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        """Return the channels."""
        return str(self.channels)


class TableConv2d(Module):
    """Convolution in which a table says which input maps each output map sees.

    One kernel for every connection (LeCun et al. 1998, table I): weight (connections, kh, kw).
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
        high, wide = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        self.kernel_size = (high, wide)
        self.sources = [source for row in connections for source in row]
        self.targets = [target for target, row in enumerate(connections) for _ in row]
        self.weight = Parameter(torch.zeros(len(self.sources), high, wide))
        self.bias = Parameter(torch.zeros(self.out_channels))

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, len(connections), H - kh + 1, W - kw + 1)."""
        dense = self.weight.new_zeros(self.out_channels, self.in_channels, *self.kernel_size)
        targets = torch.tensor(self.targets, device=input.device)
        sources = torch.tensor(self.sources, device=input.device)
        dense = dense.index_put((targets, sources), self.weight)
        return F.conv2d(input, dense, self.bias)

    def extra_repr(self) -> str:
        """Return sizes and the number of connections."""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"connections={len(self.sources)}"
        )


class Step(Module):
    """1 where x is positive, 0 elsewhere; the derivative is 0."""

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return torch.relu(torch.sign(input))


class BentIdentity(Module):
    """(sqrt(x^2 + 1) - 1) / 2 + x."""

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return (torch.sqrt(input * input + 1) - 1) / 2 + input


class Powers(Module):
    """x, x^2, ..., x^degree side by side."""

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.degree = degree

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, 1) to (N, degree)."""
        columns = [input]
        for _ in range(1, self.degree):
            columns.append(columns[-1] * input)
        return torch.cat(columns, 1)

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"degree={self.degree}"


class Affine(Module):
    """scale * x + shift, both constants of the constructor."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0) -> None:
        super().__init__()
        self.scale = scale
        self.shift = shift

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return input * self.scale + self.shift

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"scale={self.scale}, shift={self.shift}"


class Square(Module):
    """x^2."""

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return input * input


class Log(Module):
    """The natural logarithm, for x > 0."""

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return torch.log(input)


class Sqrt(Module):
    """The square root, for x >= 0; its slope is infinite at 0."""

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return torch.sqrt(input)


class Sin(Module):
    """The sine."""

    def forward(self, input: Tensor) -> Tensor:
        """Map any shape to itself."""
        return torch.sin(input)


class Add(Module):
    """a + b, both of one shape: where a residual connection ends."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map two tensors of one shape to a third."""
        return a + b


class Multiply(Module):
    """a * b, entry by entry, both of one shape."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Map two tensors of one shape to a third."""
        return a * b


class Concat(Module):
    """Inputs one behind the other along `dim`; they differ in nothing but their size there."""

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *inputs: Tensor) -> Tensor:
        """Map (N, C1, ...), (N, C2, ...), ... to (N, C1 + C2 + ..., ...) with the default."""
        return torch.cat(inputs, self.dim)

    def extra_repr(self) -> str:
        """Return the argument."""
        return f"dim={self.dim}"


class HalfMSELoss(Module):
    """The book's regression loss: sum of squares divided by 2m, m the number of samples."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` against `target` of the same shape."""
        return (input - target).square().sum() / (2 * input.shape[0])


class TanhCrossEntropyLoss(Module):
    """The book's cross-entropy of a tanh against labels -1 and +1, summed per sample.

    The input is what the tanh is fed, z: (1 + tanh z) / 2 is the logistic function of 2z.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss of `input` against `target` of the same shape."""
        positive = (1 + target) * F.logsigmoid(2 * input)
        negative = (1 - target) * F.logsigmoid(-2 * input)
        return -(positive + negative).sum() / input.shape[0]


__all__ = [
    "ELU",
    "GELU",
    "Add",
    "Affine",
    "BentIdentity",
    "ChannelScale",
    "Concat",
    "HalfMSELoss",
    "Identity",
    "LeakyReLU",
    "Log",
    "Multiply",
    "Powers",
    "ReLU",
    "ScaledTanh",
    "SiLU",
    "Sigmoid",
    "Sin",
    "Softplus",
    "Sqrt",
    "Square",
    "Step",
    "TableConv2d",
    "Tanh",
    "TanhCrossEntropyLoss",
]
