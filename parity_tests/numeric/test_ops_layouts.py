"""Any memory layout gives the same values, inputs stay as they are, outputs are never touched."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from parity_tests.numeric.ops_case import Case, arrays_in, cotangent
from parity_tests.numeric.ops_cases import EVERY, MANY
from parity_tests.numeric.ops_draws import Array
from parity_tests.numeric.tolerance import assert_close
from scratch.ops import dropout


def fortran(x: Array) -> Array:
    return x.copy(order="F")


def spread_out(x: Array) -> Array:
    """Every second entry of a larger array whose other entries are wrong."""
    if x.ndim == 0:
        return x
    wide = np.full(tuple(2 * n + 1 for n in x.shape), 99, x.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def backwards(x: Array) -> Array:
    """Negative strides along every axis."""
    if x.ndim == 0:
        return x
    flip = tuple(slice(None, None, -1) for _ in x.shape)
    return np.ascontiguousarray(x[flip])[flip]


def channels_last(x: Array) -> Array:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim > 1 else x


def read_only(x: Array) -> Array:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = (fortran, spread_out, backwards, channels_last, read_only)
SUMS_IN_MEMORY_ORDER = {
    "channel_scale",
    "softmax",
    "log_softmax",
    "adaptive_avg_pool2d",
    "powers",
    "batch_norm",
    "fixed_norm",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_layout_changes_nothing(case: Case, layout: Callable[[Array], Array]) -> None:
    arrays = case.arrays(1, "float64")
    y, cache = case.forward(*arrays)
    dy = cotangent(y, 2)
    expected = (y, *case.backward(dy, cache))
    y, cache = case.forward(*(a if a is None else layout(a) for a in arrays))
    actual = (y, *case.backward(layout(dy), cache))
    for one, other in zip(actual, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            if (case.is_loss or case.op in SUMS_IN_MEMORY_ORDER) and np.any(other):
                assert_close(one, other)
            else:
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_dtype_in_is_dtype_out(case: Case, dtype: str) -> None:
    arrays = case.arrays(1, dtype)
    y, cache = case.forward(*arrays)
    assert y.dtype == dtype
    for gradient in case.backward(cotangent(y, 2), cache):
        assert gradient is None or gradient.dtype == dtype


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_inputs_stay_and_what_was_handed_out_is_never_written_again(case: Case) -> None:
    arrays = [a if a is None else a.copy() for a in case.arrays(1, "float64")]
    y, cache = case.forward(*arrays)
    dy = cotangent(y, 2)
    gradients = case.backward(dy, cache)
    held = list(arrays_in((arrays, dy, y, cache, gradients)))
    before = [a.copy() for a in held]

    again = case.arrays(5, "float64")
    y_again, cache_again = case.forward(*again)
    case.backward(cotangent(y_again, 6), cache_again)
    case.backward(cotangent(y, 7), cache)  # the same cache once more
    for after, copy in zip(held, before, strict=True):
        np.testing.assert_array_equal(after, copy)
    for one, other in zip(gradients, case.backward(dy, cache), strict=True):
        if one is not None and other is not None:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_results_share_no_memory_with_inputs(case: Case) -> None:
    """A caller may overwrite what it was given without harming what it gave."""
    arrays = case.arrays(1, "float64")
    y, cache = case.forward(*arrays)
    dy = cotangent(y, 2)
    given = [a for a in (*arrays, dy) if a is not None]
    for result in arrays_in((y, case.backward(dy, cache))):
        assert result.flags.writeable
        assert not any(np.shares_memory(result, a) for a in given)


@pytest.mark.parametrize(
    "op",
    [
        *("conv2d", "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "relu", "sigmoid", "tanh"),
        *("leaky_relu", "elu", "softplus", "gelu", "silu", "bent_identity"),
        *("add", "multiply", "concat", "affine", "square", "log", "sqrt", "sin"),
    ],
)
def test_channels_last_stays_channels_last(op: str) -> None:
    """Mixing two layouts in one expression is ten times slower, so a network keeps to one."""
    for case in (c for c in EVERY if c.op == op and c not in MANY):
        x, *others = case.arrays(1, "float64")
        assert x is not None
        if x.ndim != 4:
            continue
        if case.module == "joins":
            others = [channels_last(other) for other in others if other is not None]
        y, cache = case.forward(channels_last(x), *others)
        dx = case.backward(channels_last(cotangent(y, 2)), cache)[0]
        assert dx is not None
        for result in (y, dx):
            strides = result.transpose(0, 2, 3, 1).strides
            sizes = result.transpose(0, 2, 3, 1).shape
            steps = [s for s, n in zip(strides, sizes, strict=True) if n > 1]
            assert steps == sorted(steps, reverse=True), (case.id, result.shape, result.strides)


@pytest.mark.parametrize("case", MANY, ids=lambda case: case.id)
def test_many_images_of_few_maps_lie_innermost(case: Case) -> None:
    """Output and gradient alike, whatever came in: the whole network keeps to one layout."""
    arrays = case.arrays(1, "float64")
    y, cache = case.forward(*arrays)
    dx = case.backward(cotangent(y, 2), cache)[0]
    assert dx is not None
    for result in (y, dx):
        assert result.strides[0] == result.itemsize
        assert result.strides[1] == max(result.strides)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dropout_in_any_layout(layout: Callable[[Array], Array]) -> None:
    rng = np.random.default_rng(1)
    x, mask = rng.standard_normal((2, 3, 4, 5)), rng.random((2, 3, 4, 5)) < 0.7
    y, cache = dropout.dropout(layout(x), 0.3, layout(mask))
    np.testing.assert_array_equal(y, np.where(mask, x * (1 / 0.7), 0))
    dx = dropout.dropout_backward(layout(x), cache)
    np.testing.assert_array_equal(dx, y)
    assert y.dtype == dropout.dropout(x.astype("f4"), 0.3, mask)[0].astype("f8").dtype
