"""Inputs with power: signed, moved, tied and integer, all from one seeded generator."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness.traits import is_deep

Array = np.ndarray[Any, np.dtype[Any]]

NEGATIVE = 0.25  # share of the weights of such a network
NEGATIVE_SCALE = 0.1  # of the scales of its batch normalisations
EXACT_EPS = 2.0**-10  # of batch normalisation whose square root is exact


def generator(seed: int, *purpose: object) -> np.random.Generator:
    """Return a generator that depends on the seed and on what it is for."""
    return np.random.default_rng([seed, zlib.crc32(repr(purpose).encode())])


def signed(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
    """Draw N(0, 1), away from zero, representable in `dtype`, returned in float64.

    Never a cotangent of ones: sums of outputs have zero gradient through softmax and
    normalisation, so ones would hide their mistakes.
    """
    value = np.asarray(rng.standard_normal(shape))
    value += np.copysign(0.05, value)
    return value.astype(dtype).astype(np.float64)


def sized(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    sizes: tuple[float, float],
    dtype: Any = np.float64,
) -> Array:
    """Draw sizes from U(low, high) with random signs, representable in `dtype`, in float64."""
    value = rng.uniform(*sizes, shape) * rng.choice([-1, 1], shape)
    return np.asarray(value).astype(dtype).astype(np.float64)


def moved(
    state: Mapping[str, Array], rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, Array]:
    """Draw new values for every parameter and buffer, far from zeros and ones.

    Weights keep activations of order one (variance 1/fan-in), biases and coefficients are of
    order one half; running variances are positive; counters are small integers.
    """
    values: dict[str, Array] = {}
    for name, old in state.items():
        if not np.issubdtype(old.dtype, np.floating):
            values[name] = rng.integers(1, 9, old.shape).astype(old.dtype)
            continue
        values[name] = _moved(name, old.shape, rng).astype(dtype).astype(np.float64)
    return values


def _moved(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    if name.endswith("running_var"):
        return np.asarray(rng.uniform(0.5, 2.0, shape))
    if len(shape) >= 2:
        return np.asarray(rng.standard_normal(shape) * _gain(shape))
    return np.copysign(rng.uniform(0.25, 1.0, shape), rng.uniform(-1, 1, shape))


def _gain(shape: tuple[int, ...]) -> float:
    # (connections, kh, kw) kernels of a sparse convolution sum over about four maps.
    terms = int(np.prod(shape[1:])) * (4 if len(shape) == 3 else 1)
    return float(1.4 / np.sqrt(terms))


def integers(rng: np.random.Generator, shape: tuple[int, ...], limit: int) -> Array:
    """Draw integers in [-limit, limit] without zero, in float64; ties are frequent."""
    value = rng.integers(1, limit + 1, shape) * rng.choice([-1, 1], shape)
    return value.astype(np.float64)


def integer_state(
    state: Mapping[str, Array], rng: np.random.Generator, per_output: int = 3
) -> dict[str, Array]:
    """Draw sparse +-1 weights and small integer biases.

    With a few weights per output and integer inputs every partial sum of a whole network stays an
    integer (or a dyadic fraction behind an average) below 2^24, so float32 computes it exactly
    whatever the order. Of the states of a recurrent layer each reads one alone, or 28 steps would
    make 3^28 of one.

    Args:
        state: shapes of everything.
        rng: source of the numbers.
        per_output: weights per output, more where otherwise some inputs would have no reader.
    """
    values: dict[str, Array] = {}
    deep = is_deep(state)
    for name, old in state.items():
        if is_statistic(name):
            values[name] = _exact_statistic(name, old, rng, most=0 if deep else 2)
        elif old.ndim >= 2:
            taken = 1 if "weight_hh" in name else per_output
            values[name] = _sparse_signs(rng, old.shape, taken, deep)
        elif name.endswith("weight"):
            shares = (NEGATIVE_SCALE, 1 - NEGATIVE_SCALE) if deep else None
            values[name] = rng.choice([-1.0, 1.0], old.shape, p=shares)
        else:
            values[name] = integers(rng, old.shape, 2)
    for name in state:
        if name.endswith("running_var"):  # the scale takes back what the deviation divides by
            weight = name.replace("running_var", "weight")
            values[weight] *= np.sqrt(values[name] + EXACT_EPS)
    return values


def dense_integer_state(
    state: Mapping[str, Array], rng: np.random.Generator, limit: int = 8
) -> dict[str, Array]:
    """Draw integers in [-limit, limit] without zero for every parameter of a single layer."""
    return {
        name: _exact_statistic(name, old, rng)
        if is_statistic(name)
        else integers(rng, old.shape, limit)
        for name, old in state.items()
    }


def is_statistic(name: str) -> bool:
    """Whether a name is that of a running variance or of a counter of batches."""
    return name.endswith(("running_var", "num_batches_tracked"))


def _exact_statistic(name: str, old: Array, rng: np.random.Generator, most: int = 2) -> Array:
    """Draw a counter, or a variance that with EXACT_EPS is a power of four, 1/4 to 4^most."""
    if name.endswith("running_var"):
        return np.asarray(4.0 ** rng.integers(-1, most + 1, old.shape) - EXACT_EPS)
    return np.asarray(rng.integers(1, 9, old.shape)).astype(old.dtype)


def _sparse_signs(
    rng: np.random.Generator, shape: tuple[int, ...], per_output: int, deep: bool
) -> Array:
    weight = np.zeros(shape)
    flat = weight.reshape(shape[0], -1)
    inputs = flat.shape[1]
    take = min(inputs, per_output if deep else max(per_output, -(-inputs // shape[0])))
    shares = (NEGATIVE, 1 - NEGATIVE) if deep else None
    # Walk through a permutation, so that every input has a reader where there are enough outputs.
    order = rng.permutation(inputs)
    for index, row in enumerate(flat):
        columns = order[(index * take + np.arange(take)) % inputs]
        row[columns] = rng.choice([-1.0, 1.0], take, p=shares)
    return weight
