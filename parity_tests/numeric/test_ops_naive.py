"""Fast equals naive: every operation against its definition in loops, forward and backward."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from parity_tests.numeric.ops_case import Case, Tiled, cotangent
from parity_tests.numeric.ops_cases import CONV, EVERY, MANY, SMALL
from parity_tests.numeric.ops_draws import signed
from parity_tests.numeric.tolerance import assert_close
from scratch.ops import conv, conv_naive, conv_taps, patches, pool, pool_naive

DTYPES = ("float32", "float64", "complex128")
# Winograd's tiles have no definition of their own.
NAMES = sorted({(case.module, case.op) for case in EVERY if not isinstance(case, Tiled)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_fast_equals_naive(case: Case, dtype: str) -> None:
    arrays = case.arrays(1, dtype)
    y, cache = case.forward(*arrays)
    expected, naive_cache = case.forward(*arrays, naive=True)
    assert_close(y, expected)
    dy = cotangent(expected, 2)
    gradients = case.backward(dy, cache)
    naive_gradients = case.backward(dy, naive_cache, naive=True)
    for gradient, naive_gradient in zip(gradients, naive_gradients, strict=True):
        if naive_gradient is None:
            assert gradient is None
        else:
            assert_close(gradient, naive_gradient)


@pytest.mark.parametrize(("module", "op"), NAMES, ids=[name for _, name in NAMES])
def test_the_definition_takes_the_same_arguments(module: str, op: str) -> None:
    """Names and defaults; whether there is a dx to compute is a matter of the fast one alone."""
    fast, slow = (
        inspect.signature(Case(module, op, ()).function(naive=naive)).parameters
        for naive in (False, True)
    )
    defaults = {name: p.default for name, p in fast.items() if name != "needs_dx"}
    assert {name: p.default for name, p in slow.items()} == defaults


@pytest.mark.parametrize("chunk", [1, 500, 3000])
@pytest.mark.parametrize("case", [*CONV, *MANY, *SMALL], ids=lambda case: case.id)
def test_convolution_does_not_depend_on_the_chunk(
    case: Case, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = case.results(3)
    monkeypatch.setattr(patches, "CHUNK_BYTES", chunk)
    for actual, expected in zip(case.results(3), whole, strict=True):
        if expected is not None:
            assert_close(actual, expected)


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.id)
def test_small_images_go_tap_by_tap(case: Case) -> None:
    arrays = case.arrays(1, "float64")
    cache = case.forward(*arrays)[1]
    assert conv_taps.suits(cache.x.shape, cache.groups, cache.geometry)


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("place", ["x", "weight", "dy"])
def test_the_border_multiplies_nothing(place: str, value: float) -> None:
    """As in the definition; torch does so in float32, in float64 it makes zero times infinity."""
    case = SMALL[1]
    arrays = {
        name: array.copy()
        for name, array in zip(("x", "weight"), case.arrays(1, "float64"), strict=False)
        if array is not None
    }
    arrays["dy"] = cotangent(case.forward(arrays["x"], arrays["weight"], None)[0], 2)
    arrays[place].flat[0] = value
    with np.errstate(invalid="ignore"):
        found = []
        for naive in (False, True):
            y, cache = case.forward(arrays["x"], arrays["weight"], None, naive=naive)
            found.append((y, *case.backward(arrays["dy"], cache, naive=naive)))
    for actual, expected in zip(*found, strict=True):
        if expected is not None:
            finite = np.isfinite(expected)
            np.testing.assert_array_equal(actual[~finite], expected[~finite])
            assert_close(actual[finite], expected[finite])


def test_where_no_tap_meets_the_image_the_bias_remains() -> None:
    rng = np.random.default_rng(1)
    shapes = ((2, 16, 1, 1), (3, 16, 2, 2), (3,))
    x, weight, bias = (signed(rng, shape, "float64") for shape in shapes)
    y, cache = conv.conv2d(x, weight, bias, padding=1, dilation=2)
    np.testing.assert_array_equal(y, np.broadcast_to(bias[:, None, None], y.shape))
    dx, dweight, _ = conv.conv2d_backward(np.ones_like(y), cache)
    assert dx is not None
    assert not dx.any()
    assert not dweight.any()


@pytest.mark.parametrize(("n", "out", "chunk"), [(7, (5, 3), 1 << 9), (3, (8, 11), 1 << 8)])
def test_pieces_cover_every_position_once(
    n: int, out: tuple[int, int], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patches, "CHUNK_BYTES", chunk)
    positions = np.arange(n * out[0] * out[1]).reshape(n, *out)
    visited: list[int] = []
    for images, rows, piece in patches.pieces(n, out, 8):
        np.testing.assert_array_equal(
            positions[images, rows].ravel(), np.arange(piece.start, piece.stop)
        )
        assert (piece.stop - piece.start) * 8 <= max(chunk, out[1] * 8)
        visited += range(piece.start, piece.stop)
    assert visited == list(range(positions.size))


def test_real_chunks_at_the_size_of_a_real_layer() -> None:
    """Two images of 40 x 41 with 32 channels take several pieces of rows each.

    Bilinear in image and kernel, a convolution is known from three numbers for every direction:
    the output itself (here a sum of nine shifted, weighted images) and both transposes,
    <dy, conv(v, w)> = <dx, v> and <dy, conv(x, w')> = <dweight, w'>.
    """
    rng = np.random.default_rng(5)
    x, v = signed(rng, (2, 32, 40, 41), "float64"), signed(rng, (2, 32, 40, 41), "float64")
    weight, other = (signed(rng, (3, 32, 3, 3), "float64") for _ in range(2))
    y, cache = conv.conv2d(x, weight, padding=1)
    assert len(list(patches.pieces(2, cache.geometry.out, 9 * 32 * 8))) > 4
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = sum(
        np.einsum("oc,nchw->nohw", weight[:, :, i, j], padded[:, :, i : i + 40, j : j + 41])
        for i, j in np.ndindex(3, 3)
    )
    assert_close(y, expected)
    dy = signed(rng, y.shape, "float64")
    dx, dweight, _ = conv.conv2d_backward(dy, cache)
    assert_close(np.sum(dx * v), np.sum(dy * conv.conv2d(v, weight, padding=1)[0]))
    assert_close(np.sum(dweight * other), np.sum(dy * conv.conv2d(x, other, padding=1)[0]))


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_backward_is_the_complex_step_derivative(case: Case) -> None:
    """Along any direction v: the imaginary part of f(x + ihv) / h, times dy, is <dx, v>.

    Without a subtraction nothing cancels, so h can be so small that no error of order h^2 is left.
    """
    h = 1e-30
    arrays = case.arrays(8, "float64")
    y, cache = case.forward(*arrays)
    dy = cotangent(y, 9)
    for k, gradient in enumerate(case.backward(dy, cache)):
        x = arrays[k]
        if gradient is None or x is None:
            continue
        v = np.random.default_rng(10 + k).standard_normal(x.shape)
        if "padding_idx" in case.options:  # that row has no gradient, whatever its derivative
            v[case.options["padding_idx"]] = 0
        stepped = [a if a is None or a.dtype.kind != "f" else a + 0j for a in arrays]
        if case.is_loss:  # target and weights stay real
            stepped[1:] = arrays[1:]
        stepped[k] = x + 1j * h * v
        slope = case.forward(*stepped)[0].imag / h
        assert_close(np.sum(gradient * v), np.sum(dy * slope))


def test_equal_real_parts_are_a_tie() -> None:
    """The first of them wins, whatever the imaginary parts."""
    x = np.array([1 + 1j, 1 + 5j, 0 + 9j, 1 - 2j]).reshape(1, 1, 1, 4)
    for module in (pool, pool_naive):
        y, cache = module.max_pool2d(x, (1, 4))
        assert y.item() == 1 + 1j
        dx = module.max_pool2d_backward(np.ones_like(y), cache)
        assert dx.ravel().tolist() == [1, 0, 0, 0]


def test_the_books_integer_example() -> None:
    """Section 17.2 and 17.4: images and kernels that count upwards."""
    x, weight = np.arange(54.0).reshape(2, 3, 3, 3), np.arange(24.0).reshape(2, 3, 2, 2)
    for module in (conv, conv_naive):
        y, cache = module.conv2d(x, weight)
        assert y[0, 0].tolist() == [[1035, 1101], [1233, 1299]]
        assert y[0, 1, 0, 0] == 2619
        dy = np.zeros_like(y)
        dy[0, 0] = 1
        _, dweight, _ = module.conv2d_backward(dy, cache)
        assert dweight[0, 0].tolist() == [[8, 12], [20, 24]]
