"""What a classification target asks for: the weight of every log-probability in the loss."""

from typing import Any, NamedTuple

import numpy as np

from scratch.ops import checks
from scratch.ops.checks import Array, ShapeError


class Wanted(NamedTuple):
    """The target of a cross-entropy as numbers."""

    q: Array
    """(N, C): the loss of a row is -sum(q * log p)."""
    counted: Array | None
    """(N,) booleans: False where the label is the ignored one; None if every row counts."""
    labels: Array | None
    """(N,) the classes (0 where ignored), or None where a row asks for several."""
    total: Any
    """What a mean over the rows divides by; NaN where nothing counts."""
    asked: Array | None
    """(N,) the sums of q over the classes; None if all are 1, each row asking for its class alone.
    """


def wanted(
    x: Array, target: Array, weight: Array | None, ignore_index: int, smoothing: float
) -> Wanted:
    r"""Read the target of a cross-entropy.

    .. math:: q_{nc} = w_c\,\bigl[(1 - \varepsilon)\,t_{nc} + \varepsilon / C\bigr]

    where t is 1 for the class of the label and 0 elsewhere, or the given probabilities. An ignored
    row has q = 0. A mean divides by the number of rows; with labels, by the sum of the weights of
    the labels that count.

    Args:
        x: The logits (N, C), for their shape and dtype.
        target: (N,) integers, or (N, C) probabilities.
        weight: (C,) or None.
        ignore_index: The label that asks for nothing.
        smoothing: The share of the target that is spread evenly over all classes.

    Raises:
        ShapeError: The parts do not fit together, or a label is no class.

    Szegedy et al. 2016, Rethinking the inception architecture, section 7 (label smoothing).

    >>> wanted(np.zeros((2, 4)), np.array([1, -100]), None, -100, 0.5).q.tolist()
    [[0.125, 0.625, 0.125, 0.125], [0.0, 0.0, 0.0, 0.0]]
    """
    n, classes = x.shape
    if not 0 <= smoothing <= 1:
        raise ShapeError("a label_smoothing between 0 and 1", smoothing)
    plain = weight is None and smoothing == 0
    if weight is None:
        weight = np.ones(classes, x.real.dtype)
    checks.shape(weight, classes)
    checks.companion(weight, x.dtype)
    if target.dtype.kind in "iu":
        checks.shape(target, n)
        counted = _counted(target, classes, ignore_index)
        if plain and counted is None:
            return _of_plain_labels(target, weight)
        return _of_labels(target, weight, counted, smoothing)
    checks.shape(target, n, classes)
    checks.companion(target, x.dtype)
    if ignore_index >= 0:
        raise ShapeError("labels, not probabilities, with ignore_index", ignore_index)
    q = (target * (1 - smoothing) + smoothing / classes) * weight
    return Wanted(q, None, None, n, q.sum(axis=1))


def _of_plain_labels(labels: Array, like: Array) -> Wanted:
    """Read labels that all count and weigh the same: the most usual target in half the time."""
    n = len(labels)
    q = np.zeros((n, len(like)), like.dtype)
    q[np.arange(n), labels] = 1
    return Wanted(q, None, labels, n, None)


def _of_labels(target: Array, weight: Array, counted: Array | None, smoothing: float) -> Wanted:
    """Read a target of class numbers."""
    n, classes = len(target), len(weight)
    counts = np.ones(n, bool) if counted is None else counted
    labels = np.where(counts, target, 0)
    rows = np.flatnonzero(counts)
    weights = weight[labels[rows]]  # of the rows that count
    q = np.zeros((n, classes), weight.dtype)
    if smoothing:
        q[rows] = smoothing / classes * weight
    q[rows, labels[rows]] += (1 - smoothing) * weights
    total: Any = weights.sum()
    if total == 0:
        total = np.nan
    return Wanted(q, counted, None if smoothing else labels, total, q.sum(axis=1))


@np.errstate(invalid="ignore")
def row_losses(want: Wanted, log_p: Array) -> Array:
    """Return the cross-entropy of every row, 0 where it does not count.

    Args:
        want: What the target asks for.
        log_p: (N, C), the logarithms of the probabilities.

    >>> row_losses(wanted(np.zeros((1, 2)), np.array([1]), None, -100, 0.0), np.array([[-9, -3.0]]))
    array([3.])
    """
    losses: Array
    if want.labels is None:
        losses = -(want.q * log_p).sum(axis=1)
    else:  # 0 times infinity shall not reach the one that counts
        losses = -log_p[np.arange(len(log_p)), want.labels]
        if want.asked is not None:
            losses *= want.asked
    if want.counted is not None:
        losses = np.where(want.counted, losses, losses.dtype.type(0))
    return losses


def _counted(target: Array, classes: int, ignore_index: int) -> Array | None:
    """Return which labels count, None for all; refuse those that are no class.

    Mostly two numbers, the smallest and the largest label, say that all is well.
    """
    is_class = np.minimum.reduce(target) >= 0 and np.maximum.reduce(target) < classes
    if is_class and not 0 <= ignore_index < classes:
        return None
    counted: Array = target != ignore_index
    outside = counted & ((target < 0) | (target >= classes))
    if outside.any():
        raise ShapeError(f"class labels from 0 to {classes - 1}", target[outside][0])
    return None if counted.all() else counted


def rows(x: Array, target: Array) -> tuple[Array, Array]:
    """Give every place of every sample a row of its own, so that maps are classified like samples.

    Args:
        x: Logits (N, C, ...).
        target: Class numbers (N, ...), or probabilities of the shape of ``x``.

    Returns:
        Logits (M, C), and class numbers (M,) or probabilities (M, C); M counts the places of all
        samples. Two-dimensional logits stay as they are.

    Raises:
        ShapeError: The target has neither shape.

    >>> rows(np.array([[[1, 2], [3, 4]]]), np.array([[0, 1]]))  # two places, two classes
    (array([[1, 3],
           [2, 4]]), array([0, 1]))
    """
    if x.ndim <= 2:
        return x, target
    classes = x.shape[1]
    if np.issubdtype(target.dtype, np.integer):
        checks.shape(target, len(x), *x.shape[2:])
        return np.moveaxis(x, 1, -1).reshape(-1, classes), target.reshape(-1)
    checks.shape(target, *x.shape)
    both = [np.moveaxis(value, 1, -1).reshape(-1, classes) for value in (x, target)]
    return both[0], both[1]


def maps(values: Array, shape: tuple[int, ...]) -> Array:
    """Put rows (M, C) back where :func:`rows` took them from, in the shape (N, C, ...)."""
    if len(shape) <= 2:
        return values
    return np.moveaxis(values.reshape(shape[0], *shape[2:], shape[1]), -1, 1)
