"""What the recurrent operations share: their checks, and the products that need no loop over time.

A recurrent layer multiplies at every time step its input and its state by weights. The inputs of
all steps are known beforehand, so they take one product; the states come one after the other. On
the way back a loop finds the gradients of all sums; then each weight's gradient is one product
again, over all steps and samples at once.
"""

from scratch.ops import checks, linear
from scratch.ops.checks import Array
from scratch.ops.linear import LinearCache


def check(
    x: Array,
    h0: Array,
    weight_ih: Array,
    weight_hh: Array,
    bias_ih: Array | None,
    bias_hh: Array | None,
    gates: int = 1,
) -> None:
    """Check the arguments that all recurrent operations have.

    Args:
        x: ``(T, N, in)``, at least one step and one sample.
        h0: ``(N, H)``.
        weight_ih: ``(gates * H, in)``.
        weight_hh: ``(gates * H, H)``.
        bias_ih: ``(gates * H,)`` or None.
        bias_hh: The same.
        gates: How many sums a unit takes.

    Raises:
        ShapeError: Sizes or dtypes do not fit together.

    >>> import numpy as np
    >>> check(np.ones((2, 1, 3)), np.ones((1, 5)), np.ones((4, 3)), np.ones((4, 4)), None, None)
    Traceback (most recent call last):
    scratch.ops.checks.ShapeError: expects (1, 4); got (1, 5)
    """
    several = "H" if gates == 1 else f"{gates} H"
    checks.shape(weight_hh, several, "H")
    checks.floating(weight_hh)
    hidden = weight_hh.shape[1]
    checks.shape(weight_hh, gates * hidden, hidden)
    checks.shape(weight_ih, gates * hidden, "in")
    checks.shape(x, "T", "N", weight_ih.shape[1])
    checks.shape(h0, x.shape[1], hidden)
    for array in (weight_ih, x, h0):
        checks.same_dtype(array, weight_hh.dtype)
    for bias in (bias_ih, bias_hh):
        if bias is not None:
            checks.shape(bias, gates * hidden)
            checks.same_dtype(bias, weight_hh.dtype)


def input_sums(
    x: Array, weight_ih: Array, bias_ih: Array | None, bias_hh: Array | None = None
) -> Array:
    r"""Return what the inputs and the biases contribute to the sums of all steps, in one product.

    Args:
        x: ``(T, N, in)``.
        weight_ih: ``(G, in)``.
        bias_ih: ``(G,)`` or None.
        bias_hh: The same; left out where the operation adds it elsewhere.

    Returns:
        ``(T, N, G)``.

    >>> import numpy as np
    >>> input_sums(np.array([[[2.0]], [[3.0]]]), np.array([[10.0]]), np.array([1.0])).tolist()
    [[[21.0]], [[31.0]]]
    """
    bias = bias_ih if bias_hh is None else bias_hh if bias_ih is None else bias_ih + bias_hh
    sums, _ = linear.linear(x, weight_ih, bias)
    return sums


def gradients_of_product(
    d_sums: Array, factor: Array, weight: Array, has_bias: bool, needs_dx: bool
) -> tuple[Array | None, Array, Array | None]:
    """Return the gradients of ``factor * weight^T + bias`` over all steps, one product each.

    Args:
        d_sums: ``(T, N, G)``, the gradients of the sums.
        factor: ``(T, N, K)``: the inputs, or the states before each step.
        weight: ``(G, K)``.
        has_bias: Whether a bias was added.
        needs_dx: Whether the gradient of ``factor`` is wanted.

    Returns:
        ``dfactor (T, N, K)`` (None if not wanted), ``dweight (G, K)`` and ``dbias (G,)`` or None.

    >>> import numpy as np
    >>> steps = np.array([[[2.0]], [[3.0]]])
    >>> gradients_of_product(np.ones((2, 1, 1)), steps, np.ones((1, 1)), True, False)
    (None, array([[5.]]), array([2.]))
    """
    return linear.linear_backward(d_sums, LinearCache(factor, weight, has_bias, needs_dx))
