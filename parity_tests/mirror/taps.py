"""Which module of either twin ran, in which order, and the shape of what it returned."""

from __future__ import annotations

from typing import Any

import numpy as np

Call = tuple[str, tuple[int, ...]]


def scratch_calls(model: Any, x: np.ndarray, training: bool = False) -> list[Call]:
    """Run a scratch model; return (path, output shape) of every module as it finishes.

    Of several outputs the shape is that of the first.
    """
    from scratch.nn import inference

    calls: list[Call] = []

    def tap(path: str, forward: Any) -> Any:
        def tapped(*inputs: Any) -> Any:
            output = forward(*inputs)
            calls.append((path, _first(output).shape))
            return output

        return tapped

    for path, module in model.named_modules():
        module.forward = tap(path, module.forward)
    with inference():
        model.train(training)(x)
    return calls


def torch_calls(model: Any, x: np.ndarray, training: bool = False) -> list[Call]:
    """Run a torch model; arguments and result as in `scratch_calls`."""
    import torch

    calls: list[Call] = []
    for path, module in model.named_modules():
        module.register_forward_hook(
            lambda module, inputs, output, path=path: calls.append(
                (path, tuple(_first(output).shape))
            )
        )
    with torch.inference_mode():
        model.train(training)(torch.from_numpy(x))
    return calls


def _first(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output


def leaves(model: Any) -> list[str]:
    """Return the paths of the modules without children, in order of registration."""
    return [path for path, module in model.named_modules() if not list(module.named_children())]
