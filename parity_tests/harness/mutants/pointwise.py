"""Faults of activations, dropout and flattening."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Call, Fault, planter
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)

RELU, RELU_BACK = "ops.activation.relu", "ops.activation.relu_backward"
SOFTMAX, SOFTMAX_BACK = "ops.activation.softmax", "ops.activation.softmax_backward"
DROPOUT, DROPOUT_BACK = "ops.dropout.dropout", "ops.dropout.dropout_backward"


@plant("ReLU mask >=", RELU_BACK, ["ReLU"], "backward dx", remembers=RELU)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * (call.x >= 0)


@plant("ReLU gradient one half at zero", RELU_BACK, ["ReLU"], "backward dx", remembers=RELU)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return original(dy, cache) + dy * (call.x == 0) / dy.dtype.type(2)


@plant("ReLU gradient by a product with the mask", RELU_BACK, ["ReLU"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    mask = original(np.ones_like(dy), cache)
    with np.errstate(invalid="ignore"):
        return dy * mask


@plant("ReLU turns NaN into zero", RELU, ["ReLU"], "forward output")
def _(original: Any, x: Array) -> Any:
    y, cache = original(x)
    return np.where(np.isnan(x), x.dtype.type(0), y), cache


@plant("ReLU in place", RELU, ["ReLU"], "forward output")
def _(original: Any, x: Array) -> Any:
    y, cache = original(x)
    x[...] = y
    return x, cache


@plant("sigmoid as exp(x) / (1 + exp(x))", "ops.activation.sigmoid", ["Sigmoid"], "forward output")
def _(original: Any, x: Array) -> Any:
    _, cache = original(x)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(x) / (1 + np.exp(x)), cache


@plant("sigmoid slope 1 - y", "ops.activation.sigmoid_backward", ["Sigmoid"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    (y,) = cache
    return dy * (1 - y)


@plant(
    "tanh as a quotient of exponentials",
    "ops.activation.tanh",
    ["Tanh", "ScaledTanh"],
    "forward output",
)
def _(original: Any, x: Array) -> Any:
    _, cache = original(x)
    with np.errstate(over="ignore", invalid="ignore"):
        return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)), cache


@plant("tanh slope 1 - y", "ops.activation.tanh_backward", ["Tanh", "ScaledTanh"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    (y,) = cache
    return dy * (1 - y)


@plant(
    "tanh overwrites the output it saved",
    "ops.activation.tanh_backward",
    ["Tanh"],
    "forward output",
)
def _(original: Any, dy: Array, cache: Any) -> Any:
    (y,) = cache
    np.subtract(1, y * y, out=y)
    return dy * y


@plant(
    "inner slope of the scaled tanh forgotten in dx",
    "nn.activation.ScaledTanh.backward",
    ["ScaledTanh"],
    "backward dx",
)
def _(original: Any, self: nn.ScaledTanh, d_output: Array) -> Any:
    return original(self, d_output) / self.slope


@plant("softmax Jacobian sign", SOFTMAX_BACK, ["Softmax"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    y, axis = cache
    return y * (dy + (dy * y).sum(axis=axis, keepdims=True))


@plant("softmax gradient of the diagonal alone", SOFTMAX_BACK, ["Softmax"], "backward dx")
def _(original: Any, dy: Array, cache: Any) -> Any:
    y, _ = cache
    return dy * y * (1 - y)


@plant("softmax without max shift", SOFTMAX, ["Softmax"], "forward output")
def _(original: Any, x: Array, axis: int) -> Any:
    _, cache = original(x, axis)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True), cache


@plant("softmax shifted by the maximum of the whole batch", SOFTMAX, ["Softmax"], "forward output")
def _(original: Any, x: Array, axis: int) -> Any:
    _, cache = original(x, axis)
    with np.errstate(invalid="ignore"):
        powers = np.exp(x - x.max())
        return powers / powers.sum(axis=axis, keepdims=True), cache


@plant("softmax along the last axis", SOFTMAX, ["Softmax"], "forward output")
def _(original: Any, x: Array, axis: int) -> Any:
    return original(x, -1)


@plant(
    "softmax without an axis along the second",
    "nn.activation.Softmax.forward",
    ["Softmax"],
    "forward output",
)
def _(original: Any, self: nn.Softmax, input: Array) -> Any:
    named, self.dim = self.dim, 1 if self.dim is None else self.dim
    try:
        return original(self, input)
    finally:
        self.dim = named


@plant("dropout scaled by (1-p)", DROPOUT, ["Dropout"], "forward output")
def _(original: Any, x: Array, p: float, mask: Array) -> Any:
    y, cache = original(x, p, mask)
    return y * x.dtype.type((1 - p) ** 2), cache


@plant("dropout not scaled in dx", DROPOUT_BACK, ["Dropout"], "backward dx", remembers=DROPOUT)
def _(original: Any, dy: Array, cache: Any, call: Call) -> Any:
    return dy * call.mask


@plant(
    "dropout mask redrawn in backward", "nn.dropout.Dropout.backward", ["Dropout"], "backward dx"
)
def _(original: Any, self: nn.Dropout, d_output: Array) -> Any:
    dx = original(self, d_output)
    if not self.training or self.mask is not None:
        return dx
    mask = self.generator.random(d_output.shape) >= self.p
    return d_output * mask / d_output.dtype.type(1 - self.p)


@plant(
    "dropout keeps with probability p", "nn.dropout.Dropout.forward", ["Dropout"], "forward mask"
)
def _(original: Any, self: nn.Dropout, input: Array) -> Any:
    pinned = self.mask
    if pinned is None:
        self.mask = np.asarray(self.generator.random(input.shape) < self.p)
    try:
        return original(self, input)
    finally:
        self.mask = pinned


@plant("dropout drops in evaluation", "nn.dropout.Dropout.forward", ["Dropout"], "forward output")
def _(original: Any, self: nn.Dropout, input: Array) -> Any:
    mode, self.training = self.training, True
    try:
        return original(self, input)
    finally:
        self.training = mode


@plant(
    "dropout backward asks for the mode anew",
    "nn.dropout.Dropout.backward",
    ["Dropout"],
    "backward dx",
)
def _(original: Any, self: nn.Dropout, d_output: Array) -> Any:
    dx = original(self, d_output)
    return dx if self.training else d_output


@plant(
    "flatten in the order H, W, C", "nn.containers.Flatten.forward", ["Flatten"], "forward output"
)
def _(original: Any, self: nn.Flatten, input: Array) -> Any:
    if self.start_dim != 1 or self.end_dim != -1:
        return original(self, input)
    return original(self, np.moveaxis(input, 1, -1)).reshape(len(input), -1)


@plant(
    "flatten gradient back in the order H, W, C",
    "nn.containers.Flatten.backward",
    ["Flatten"],
    "backward dx",
)
def _(original: Any, self: nn.Flatten, d_output: Array) -> Any:
    dx = original(self, d_output)
    return (
        np.moveaxis(dx.reshape(len(dx), *dx.shape[2:], dx.shape[1]), -1, 1) if dx.ndim == 4 else dx
    )
