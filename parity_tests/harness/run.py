"""Run one module of either kind, forward and backward, and bring everything back as arrays."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from parity_tests.harness import outputs
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass
class Result:
    """What a module made of inputs and a cotangent.

    Attributes:
        output: forward result; a NamedTuple if there are several.
        dx: gradient of each differentiable input.
        gradients: gradient of each parameter, by name.
        buffers: what forward left in each buffer, by name.
    """

    output: Any
    dx: tuple[Array, ...]
    gradients: dict[str, Array]
    buffers: dict[str, Array] = field(default_factory=dict)

    def tensors(self) -> dict[str, Array]:
        """Return everything by name: output or output[FIELD], dx or dx0, dx1, ..., state."""
        single = len(self.dx) == 1
        named = {"dx" if single else f"dx{i}": value for i, value in enumerate(self.dx)}
        made = outputs.named("output", self.output)
        return {**made, **named, **self.gradients, **self.buffers}


class BrokenError(Exception):
    """The judged module raised where the reference computed.

    Attributes:
        direction: "forward" or "backward".
        reason: type and text of what was raised.
        output: what forward had returned, None if it was forward that raised.
    """

    def __init__(self, direction: str, cause: Exception, output: Any = None) -> None:
        super().__init__(direction, cause)
        self.output = output
        self.direction = direction
        self.reason = f"raised {type(cause).__name__}: {cause}"


def cast(values: tuple[Array, ...], dtype: Any) -> tuple[Array, ...]:
    """Cast floating arrays to `dtype` and leave integer ones."""
    return tuple(v.astype(dtype) if np.issubdtype(v.dtype, np.inexact) else v for v in values)


def is_loss(module: Any) -> bool:
    """Whether the module is a criterion, whose second input, the target, has no gradient."""
    return type(module).__name__.endswith("Loss")


def is_buffer(name: str) -> bool:
    """Whether a tensor of a result is a running statistic, which forward makes."""
    return name.rpartition(".")[2] in ("running_mean", "running_var", "num_batches_tracked")


@contextlib.contextmanager
def scratch_buffers_kept(module: nn.Module) -> Iterator[None]:
    """Put every buffer back at the end, whatever the forwards inside have made of it."""
    held = [
        (part, name, value)
        for _, part in module.named_modules()
        for name, value in part._buffers.items()
    ]
    try:
        yield
    finally:
        for part, name, value in held:
            setattr(part, name, value)


def run_scratch(module: nn.Module, inputs: tuple[Array, ...], d_output: Any) -> Result:
    """Run a scratch module in the dtype of its inputs, into which it cannot write.

    Its buffers are reported, and afterwards what they were before.

    Raises:
        BrokenError: it raised.
    """
    module.zero_grad()
    inputs, d_output = tuple(map(_frozen, inputs)), outputs.each(_frozen, d_output)
    with scratch_buffers_kept(module):
        try:
            output = outputs.call(module, inputs)
        except Exception as cause:
            raise BrokenError("forward", cause) from cause
        buffers = {n: np.array(value) for n, value in module.named_buffers() if is_buffer(n)}
    try:
        dx = backward(module, d_output)
    except Exception as cause:
        raise BrokenError("backward", cause, outputs.each(np.asarray, output)) from cause
    gradients = {name: parameter.grad for name, parameter in module.named_parameters()}
    made = outputs.each(np.asarray, output)
    return Result(made, dx, gradients, buffers)


def backward(module: nn.Module, d_output: Any) -> tuple[Array, ...]:
    """Return the gradient of each input from a scratch backward; numbers are given as numbers."""
    given = outputs.each(lambda v: v if np.ndim(v) else v[()], d_output)
    return outputs.leaves(module.backward(outputs.nested(given)))


def _frozen(value: Array) -> Array:
    view = np.asarray(value).view()
    view.flags.writeable = False
    return view


def run_torch(
    module: torch.nn.Module, inputs: tuple[Array, ...], d_output: Any, device: str = "cpu"
) -> Result:
    """Run a torch module in the dtype of its inputs, on the device on which it lies.

    Its buffers are reported, and afterwards what they were before.
    """
    tensors = [torch.from_numpy(np.array(value)).to(device) for value in inputs]
    wanted = [t for t in tensors if t.is_floating_point()][: 1 if is_loss(module) else None]
    for tensor in wanted:
        tensor.requires_grad_(True)
    parameters = dict(module.named_parameters())
    held = {name: value.clone() for name, value in module.named_buffers()}
    output = outputs.call(module, tuple(tensors))
    buffers = {}
    for name, value in module.named_buffers():
        if is_buffer(name):
            buffers[name] = value.detach().cpu().numpy().copy()
        value.data.copy_(held[name])
    made = outputs.parts(output)
    cotangents = [
        torch.from_numpy(np.array(given)).reshape(value.shape).to(device, value.dtype)
        for given, value in zip(outputs.parts(d_output), made, strict=True)
    ]
    found = torch.autograd.grad(
        made,
        [*wanted, *parameters.values()],
        cotangents,
        allow_unused=True,
        materialize_grads=True,
    )
    output = outputs.each(_array, output)
    arrays = [_array(value) for value in found]
    split = len(wanted)
    gradients = dict(zip(parameters, arrays[split:], strict=True))
    return Result(output, tuple(arrays[:split]), gradients, buffers)


def _array(value: torch.Tensor) -> Array:
    return value.detach().cpu().numpy()
