"""Which module of either twin ran, in which order, and the shape of what it returned."""

from __future__ import annotations

from typing import Any

import numpy as np

Call = tuple[str, tuple[int, ...]]


def scratch_calls(model: Any, x: np.ndarray) -> list[Call]:
    """Run a scratch model; return (path, output shape) of every module as it finishes."""
    from scratch.nn import inference

    calls: list[Call] = []

    def tap(path: str, forward: Any) -> Any:
        def tapped(*inputs: Any) -> Any:
            output = forward(*inputs)
            calls.append((path, output.shape))
            return output

        return tapped

    for path, module in model.named_modules():
        module.forward = tap(path, module.forward)
    with inference():
        model.eval()(x)
    return calls


def torch_calls(model: Any, x: np.ndarray) -> list[Call]:
    """Run a torch model; return (path, output shape) of every module as it finishes."""
    import torch

    calls: list[Call] = []
    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda module, inputs, output, path=path: calls.append((path, tuple(output.shape)))
        )
    with torch.inference_mode():
        model.eval()(torch.from_numpy(x))
    return calls


def leaves(model: Any) -> list[str]:
    """Return the paths of the modules without children, in order of registration."""
    return [path for path, module in model.named_modules() if not list(module.named_children())]
