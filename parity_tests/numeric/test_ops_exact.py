"""Integers make float arithmetic exact: linear, convolution and pooling differ from torch by 0.

Sums of small integers are exact in float32 in any order, so nothing is left to a tolerance; every
error of padding, stride, ties or wiring is a wrong integer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F

from parity_tests.numeric.ops_case import Case
from parity_tests.numeric.ops_cases import CONV, LINEAR, MANY, POOL, SMALL
from parity_tests.numeric.ops_draws import Array, nothing
from parity_tests.numeric.test_ops_torch import scratch_run, torch_run
from parity_tests.numeric.tolerance import assert_exact
from scratch.ops.checks import ShapeError

SHARED = 3600  # a multiple of every window's number of cells, so that means are integers too


def integers(rng: np.random.Generator, like: Array, largest: int, dtype: Any) -> Array:
    return rng.integers(-largest, largest + 1, like.shape).astype(dtype)


def check(case: Case, dtype: str, seed: int) -> None:
    """Compare a call on integers with torch: output and gradients, difference 0."""
    rng = np.random.default_rng(seed)
    scale = SHARED if "avg" in case.op else 1
    drawn = case.arrays(seed, "float64")
    arrays = tuple(None if a is None else scale * integers(rng, a, 8, dtype) for a in drawn)
    y = case.forward(*arrays)[0]
    dy = scale * integers(rng, y, 4, dtype)
    dy[0, ..., 0] += (dy[0, ..., 0] == 0) * scale  # never all zero
    for actual, expected in zip(
        scratch_run(case, arrays, dy), torch_run(case, arrays, dy), strict=True
    ):
        assert np.max(np.abs(expected)) < 2**24
        if expected.any():
            assert_exact(actual, expected)
        else:
            np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [*LINEAR, *CONV, *MANY, *SMALL, *POOL], ids=lambda case: case.id)
def test_difference_is_zero(case: Case, dtype: str) -> None:
    check(case, dtype, seed=7)


def pick(rng: np.random.Generator, *choices: Any) -> Any:
    return choices[rng.integers(len(choices))]


def both(rng: np.random.Generator, *choices: int) -> tuple[int, int]:
    return pick(rng, *choices), pick(rng, *choices)


def random_conv(rng: np.random.Generator) -> Case:
    groups = pick(rng, 1, 1, 2, 3)
    c, o = groups * pick(rng, 1, 2, 3), groups * pick(rng, 1, 2, 5)
    (h, w), (kh, kw) = both(rng, 1, 4, 5, 8, 11, 13), both(rng, 1, 2, 3, 5)
    options = {
        "stride": both(rng, 1, 2, 3, 4),
        "padding": both(rng, 0, 1, 2),
        "dilation": both(rng, 1, 1, 2),
        "groups": groups,
    }
    n = pick(rng, 1, 2, 5, 18)
    if n == 18:  # what scratch.ops.conv_tiles is for
        options |= {"stride": (1, 1), "dilation": (1, 1)}
    shapes = ((n, c, h, w), (o, c // groups, kh, kw), (o,))
    draws = tuple((lambda _, __, s=s: np.zeros(s)) for s in shapes)
    bias = pick(rng, draws[2], nothing)
    return Case("conv", "conv2d", (*draws[:2], bias), options)


def random_pool(rng: np.random.Generator) -> Case:
    op = pick(rng, "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d")
    shape = (pick(rng, 1, 2, 5), pick(rng, 1, 3), *both(rng, 1, 4, 5, 8, 11, 13))
    options: dict[str, Any] = {}
    if op == "adaptive_avg_pool2d":
        options["output_size"] = both(rng, 1, 2, 3, 5, 7)
    else:
        options["kernel_size"] = both(rng, 1, 2, 3, 5)
        options["stride"] = pick(rng, None, both(rng, 1, 2, 3, 4, 6))
        options["padding"] = both(rng, 0, 0, 1, 2)
        options["ceil_mode"] = pick(rng, True, False)
    if op == "max_pool2d":
        # on one pixel a dilated window can miss the image, and torch then writes out of bounds
        options["dilation"] = tuple(pick(rng, 1, 1, 2, 3) if n > 1 else 1 for n in shape[2:])
    if op == "avg_pool2d":
        options["count_include_pad"] = pick(rng, True, False)
        options["divisor_override"] = pick(rng, None, None, 3)
    return Case("pool", op, (lambda _, __: np.zeros(shape),), options)


@pytest.mark.parametrize("make", [random_conv, random_pool])
@pytest.mark.parametrize("start", range(0, 400, 100))
def test_random_sizes(make: Any, start: int) -> None:
    """Where torch computes, so do we, with difference 0; where torch refuses, so do we."""
    computed = refused = 0
    for seed in range(start, start + 100):
        case = make(np.random.default_rng(seed))
        try:
            case.forward(*case.arrays(0, "float64"))
        except ShapeError:
            refused += 1
            arrays = case.arrays(0, "float64")
            with pytest.raises(RuntimeError):
                torch_run(case, arrays, np.zeros(()))
        else:
            computed += 1
            check(case, ("float32", "float64")[seed % 2], seed)
    assert computed > 40
    assert refused > 2


def test_every_tie_goes_to_the_first_maximum() -> None:
    rng = np.random.default_rng(0)
    for options in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}):
        case = Case("pool", "max_pool2d", (nothing,), options)
        x = rng.integers(0, 2, (2, 3, 8, 11)).astype("f8")
        dy = rng.integers(1, 5, case.forward(x)[0].shape).astype("f8")
        for actual, expected in zip(
            scratch_run(case, (x,), dy), torch_run(case, (x,), dy), strict=True
        ):
            assert_exact(actual, expected)


def test_torch_pads_a_pool_with_minus_infinity() -> None:
    """What the comparisons above rest on: torch itself, seen on a negative image."""
    import torch

    x = -torch.ones(1, 1, 2, 2)
    assert F.max_pool2d(x, 2, 2, 1).max() == -1
