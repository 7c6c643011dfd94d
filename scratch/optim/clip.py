"""Gradient clipping by the norm of all gradients together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scratch.nn import Parameter


def clip_grad_norm_(
    parameters: Iterable[Parameter],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> np.floating[Any]:
    """Scale all gradients down together so that their norm is at most `max_norm`.

    grad = grad min(1, max_norm / (norm + 1e-6)), with the norm of all gradients as one vector, as
    torch.nn.utils.clip_grad_norm_ has it. The gradients are replaced, never written into.
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013,
    algorithm 1 (without the 1e-6).

    Args:
        parameters: whose gradients are clipped.
        max_norm: largest norm afterwards.
        norm_type: order of the norm, `math.inf` for the largest absolute value.
        error_if_nonfinite: raise instead of scaling by a norm that is no number.

    Returns:
        The norm before clipping, in the gradients' dtype.

    Raises:
        RuntimeError: the norm is NaN or infinite and `error_if_nonfinite` is set.
    """
    parameters = list(parameters)
    if not parameters:
        return np.float32(0.0)
    norms = [np.linalg.norm(parameter.grad.ravel(), norm_type) for parameter in parameters]
    total: np.floating[Any] = np.linalg.norm(np.array(norms), norm_type)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped"
        )
    scale = np.minimum(max_norm / (total + 1e-6), 1.0)
    for parameter in parameters:
        parameter.grad = parameter.grad * scale.astype(parameter.grad.dtype)
    return total
