"""What is summed in batch normalisation with fixed statistics, for the proof that it is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Tensors = tuple[dict[str, Array], dict[str, float]]


def fixed_norm_terms(module: Any, x: Array, dy: Array, grain: Callable[[Array], float]) -> Tensors:
    """Return the sums of the absolute terms of every tensor, and what divides the terms.

    Both forms are covered, w (x - mean) / s + b and x (w / s) + (b - mean w / s).

    Args:
        module: torch's layer in float64, in evaluation.
        x: its input.
        dy: its cotangent.
        grain: gives the largest power of two that divides every entry.
    """
    keep = (-1, *[1] * (x.ndim - 2))
    axes = (0, *range(2, x.ndim))
    mean = np.abs(module.running_mean.numpy())
    inverse = 1 / np.sqrt(module.running_var.numpy() + module.eps)
    weight, bias = (
        np.full(mean.shape, default) if value is None else np.abs(value.detach().numpy())
        for value, default in ((module.weight, 1.0), (module.bias, 0.0))
    )
    spread = (np.abs(x) + mean.reshape(keep)) * inverse.reshape(keep)
    scale = (weight * inverse).reshape(keep)
    sums = {
        "output": spread * weight.reshape(keep) + bias.reshape(keep),
        "dx": np.abs(dy) * scale,
        "weight": (np.abs(dy) * spread).sum(axes),
        "bias": np.abs(dy).sum(axes),
    }
    fine = min(grain(x), grain(mean)) * grain(inverse)
    grains = {
        "output": min(fine * grain(weight), grain(bias)),
        "dx": grain(dy) * grain(inverse) * grain(weight),
        "weight": grain(dy) * fine,
        "bias": grain(dy),
    }
    return sums, grains
