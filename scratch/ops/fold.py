"""A fixed scale and shift behind a linear map, made part of the map."""

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array


def fold_norm(
    weight: Array,
    bias: Array | None,
    gamma: Array | None,
    beta: Array | None,
    mean: Array,
    variance: Array,
    eps: float,
) -> tuple[Array, Array]:
    r"""Return the kernels and the bias of a layer that also does the normalisation behind it.

    Batch normalisation in evaluation gives every channel a factor and a shift that no input
    changes, and a convolution (or a fully connected layer) is a sum of products:

    .. math:: \gamma_o \frac{(w_o \cdot x + b_o) - \mu_o}{\sqrt{\sigma_o^2 + \epsilon}} + \beta_o
        = (s_o w_o) \cdot x + (b_o - \mu_o)\,s_o + \beta_o, \qquad
        s_o = \frac{\gamma_o}{\sqrt{\sigma_o^2 + \epsilon}}

    It is computed in float64 and rounded once.

    Args:
        weight: ``(O, ...)``, output channels first.
        bias: ``(O,)``, or None.
        gamma: The scale of the normalisation, ``(O,)``, or None for 1.
        beta: Its shift, ``(O,)``, or None for 0.
        mean: ``(O,)``.
        variance: ``(O,)``.
        eps: Is added to the variance, inside the root.

    Returns:
        The weight, in shape, dtype and order of memory as before, and the bias ``(O,)``.

    Raises:
        ShapeError: Shapes or dtypes do not fit.

    Jacob et al. 2018, Quantization and training of neural networks, section 3.2.

    >>> one = np.array([1.0])
    >>> w, b = fold_norm(np.array([[3.0]]), 5 * one, 8 * one, 2 * one, one, 15 * one, eps=1.0)
    >>> w.tolist(), b.tolist()  # 8 / sqrt(15 + 1) = 2; 2 * 3 and (5 - 1) * 2 + 2
    ([[6.0]], [10.0])
    """
    checks.floating(weight)
    for values in (bias, gamma, beta, mean, variance):
        if values is not None:
            checks.shape(values, len(weight))
            checks.same_dtype(values, weight.dtype)
    wide = np.result_type(weight.dtype, np.float64)
    scale = (1 if gamma is None else gamma) / np.sqrt(variance.astype(wide) + eps)
    shift = ((0 if bias is None else bias) - mean.astype(wide)) * scale
    folded = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
    return folded.astype(weight.dtype), (shift + (0 if beta is None else beta)).astype(weight.dtype)
