"""Weights, inputs and targets of a chapter: random, with power, and inside its domain."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness import inputs
from scratch import nn, spec
from scratch.build import construct

Array = np.ndarray[Any, np.dtype[Any]]


def drawn(
    chapter: spec.Chapter,
    state: dict[str, Array],
    shape: tuple[int, ...],
    rng: np.random.Generator,
    dtype: Any = np.float64,
) -> tuple[dict[str, Array], Array]:
    """Draw weights and inputs of a chapter, inside the domain of one that has one.

    Args:
        chapter: whose network it is.
        state: shapes of all weights.
        shape: of the inputs, with the batch.
        rng: source of the numbers.
        dtype: everything is representable in it.
    """
    if chapter.domain is None:
        return inputs.moved(state, rng, dtype), inputs.signed(rng, shape, dtype)
    weights = {
        name: inputs.sized(rng, value.shape, chapter.domain.weights, dtype)
        for name, value in state.items()
    }
    return weights, inputs.sized(rng, shape, chapter.domain.inputs, dtype)


def targets(chapter: spec.Chapter, rng: np.random.Generator, dtype: str, samples: int) -> Array:
    """Draw targets of a chapter's task: of the output's shape, or class indices (samples,)."""
    data = chapter.data
    if chapter.domain is not None:
        return np.abs(inputs.sized(rng, (samples, 1), chapter.domain.targets, dtype))
    if data.task == "regression":
        return inputs.signed(rng, (samples, *_output(chapter)), dtype)
    if data.task == "binary":
        labels = np.asarray(data.options.get("labels", (0, 1)), dtype=np.float64)
        return labels[rng.integers(0, 2, (samples, *_output(chapter)))]
    return rng.integers(0, len(data.classes), samples)


def _output(chapter: spec.Chapter) -> tuple[int, ...]:
    """Return the shape of one output."""
    with nn.inference():
        made = construct(chapter).eval()(np.zeros((1, *chapter.data.shape), np.float32))
    return tuple(made.shape[1:])
