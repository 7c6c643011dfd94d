"""From a network's outputs to words: class, probability, value."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]


def probabilities(task: str, outputs: Array) -> Array:
    """Return the probability of every class, in float64.

    Args:
        task: "binary" (one logit, the second class's) or "multiclass" (a logit per class).
        outputs: (N, 1) or (N, C).

    Returns:
        (N, 2) or (N, C); rows sum to 1.

    >>> probabilities("binary", np.array([[0.0]])).tolist()
    [[0.5, 0.5]]
    """
    logits = np.asarray(outputs, np.float64)
    if task == "binary":
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def all_right(outputs: Array) -> Array:
    """Return the probability (N,) that all of K yes-or-no answers are the likelier ones.

    The network gives each a logit, (N, K), and so takes them to be independent: the product.

    >>> all_right(np.array([[0.0, 0.0]])).tolist()
    [0.25]
    """
    likelier = probabilities("binary", np.abs(outputs).reshape(-1, 1))[:, 1]
    return np.asarray(likelier.reshape(outputs.shape).prod(axis=1))


def class_numbers(task: str, outputs: Array) -> Array:
    """Return the predicted class of every sample, (N, 1); of K binary answers (N, K).

    A binary logit of 0 is the first class.
    """
    if task == "binary":
        return np.asarray(outputs > 0).astype(int)
    return np.asarray(outputs.argmax(axis=1))[:, None]


def labels(task: str, classes: tuple[str, ...], outputs: Array) -> tuple[str, ...]:
    """Return the name of the predicted class of every sample; none for regression.

    Several binary answers are named one after the other.

    Raises:
        UserError: fewer names than classes.

    >>> labels("binary", ("no", "yes"), np.array([[2.0, -1.0]]))
    ('yes no',)
    """
    if task == "regression":
        return ()
    known = 2 if task == "binary" else outputs.shape[1]
    if len(classes) != known:
        raise UserError(f"{known} classes, but {len(classes)} names: {', '.join(classes)}")
    return tuple(
        " ".join(classes[number] for number in row) for row in class_numbers(task, outputs).tolist()
    )
