"""Layers on their own, forward and backward, as bench.py measures them in both frameworks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

Step = Callable[[], Any]


@dataclass(frozen=True)
class Convolution:
    """A convolution as it stands inside a large network: its input needs a gradient too."""

    shape: tuple[int, int, int]
    out_channels: int
    kernel: int
    stride: int
    padding: int
    kind: ClassVar[str] = "Conv2d"
    is_first: ClassVar[bool] = False

    @property
    def arguments(self) -> dict[str, Any]:
        """What Conv2d takes."""
        return {
            "in_channels": self.shape[0],
            "out_channels": self.out_channels,
            "kernel_size": self.kernel,
            "stride": self.stride,
            "padding": self.padding,
        }


@dataclass(frozen=True)
class Recurrence:
    """A recurrent layer as it stands before a classifier of sequences.

    It is the first layer, so its input needs no gradient, and the last state alone is used. The
    goal for an LSTM with 64 samples is at most 1.06 of torch's time.
    """

    kind: str
    steps: int
    inputs: int
    hidden: int
    is_first: ClassVar[bool] = True

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of a sample."""
        return self.steps, self.inputs

    @property
    def arguments(self) -> dict[str, Any]:
        """What RNN, LSTM and GRU take."""
        return {"input_size": self.inputs, "hidden_size": self.hidden, "batch_first": True}


LAYERS: dict[str, Convolution | Recurrence] = {
    "conv 3x3, 64 maps": Convolution((64, 32, 32), 64, 3, 1, 1),
    "conv 1x1, 64 maps": Convolution((64, 32, 32), 64, 1, 1, 0),
    "conv 7x7 stride 2": Convolution((3, 112, 112), 64, 7, 2, 3),
    "LSTM 28 to 128, 28 steps": Recurrence("LSTM", 28, 28, 128),
}


def scratch_train(name: str, batch: int) -> Step:
    """Return forward and backward of the NumPy twin."""
    from contextlib import nullcontext

    from scratch import nn

    layer, x = _scratch(name, batch)
    cotangent = _cotangent(layer(x))
    layer.zero_grad()

    def step() -> None:
        with nn.no_gradient_of(x) if LAYERS[name].is_first else nullcontext():
            layer(x)
        layer.backward(cotangent)

    return step


def scratch_infer(name: str, batch: int) -> Step:
    """Return a forward pass of the NumPy twin that keeps nothing."""
    from scratch.nn import inference

    layer, x = _scratch(name, batch)

    def step() -> None:
        with inference():
            layer(x)

    return step


def torch_train(name: str, batch: int, compile: bool = False) -> Step:
    """Return forward and backward of the torch twin, in eager mode or compiled."""
    import torch

    layer, x = torch_layer(name, batch)
    x.requires_grad_(not LAYERS[name].is_first)
    run = torch.compile(layer) if compile else layer
    dy = _used(layer(x)).detach()
    return lambda: _used(run(x)).backward(dy)


def torch_layer(name: str, batch: int) -> tuple[Any, Any]:
    """Return the layer of the torch twin and its input."""
    import torch

    one = LAYERS[name]
    layer, (weights, x) = getattr(torch.nn, one.kind)(**one.arguments), arrays(name, batch)
    for parameter, weight in zip(layer.parameters(), weights, strict=True):
        parameter.data.copy_(torch.from_numpy(weight))
    return layer, torch.from_numpy(x)


def arrays(name: str, batch: int) -> tuple[list[Any], Any]:
    """Return the same parameters and input for both frameworks."""
    import numpy as np

    from scratch import nn

    one, rng = LAYERS[name], np.random.default_rng(0)
    parameters = getattr(nn, one.kind)(**one.arguments).parameters()
    weights = [rng.standard_normal(p.data.shape) / p.data[0].size ** 0.5 for p in parameters]
    x = rng.standard_normal((batch, *one.shape)).astype(np.float32)
    return [weight.astype(np.float32) for weight in weights], x


def _scratch(name: str, batch: int) -> tuple[Any, Any]:
    import numpy as np

    from scratch import nn

    one = LAYERS[name]
    layer, (weights, x) = getattr(nn, one.kind)(**one.arguments), arrays(name, batch)
    for parameter, weight in zip(layer.parameters(), weights, strict=True):
        parameter.data[...] = weight
    if isinstance(one, Convolution):  # channels last, as it lies inside a network
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return layer, x


def _used(output: Any) -> Any:
    """Return what the next layer sees: the whole output, of a recurrent layer the last state."""
    if not isinstance(output, tuple):
        return output
    _, last = output
    return last[0] if isinstance(last, tuple) else last


def _cotangent(output: Any) -> Any:
    """Return a gradient of what is used, in the form that backward takes."""
    used = _used(output)
    if not isinstance(output, tuple):
        return used
    return None, (used, None) if isinstance(output[1], tuple) else used
