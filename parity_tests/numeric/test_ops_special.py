"""Kinks, ties, infinities, NaN and huge logits: what torch makes of them, ours does too."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from parity_tests.numeric.ops_case import Case
from parity_tests.numeric.ops_draws import Array, nothing
from parity_tests.numeric.test_ops_torch import scratch_run, torch_run
from parity_tests.numeric.tolerance import U
from scratch.ops import activation, functions, pool
from scratch.ops.loss import bce_with_logits

INF, NAN = math.inf, math.nan


def compare(
    case: Case, arrays: tuple[Array | None, ...], dy: Array, elementwise: bool = False
) -> None:
    """Compare output and gradients: the same infinities and NaN, finite values within 64 units.

    The units are those of the largest finite value, or of each value for itself.
    """
    with np.errstate(invalid="ignore"):  # NumPy mentions infinity times zero, torch does not
        ours = scratch_run(case, arrays, dy)
    for actual, expected in zip(ours, torch_run(case, arrays, dy), strict=True):
        actual = np.asarray(actual)
        assert actual.dtype == expected.dtype
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(actual[~finite], expected[~finite])
        size = np.abs(expected[finite])
        error = np.abs(actual[finite] - expected[finite])
        scale = size if elementwise else np.max(size, initial=0.0)
        assert np.all(error <= 64 * U[str(expected.dtype)] * scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("op", ["relu", "sigmoid", "tanh"])
def test_activations_at_the_edges(op: str, dtype: str) -> None:
    x = np.array(
        [NAN, 0.0, -0.0, 1.0, -1.0, INF, -INF, 1e4, -1e4, 30.0, -30.0, 1e-30, -1e-30], dtype
    )
    for dy in (np.arange(1, 14).astype(dtype), np.full(13, INF, dtype), np.full(13, NAN, dtype)):
        compare(Case("activation", op, (nothing,)), (x,), dy, elementwise=True)


def test_the_logarithm_of_zero_and_less_is_no_event() -> None:
    with np.errstate(all="raise"):  # of the caller
        y, _ = functions.log(np.array([0.0, -1.0, INF, NAN]))
    np.testing.assert_array_equal(y, [-INF, NAN, INF, NAN])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("module", "op", "options"),
    [
        ("rectifiers", "leaky_relu", {"negative_slope": 0.3}),
        ("rectifiers", "leaky_relu", {"negative_slope": 0.0}),
        ("rectifiers", "softplus", {}),
        ("rectifiers", "softplus", {"beta": 2.0, "threshold": 50.0}),
    ],
)
def test_softer_rectifiers_at_the_edges(
    module: str, op: str, options: dict[str, Any], dtype: str
) -> None:
    x = np.array([NAN, 0.0, -0.0, 1.0, -1.0, INF, 1e4, -1e4, 30.0, -30.0, 1e-30, 19.5, 20.5], dtype)
    for dy in (np.arange(1, 14).astype(dtype), np.full(13, INF, dtype)):
        compare(Case(module, op, (nothing,), options), (x,), dy, elementwise=True)


@pytest.mark.parametrize("options", [{"alpha": 1.0}, {"alpha": 0.7}], ids=str)
def test_elu_at_the_edges(options: dict[str, Any]) -> None:
    """Its slope at NaN is left out: torch's vectorised and scalar ones disagree about it."""
    x = np.array([0.0, -0.0, 1.0, -1.0, INF, -INF, 1e4, -1e4, -1e-30, 1e-30])
    compare(Case("rectifiers", "elu", (nothing,), options), (x,), np.arange(1.0, 11), True)


def test_a_step_is_one_above_zero_and_flat() -> None:
    case = Case("curves", "step", (nothing,))
    x = np.array([NAN, 0.0, -0.0, 2.0, -INF, INF, 1e-300])
    y, cache = case.forward(x)
    assert y.tolist() == [0, 0, 0, 1, 0, 1, 1]
    assert case.forward(x, naive=True)[0].tolist() == y.tolist()
    (dx,) = case.backward(np.full(7, INF), cache)
    assert dx is not None
    assert not dx.any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("ratio", [0.0, 10.0, 1000.0])
def test_a_large_mean_costs_the_variance_no_digits(ratio: float, dtype: str) -> None:
    """E[x^2] - E[x]^2 would lose six digits of sixteen, and everything in float32."""
    x = (np.random.default_rng(0).standard_normal((50, 3)) + ratio).astype(dtype)
    _, cache = Case("norm", "batch_norm", (nothing,)).forward(x)
    exact = x.astype(np.longdouble).var(0)
    assert np.all(np.abs(cache.variance - exact) <= 64 * U[dtype] * exact)


def test_one_infinity_spreads_through_its_channel_as_in_torch() -> None:
    x = np.random.default_rng(0).standard_normal((4, 3))
    x[1, 2] = INF
    case = Case("norm", "batch_norm", (nothing,))
    compare(case, (x, np.ones(3), np.zeros(3)), np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    "row",
    [
        [INF, 0, 1],
        [-INF, 0, 1],
        [-INF, -INF, -INF],
        [NAN, 1, 2],
        [INF, INF, 0],
        [1e4, -1e4, 9999],
        [1e308, -1e308, 0],
        [0, 0, 0],
    ],
)
def test_softmax_at_the_edges(op: str, row: list[float]) -> None:
    x, dy = np.array([row, [1.0, 3.0, 2.0]]), np.array([[1.0, -2.0, 4.0], [3.0, 1.0, -2.0]])
    compare(Case("activation", op, (nothing,), {"axis": 1}), (x,), dy)


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ([1, NAN, 3, NAN], {"kernel_size": (1, 4)}),
        ([NAN, INF, NAN, 2], {"kernel_size": (1, 2), "stride": 1}),
        ([-INF, -INF, -INF, -INF], {"kernel_size": (1, 3), "padding": (0, 1)}),
        ([-INF, -INF, -INF, -INF], {"kernel_size": (1, 2), "dilation": (1, 2), "padding": (0, 1)}),
        ([INF, INF, -INF, NAN], {"kernel_size": (1, 2), "stride": 1}),
        ([0.0, -0.0, 0.0, 0.0], {"kernel_size": (1, 3), "stride": 1}),
        ([-3, -2, -2, -5], {"kernel_size": (1, 3), "padding": (0, 1), "ceil_mode": True}),
    ],
)
def test_max_pool_of_infinities_and_nan(row: list[float], options: dict[str, Any]) -> None:
    case = Case("pool", "max_pool2d", (nothing,), options)
    x = np.array(row, dtype=float).reshape(1, 1, 1, 4)
    y = case.forward(x)[0]
    for dy in (np.arange(1.0, y.size + 1), np.full(y.size, INF), np.full(y.size, NAN)):
        compare(case, (x,), dy.reshape(y.shape))


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize(
    "op",
    ["linear", "conv2d", "conv2d of many", "conv2d to fewer", "avg_pool2d", "adaptive_avg_pool2d"],
)
def test_one_infinity_or_nan_spreads_as_in_torch(op: str, value: float) -> None:
    cases = {
        "linear": Case("linear", op, (nothing,)),
        "conv2d": Case("conv", op, (nothing,), {"padding": 1, "stride": 2}),
        "conv2d of many": Case("conv", "conv2d", (nothing,), {"padding": 1}),
        "conv2d to fewer": Case("conv", "conv2d", (nothing,), {"padding": 1}),
        "avg_pool2d": Case("pool", op, (nothing,), {"kernel_size": 3, "stride": 2, "padding": 1}),
        "adaptive_avg_pool2d": Case("pool", op, (nothing,), {"output_size": (2, 3)}),
    }
    rng = np.random.default_rng(0)
    shapes = {
        "linear": [(4, 5), (3, 5), (3,)],
        "conv2d": [(2, 2, 6, 7), (3, 2, 3, 3), (3,)],
        "conv2d of many": [(16, 2, 6, 7), (3, 2, 3, 3), (3,)],
        "conv2d to fewer": [(2, 3, 6, 7), (2, 3, 3, 3), (2,)],
    }
    fresh = [rng.integers(1, 5, s).astype("f8") for s in shapes.get(op, [(2, 2, 6, 7)])]
    dy = rng.integers(1, 5, cases[op].forward(*fresh)[0].shape).astype("f8")
    for place in range(len(fresh) + 1):
        arrays = [a.copy() for a in fresh]
        d = dy.copy()
        target = arrays[place] if place < len(arrays) else d
        target.flat[target.size // 2] = value
        compare(cases[op], tuple(arrays), d)


LOGITS = [INF, -INF, NAN, 1e4, -1e4, 0.0, 40.0, -40.0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_bce_of_huge_logits(target: float, dtype: str, weighted: bool) -> None:
    x = np.array(LOGITS, dtype)[:, None]
    case = Case("loss", "bce_with_logits", (nothing,), {"reduction": "none"})
    arrays = (x, np.full_like(x, target), None, np.array([3], dtype) if weighted else None)
    compare(case, arrays, np.arange(1.0, 9.0).astype(dtype)[:, None])


def test_a_tanh_loss_of_an_infinity_is_nan_without_a_warning() -> None:
    case = Case("tanh_loss", "tanh_cross_entropy", (nothing,))
    assert math.isnan(case.forward(np.array([[INF]]), np.array([[1.0]]))[0])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5], [0.0, 1.0, 2.0]])
@pytest.mark.parametrize(
    "target",
    [[1, 2, 0], [-100, -100, -100], [1, -100, 2], [0, 0, 0], [[0, 1, 0], [0, 0.5, 0.5], [1, 0, 0]]],
)
@pytest.mark.parametrize(
    "rows",
    [
        [[0.5, -1, 2], [1, 2, 3], [-2, 0, 1]],
        [[1e4, 0, -1e4], [-1e4, 0, 0], [0, 1e4, 0]],
        [[-INF, 0, 1], [-INF, 2, 1], [0, 1, 2]],
        [[0, 0, 1], [INF, 2, 1], [NAN, 1, 2]],
    ],
)
def test_cross_entropy_at_the_edges(
    rows: list[list[float]],
    target: list[Any],
    weight: list[float] | None,
    smoothing: float,
    reduction: str,
) -> None:
    options = {"label_smoothing": smoothing, "reduction": reduction}
    case = Case("loss", "cross_entropy", (nothing,), options)
    arrays = (
        np.array(rows, float),
        np.array(target),
        None if weight is None else np.array(weight),
    )
    compare(case, arrays, np.array([3.0, -1.0, 2.0]) if reduction == "none" else np.array(2.0))


def test_ignored_rows_may_hold_any_label() -> None:
    x = np.random.default_rng(0).standard_normal((4, 3))
    for ignored in (-1, 1, 255):
        case = Case("loss", "cross_entropy", (nothing,), {"ignore_index": ignored})
        compare(case, (x, np.array([0, ignored, 2, 2])), np.array(1.5))


def test_small_integer_labels_are_welcome() -> None:
    x = np.random.default_rng(0).standard_normal((3, 4))
    target = np.array([3, 0, 2])
    loss = Case("loss", "cross_entropy", (nothing,)).forward
    for dtype in ("uint8", "int32"):
        assert loss(x, target.astype(dtype))[0] == loss(x, target)[0]


@pytest.mark.parametrize("step", [1e-100j, -1e-100j])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_complex_step_off_zero_has_the_slope_of_zero(zero: float, step: complex) -> None:
    """In either direction, and whichever sign the zero has."""
    x = np.array([complex(zero, step.imag)])
    y, _ = activation.sigmoid(x)
    assert (y.imag / step.imag).tolist() == [0.25]
    loss, _ = bce_with_logits(x, np.array([0.0]))
    assert loss.imag / step.imag == 0.5


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_float64_gradient_does_not_widen_a_float32_network(reduction: str) -> None:
    """np.float64 is what arithmetic on losses yields; as an array it would promote."""
    x, target = np.ones((2, 3), "f4"), np.array([0, 2])
    for name, arrays in (
        ("mse_loss", (x, 2 * x)),
        ("bce_with_logits", (x, 0 * x)),
        ("cross_entropy", (x, target)),
    ):
        case = Case("loss", name, (nothing,), {"reduction": reduction})
        loss, cache = case.forward(*arrays)
        assert loss.dtype == np.float32
        d_loss = np.full(np.shape(loss), 1.5)
        (dx,) = case.backward(d_loss, cache)
        assert dx is not None
        assert dx.dtype == np.float32
        (same,) = case.backward(d_loss.astype("f4"), cache)
        np.testing.assert_array_equal(dx, same)


def test_infinite_gradient_passes_only_where_the_gate_is_open() -> None:
    """Multiplying by a mask would make NaN of infinity times zero."""
    relu = Case("activation", "relu", (nothing,))
    _, cache = relu.forward(np.array([-1.0, 2.0]))
    (dx,) = relu.backward(np.array([INF, INF]), cache)
    assert dx is not None
    assert dx.tolist() == [0.0, INF]


@pytest.mark.parametrize(("kernel", "kind"), [(2, np.uint8), (15, np.uint8), (16, np.uint16)])
def test_a_max_pool_notes_winners_in_as_few_bytes_as_its_taps_need(kernel: int, kind: type) -> None:
    _, cache = pool.max_pool2d(np.ones((1, 1, 16, 16)), kernel)
    assert cache.winner.dtype == kind


def test_torch_gives_the_last_nan_the_gradient() -> None:
    """The fact that `test_max_pool_of_infinities_and_nan` rests on."""
    x = torch.tensor([[[[1.0, NAN, 3.0, NAN]]]], requires_grad=True)
    F.max_pool2d(x, (1, 4)).backward(torch.ones(1, 1, 1, 1))
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [0, 0, 0, 1]
