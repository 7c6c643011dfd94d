"""Loss functions: how wrong an output is, and which way to change it."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks, reductions
from scratch.ops.activation import absolute, log_softmax, relu, sigmoid
from scratch.ops.checks import Array
from scratch.ops.labels import row_losses, wanted


class DifferenceCache(NamedTuple):
    """The differences, and how their squares were reduced."""

    difference: Array
    reduction: str
    total: float


def mse_loss(x: Array, target: Array, reduction: str = "mean") -> tuple[Any, DifferenceCache]:
    r"""Return the mean squared error, over all entries.

    .. math:: L = \frac{1}{n} \sum_i (x_i - t_i)^2

    Args:
        x: Outputs, any shape.
        target: The same shape.
        reduction: "mean" (n is the number of entries), "sum" or "none".

    Returns:
        The loss, a number (an array of the shape of ``x`` with "none"), and the cache for
        :func:`mse_loss_backward`.

    Raises:
        ShapeError: Shapes or dtypes differ, or the batch is empty.

    >>> float(mse_loss(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]))[0])  # (1 + 9) / 2
    5.0
    """
    return _squared(x, target, reduction, x.size)


def mse_loss_backward(d_loss: Any, cache: DifferenceCache) -> Array:
    r"""Return the gradient of the squared error: :math:`dx_i = dL \cdot 2 (x_i - t_i) / n`.

    Args:
        d_loss: The gradient of the loss: a number, or an array with "none".
        cache: What :func:`mse_loss` returned.

    Returns:
        ``dx`` of the shape of ``x``.

    Raises:
        ShapeError: ``d_loss`` has not the shape of the loss.

    >>> _, cache = mse_loss(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]))
    >>> mse_loss_backward(1.0, cache).tolist()
    [[-1.0], [3.0]]
    """
    return _squared_backward(d_loss, cache)


def half_mse_loss(x: Array, target: Array) -> tuple[Any, DifferenceCache]:
    r"""Return the book's squared error: half the squares, summed over outputs, mean over samples.

    .. math:: L = \frac{1}{2m} \sum_i (x_i - t_i)^2

    The half cancels the 2 of the derivative.

    Args:
        x: Outputs, ``(m, ...)``.
        target: The same shape.

    Returns:
        The loss, a number, and the cache for :func:`half_mse_loss_backward`.

    Raises:
        ShapeError: Shapes or dtypes differ, or the batch is empty.

    The book, chapter 4.

    >>> float(half_mse_loss(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]))[0])  # 10 / (2*2)
    2.5
    """
    if x.ndim == 0 or x.size == 0:  # names for the axes cost a twelfth of a step: only for an error
        checks.shape(x, "m", *(f"axis {k}" for k in range(1, x.ndim)))
    return _squared(x, target, "mean", 2 * len(x))


def half_mse_loss_backward(d_loss: Any, cache: DifferenceCache) -> Array:
    r"""Return the gradient of the book's squared error: :math:`dx_i = dL \cdot (x_i - t_i) / m`.

    Args:
        d_loss: The gradient of the loss, a number.
        cache: What :func:`half_mse_loss` returned.

    Returns:
        ``dx`` of the shape of ``x``.

    Raises:
        ShapeError: ``d_loss`` is not a number.

    >>> _, cache = half_mse_loss(np.array([[1.0], [5.0]]), np.array([[2.0], [2.0]]))
    >>> half_mse_loss_backward(1.0, cache).tolist()
    [[-0.5], [1.5]]
    """
    return _squared_backward(d_loss, cache)


class BCECache(NamedTuple):
    """The derivative of every single loss, and how they were reduced."""

    slope: Array
    reduction: str


def bce_with_logits(
    x: Array,
    target: Array,
    weight: Array | None = None,
    pos_weight: Array | None = None,
    reduction: str = "mean",
) -> tuple[Any, BCECache]:
    r"""Return the binary cross-entropy of logits: sigmoid and loss in one, without overflow.

    With :math:`a = \sigma(x)` the loss :math:`-w\,[\,p\,t \ln a + (1 - t) \ln(1 - a)\,]` becomes

    .. math:: l = w\,\bigl[(1 - t)\,x + (1 - t + p\,t)\,\ln(1 + e^{-x})\bigr], \qquad
        \ln(1 + e^{-x}) = \ln(1 + e^{-|x|}) + \max(-x, 0)

    because :math:`\ln a = -\ln(1 + e^{-x})` and :math:`\ln(1 - a) = -x - \ln(1 + e^{-x})`.

    Args:
        x: Logits, any shape.
        target: Probabilities or labels 0 and 1, the same shape.
        weight: A factor w for every entry; broadcasts to the shape of ``x``.
        pos_weight: A factor p for the positive part; broadcasts likewise.
        reduction: "mean" (over all entries, whatever the weights), "sum" or "none".

    Returns:
        The loss, a number (an array of the shape of ``x`` with "none"), and the cache for
        :func:`bce_with_logits_backward`.

    Raises:
        ShapeError: Shapes or dtypes do not fit, or the batch is empty.

    The book, chapter 6.

    >>> float(bce_with_logits(np.array([[0.0]]), np.array([[1.0]]))[0])  # ln 2
    0.6931471805599453
    >>> float(bce_with_logits(np.array([[-1e4]]), np.array([[1.0]]))[0])
    10000.0
    """
    checks.alike(x, target)
    reductions.check(reduction)
    for factor in (weight, pos_weight):
        if factor is not None:
            checks.broadcasts(factor, x)
    scale = 1 if weight is None else weight
    positive = target if pos_weight is None else pos_weight * target
    softplus = np.log1p(np.exp(-absolute(x))) + relu(-x)[0]
    with np.errstate(invalid="ignore"):
        losses = scale * ((1 - target) * x + (1 - target + positive) * softplus)
    slope = scale * ((1 - target + positive) * sigmoid(x)[0] - positive)
    return reductions.reduce(losses, reduction, x.size), BCECache(slope, reduction)


def bce_with_logits_backward(d_loss: Any, cache: BCECache) -> Array:
    r"""Return the gradient of the binary cross-entropy.

    From :math:`\frac{d}{dx} \ln(1 + e^{-x}) = \sigma(x) - 1`:

    .. math:: dl/dx = w\,[(1 - t) + (1 - t + p t)(\sigma - 1)] = w\,[(1 - t + p t)\,\sigma - p t],

    which without weights is the book's *a - y*.

    Args:
        d_loss: The gradient of the loss: a number, or an array with "none".
        cache: What :func:`bce_with_logits` returned.

    Returns:
        ``dx`` of the shape of ``x``.

    Raises:
        ShapeError: ``d_loss`` has not the shape of the loss.

    >>> _, cache = bce_with_logits(np.array([[0.0]]), np.array([[1.0]]))
    >>> bce_with_logits_backward(1.0, cache).tolist()
    [[-0.5]]
    """
    slope, how = cache
    return slope * reductions.spread(d_loss, slope.shape, how, slope.size, slope)


class CrossEntropyCache(NamedTuple):
    """Log-probabilities, the weight of each in the loss, and how the rows were reduced."""

    log_p: Array
    q: Array
    counted: Array | None
    reduction: str
    total: Any
    asked: Array | None


def cross_entropy(
    x: Array,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> tuple[Any, CrossEntropyCache]:
    r"""Return the cross-entropy of logits: softmax and loss in one, without overflow.

    .. math:: l_n = -\sum_c q_{nc} \ln p_{nc}, \qquad p_n = \mathrm{softmax}(x_n)

    With plain labels q is 1 at the class and 0 elsewhere; :func:`labels.wanted` has the rest.

    Args:
        x: Logits ``(N, C)``.
        target: Class numbers ``(N,)``, or probabilities ``(N, C)``.
        weight: A factor for every class, ``(C,)``.
        ignore_index: A label whose rows count for nothing.
        label_smoothing: The share of the target that is spread evenly over all classes.
        reduction: "mean" (divides by the sum of the weights of the labels; by N for
            probabilities; NaN if no row counts), "sum" or "none".

    Returns:
        The loss, a number (``(N,)`` with "none"), and the cache for
        :func:`cross_entropy_backward`.

    Raises:
        ShapeError: Shapes or dtypes do not fit, the batch is empty, or a label is no class.

    The book, chapter 7.

    >>> x = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))
    >>> loss, _ = cross_entropy(x, np.array([1, 0]), reduction="sum")  # -ln 3/4 - ln 1/2
    >>> bool(abs(loss - np.log(8 / 3)) < 1e-15)
    True
    """
    checks.shape(x, "N", "C")
    checks.floating(x)
    reductions.check(reduction)
    want = wanted(x, target, weight, ignore_index, label_smoothing)
    log_p, _ = log_softmax(x, 1)
    losses = row_losses(want, log_p)
    cache = CrossEntropyCache(log_p, want.q, want.counted, reduction, want.total, want.asked)
    return reductions.reduce(losses, reduction, want.total), cache


def cross_entropy_backward(d_loss: Any, cache: CrossEntropyCache) -> Array:
    r"""Return the gradient of the cross-entropy.

    With :math:`\partial \ln p_c / \partial x_k = [c = k] - p_k`:

    .. math:: dl/dx_k = -\sum_c q_c ([c = k] - p_k) = p_k \sum_c q_c - q_k,

    which for plain labels is the book's *a - y*.

    Args:
        d_loss: The gradient of the loss: a number, or ``(N,)`` with "none".
        cache: What :func:`cross_entropy` returned.

    Returns:
        ``dx (N, C)``.

    Raises:
        ShapeError: ``d_loss`` has not the shape of the loss.

    >>> _, cache = cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))  # p = (1/2, 1/2)
    >>> cross_entropy_backward(1.0, cache).tolist()
    [[0.5, -0.5]]
    """
    log_p, q, counted, how, total, asked = cache
    d_rows = reductions.spread(d_loss, log_p.shape[:1], how, total, log_p)
    if counted is not None:
        d_rows = np.where(counted, d_rows, log_p.dtype.type(0))
    p = np.exp(log_p) if asked is None else np.exp(log_p) * asked[:, None]
    return (p - q) * d_rows.reshape(-1, 1)


def _squared(x: Array, target: Array, reduction: str, total: int) -> tuple[Any, DifferenceCache]:
    """Square the differences and reduce them."""
    checks.alike(x, target)
    reductions.check(reduction)
    difference = x - target
    loss = reductions.reduce(difference * difference, reduction, total)
    return loss, DifferenceCache(difference, reduction, total)


def _squared_backward(d_loss: Any, cache: DifferenceCache) -> Array:
    """Return 2 times the difference times the gradient of each square."""
    difference, how, total = cache
    d_squares = reductions.spread(d_loss, difference.shape, how, total, difference)
    return difference * (d_squares + d_squares)  # the number is doubled, not the array
