"""Faults that any layer can have: memory, precision, layout, and what surrounds the layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, planter
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)


def _assigned(original: Any, self: nn.Module, d_output: Array) -> Any:
    for parameter in self._parameters.values():
        parameter.grad[...] = 0
    return original(self, d_output)


def _rebound(original: Any, self: nn.Module, d_output: Array) -> Any:
    for parameter in self._parameters.values():
        parameter.grad = np.zeros_like(parameter.grad)
    return original(self, d_output)


for _place, _layer in (
    ("nn.linear.Linear", "Linear"),
    ("nn.linear.ChannelScale", "ChannelScale"),
    ("nn.conv.Conv2d", "Conv2d"),
    ("nn.conv.TableConv2d", "TableConv2d"),
):
    _name = f"gradient of {_layer} assigned instead of accumulated"
    plant(_name, f"{_place}.backward", [_layer], "backward weight")(_assigned)
    _name = f"gradient of {_layer} replaced instead of accumulated"
    plant(_name, f"{_place}.backward", [_layer], "backward weight")(_rebound)


@plant(
    "first forward taken first (FIFO instead of LIFO)",
    "nn.module.Module.saved",
    ["Linear", "Conv2d", "Tanh", "MaxPool2d", "MSELoss", "Multiply"],
    "backward",
)
def _(original: Any, self: nn.Module) -> Any:
    self._stack.reverse()
    try:
        return original(self)
    finally:
        self._stack.reverse()


@plant(
    "latest forward alone remembered",
    "nn.module.Module.save",
    ["Linear", "Conv2d", "Tanh", "MaxPool2d", "MSELoss", "Multiply"],
    "backward",
)
def _(original: Any, self: nn.Module, values: Any) -> Any:
    original(self, *values)
    self._stack[:] = [self._stack[-1]] * len(self._stack)


@plant(
    "zero_grad leaves the gradient",
    "nn.parameter.Parameter.zero_grad",
    ["Linear"],
    "backward weight",
)
def _(original: Any, self: nn.Parameter) -> Any:
    return None


@plant(
    "zero_grad leaves forwards waiting",
    "nn.module.Module.forget",
    ["Linear", "Multiply"],
    "backward dx",
)
def _(original: Any, self: nn.Module) -> Any:
    return None


@plant(
    "buffers skipped when loaded",
    "nn.module.Module.load_state_dict",
    ["BCEWithLogitsLoss", "CrossEntropyLoss"],
    "forward output",
)
def _(original: Any, self: nn.Module, state: Any, strict: bool) -> Any:
    return original(self, {**state, **dict(self.named_buffers())}, strict)


@plant(
    "weights rounded to float32 when loaded",
    "nn.module.Module.load_state_dict",
    ["Linear", "Conv2d"],
    "forward output",
)
def _(original: Any, self: nn.Module, state: Any, strict: bool) -> Any:
    return original(self, {n: np.asarray(v).astype(np.float32) for n, v in state.items()}, strict)


@plant(
    "first weight skipped when loaded",
    "nn.module.Module.load_state_dict",
    ["Linear", "Conv2d"],
    "forward output",
)
def _(original: Any, self: nn.Module, state: Any, strict: bool) -> Any:
    own = self.state_dict()
    return original(self, {**state, **dict(list(own.items())[:1])}, strict)


def _in_float32(original: Any, x: Array, **more: Any) -> Any:
    _, cache = original(x=x, **more)
    narrow = {n: _narrowed(v) for n, v in {"x": x, **more}.items()}
    return np.asarray(original(**narrow)[0]).astype(x.dtype)[()], cache


def _narrowed(value: Any) -> Any:
    floating = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(np.float32) if floating else value


for _place, *_layers in (
    ("ops.linear.linear", "Linear"),
    ("ops.conv.conv2d", "Conv2d", "TableConv2d"),
    ("ops.scale.channel_scale", "ChannelScale"),
    ("ops.pool.avg_pool2d", "AvgPool2d"),
    ("ops.pool.max_pool2d", "MaxPool2d"),
    ("ops.activation.relu", "ReLU"),
    ("ops.activation.sigmoid", "Sigmoid"),
    ("ops.activation.tanh", "Tanh", "ScaledTanh"),
    ("ops.activation.softmax", "Softmax"),
    ("ops.loss.mse_loss", "MSELoss"),
    ("ops.loss.bce_with_logits", "BCEWithLogitsLoss"),
    ("ops.loss.cross_entropy", "CrossEntropyLoss"),
):
    plant(f"{_layers[0]} in float32 inside", _place, _layers, "forward output")(_in_float32)


@plant(
    "gradients in float32 inside",
    "ops.conv.conv2d_backward",
    ["Conv2d", "TableConv2d"],
    "backward",
    remembers="ops.conv.conv2d",
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    narrow = {n: _narrowed(v) for n, v in call.arguments.items()}
    found = original(dy.astype(np.float32), call.forward(**narrow)[1])
    return tuple(None if v is None else v.astype(dy.dtype) for v in found)


@plant(
    "result raised to float64 by a scalar", "ops.pool.avg_pool2d", ["AvgPool2d"], "forward output"
)
def _(original: Any, **arguments: Any) -> Any:
    y, cache = original(**arguments)
    return y * np.float64(1.0), cache


@plant(
    "dx raised to float64 by a scalar",
    "ops.scale.channel_scale_backward",
    ["ChannelScale"],
    "backward dx",
)
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, *more = original(dy, cache)
    return dx * np.float64(1.0), *more


_workspaces: dict[Any, Array] = {}


def _in_workspace(value: Array) -> Array:
    """Return the value in a buffer that the next result of the same shape overwrites."""
    buffer = _workspaces.setdefault((value.shape, value.dtype), np.empty_like(value))
    buffer[...] = value
    return buffer


@plant(
    "output in a workspace that is used again",
    "ops.conv.conv2d",
    ["Conv2d", "TableConv2d"],
    "forward output",
)
def _(original: Any, **arguments: Any) -> Any:
    y, cache = original(**arguments)
    return _in_workspace(y), cache


@plant(
    "dx in a workspace that is used again", "ops.linear.linear_backward", ["Linear"], "backward dx"
)
def _(original: Any, dy: Array, cache: Any) -> Any:
    dx, *more = original(dy, cache)
    return _in_workspace(dx), *more


@plant(
    "saved input in a workspace that is used again",
    "ops.linear.linear",
    ["Linear"],
    "backward weight",
)
def _(original: Any, x: Array, **more: Any) -> Any:
    y, cache = original(x=x, **more)
    return y, cache._replace(x=_in_workspace(x))


@plant(
    "dx written into the saved input",
    "ops.conv.conv2d_backward",
    ["Conv2d", "TableConv2d"],
    "backward dx",
    remembers="ops.conv.conv2d",
)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    dx, *more = original(dy, cache)
    call.x[...] = dx
    return call.x, *more


@plant("cotangent scaled in place", "ops.pool.avg_pool2d_backward", ["AvgPool2d"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    dy *= 1
    return original(dy, cache)


def _as_it_lies(value: Array) -> Array:
    """Return the numbers in the order in which they lie in memory, taken for C order."""
    return value.ravel(order="K").reshape(value.shape)


@plant("input taken to lie in C order", "ops.linear.linear", ["Linear"], "forward output")
def _(original: Any, x: Array, **more: Any) -> Any:
    return original(x=_as_it_lies(x), **more)


@plant(
    "channels-last input taken to lie in C order",
    "ops.pool.max_pool2d",
    ["MaxPool2d"],
    "forward output",
)
def _(original: Any, x: Array, **more: Any) -> Any:
    return original(x=_as_it_lies(x), **more)


@plant(
    "cotangent taken to lie in C order",
    "ops.conv.conv2d_backward",
    ["Conv2d", "TableConv2d"],
    "backward dx",
)
def _(original: Any, dy: Array, cache: Any) -> Any:
    return original(_as_it_lies(dy), cache)
