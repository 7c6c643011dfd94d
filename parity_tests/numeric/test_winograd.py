"""Winograd's way: its matrices, its pieces, when it is taken, and what goes around it."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity_tests.numeric.ops_case import Case
from parity_tests.numeric.ops_cases import WINOGRAD
from parity_tests.numeric.ops_draws import signed
from parity_tests.numeric.tolerance import assert_close, assert_exact
from scratch import nn
from scratch.nn.conv_modes import current, tile_of
from scratch.nn.guard import keeps
from scratch.ops import conv, conv_naive, patches, winograd, winograd_kernels, winograd_matrices
from scratch.ops.checks import ShapeError
from scratch.ops.winograd_tiles import Tiling

TILES = tuple(winograd_matrices.POINTS)


@pytest.mark.parametrize("m", TILES)
def test_one_dimension_filters(m: int) -> None:
    """A^T [(G g) (B^T d)] are the m sums of three neighbors, for every unit g and d: exactly so."""
    b_t, g, a_t = winograd_matrices.one_dimension(m)
    for tap, place in np.ndindex(3, m + 2):
        y = a_t @ (g[:, tap] * b_t[:, place])
        expected = np.array([float(place == i + tap) for i in range(m)])
        assert_close(np.append(y, 1.0), np.append(expected, 1.0))


def test_the_small_tile_has_dyadic_entries() -> None:
    """Quarters at most in two dimensions, so integers stay exact."""
    for matrix in winograd_matrices.transforms(2, np.dtype("float64")):
        assert set(np.abs(matrix).ravel()) <= {0.0, 0.25, 0.5, 1.0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_integers_stay_exact_in_the_small_tile(dtype: str) -> None:
    rng = np.random.default_rng(3)
    x, weight = (
        rng.integers(-8, 9, shape).astype(dtype) for shape in ((2, 17, 9, 6), (5, 17, 3, 3))
    )
    y, cache = winograd.conv2d(x, weight, padding=1, tile=2)
    expected, naive = conv_naive.conv2d(x, weight, padding=1)
    assert_exact(y, expected)
    dy = rng.integers(-4, 5, y.shape).astype(dtype)
    found, wanted = (
        winograd.conv2d_backward(dy, cache),
        conv_naive.conv2d_backward(dy, naive),
    )
    for one, other in zip(found[:2], wanted[:2], strict=True):
        assert_exact(one, other)


@pytest.mark.parametrize("chunk", [1, 4000, 20000])
@pytest.mark.parametrize("case", WINOGRAD, ids=lambda case: case.id)
def test_neither_pieces_nor_blocks_matter(
    case: Case, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = case.results(3)
    monkeypatch.setattr(patches, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(winograd_kernels, "FEWEST_MAPS", 2)
    for actual, expected in zip(case.results(3), whole, strict=True):
        if expected is not None:
            assert_close(actual, expected)


def test_real_pieces_at_the_size_of_real_layers() -> None:
    """Rows of one image, and several blocks of output maps: as the direct way, forward and back."""
    rng = np.random.default_rng(5)
    for maps, others, size in ((64, 24, (50, 41)), (40, 150, (9, 10))):
        x = signed(rng, (2, maps, *size), "float64")
        weight = signed(rng, (others, maps, 3, 3), "float64")
        y, cache = winograd.conv2d(x, weight, padding=1)
        expected, direct = conv.conv2d(x, weight, padding=1)
        assert_close(y, expected)
        dy = signed(rng, y.shape, "float64")
        found, wanted = winograd.conv2d_backward(dy, cache), conv.conv2d_backward(dy, direct)
        for one, other in zip(found[:2], wanted[:2], strict=True):
            assert_close(one, other)
    pieces = Tiling.of(2, (50, 41), 4).pieces(64, 24, 8)
    assert {piece.rows.start for piece in pieces} == {0, 5, 10}
    blocks = winograd_kernels.Kernels(
        weight, 4, Tiling.of(2, (9, 10), 4).pieces(40, 150, 8)[0].tiles
    )
    assert len(blocks.blocks) > 1


@pytest.mark.parametrize("shape", [(3, (7, 9)), (5, (32, 32)), (1, (64, 3))])
def test_pieces_cover_every_tile_once(shape: tuple[int, tuple[int, int]]) -> None:
    tiling = Tiling.of(*shape, 4)
    places = np.arange(tiling.n * tiling.high * tiling.wide)
    places = places.reshape(1, 1, tiling.n, tiling.high, tiling.wide)
    for maps in (1, 64, 300):
        pieces = tiling.pieces(maps, maps, 8)
        seen = [piece.of(places).ravel() for piece in pieces]
        for piece, tiles in zip(pieces, seen, strict=True):
            assert tiles.tolist() == list(range(places.size))[piece.columns(1)]
        assert np.concatenate(seen).tolist() == list(range(places.size))


def test_what_is_not_finite_goes_the_direct_way() -> None:
    x, weight = np.ones((1, 1, 6, 6)), np.ones((1, 1, 3, 3))
    for value in (np.inf, np.nan, 1e200):
        bad = x.copy()
        bad[0, 0, 0, 0] = value
        y, cache = winograd.conv2d(bad, weight)
        assert isinstance(cache, conv.ConvCache)
        assert y[0, 0, 3, 3] == 9
    y, cache = winograd.conv2d(x, weight)
    dy = np.ones_like(y)
    dy[0, 0, 0, 0] = np.inf
    dx, dweight, _ = winograd.conv2d_backward(dy, cache)
    assert dx is not None
    assert np.isinf(dx[0, 0, :3, :3]).all()
    assert dx[0, 0, 5, 5] == 1
    assert np.isinf(dweight).all()


@pytest.mark.parametrize("tile", [0, 1, 3, 6])
def test_a_tile_without_points_is_refused_by_name(tile: int) -> None:
    """Also where the numbers would go the direct way."""
    for value in (1.0, np.nan):
        x = np.full((1, 1, 6, 6), value)
        with pytest.raises(ShapeError, match=rf"^expects a tile of 2 or 4; got {tile}$"):
            winograd.conv2d(x, np.ones((1, 1, 3, 3)), tile=tile)


# ---- the mode


def layer() -> tuple[nn.Conv2d, np.ndarray]:
    """A convolution for which Winograd pays, and an input."""
    rng = np.random.default_rng(0)
    made = nn.Conv2d(16, 17, 3, padding=1).astype(np.float64)
    made.weight.data = signed(rng, made.weight.data.shape, "float64")
    return made, signed(rng, (3, 16, 13, 11), "float64")


def way(module: nn.Conv2d) -> str:
    """The kind of cache that the latest forward saved."""
    return type(module._stack[-1][0]).__name__


@pytest.mark.parametrize("name", nn.CONV_MODES)
def test_the_backward_goes_as_its_forward_went(name: str) -> None:
    module, x = layer()
    y = module(x)
    dx = module.backward(y)
    dweight = module.weight.grad.copy()
    for inside in nn.CONV_MODES:
        module.zero_grad()
        with nn.conv_mode(name):
            output = module(x)
        assert way(module) == ("ConvCache" if name == "direct" else "WinogradCache")
        assert_close(output, y)
        with nn.conv_mode(inside):
            assert_close(module.backward(y), dx)
        assert_close(module.weight.grad, dweight)


def test_modes_nest_and_end_with_their_block_even_by_an_exception() -> None:
    with nn.conv_mode("winograd", always=True):
        with contextlib.suppress(ZeroDivisionError), nn.conv_mode("winograd-f2"):
            assert current() == ("winograd-f2", False)
            raise ZeroDivisionError
        assert current() == ("winograd", True)
        with nn.conv_mode("direct"):
            assert current().name == "direct"
    assert current() == ("direct", False)
    with pytest.raises(ValueError, match="expects one of direct, winograd, winograd-f2"):
        nn.conv_mode("winogard").__enter__()


def on_a_thread(work: Callable[[], Any]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_another_thread_has_a_mode_of_its_own_unless_it_is_handed_the_context() -> None:
    """Of both: the algorithm, and what is kept. Free-threaded Python hands it on by itself."""
    seen: list[tuple[str, bool]] = []

    def look() -> None:
        seen.append((current().name, keeps()))

    with nn.conv_mode("winograd"), nn.inference():
        on_a_thread(look)
        on_a_thread(functools.partial(contextvars.copy_context().run, look))
        on_a_thread(lambda: nn.conv_mode("winograd-f2").__enter__())
        look()
    inside, outside = ("winograd", False), ("direct", True)
    inherits = getattr(sys.flags, "thread_inherit_context", False)
    assert seen == [inside if inherits else outside, inside, inside]


@pytest.mark.parametrize(
    ("maps", "shape", "trained", "asked"),
    [
        ((8, 9), (1, 8, 12, 16), "ConvCache", "ConvCache"),  # 140 positions
        ((7, 9), (9, 7, 19, 17), "ConvCache", "ConvCache"),
        ((9, 7), (9, 9, 19, 17), "ConvCache", "ConvCache"),
        ((24, 25), (1, 24, 19, 17), "WinogradCache", "ConvCache"),  # 255 positions
        ((24, 25), (1, 24, 22, 19), "WinogradCache", "WinogradCache"),  # 340 positions
        ((23, 25), (1, 23, 22, 19), "WinogradCache", "ConvCache"),
        ((24, 25), (99, 24, 4, 4), "ConvCache", "ConvCache"),  # 2 x 2 of a tile of 4 x 4
    ],
)
def test_where_it_does_not_pay_it_is_not_taken(
    maps: tuple[int, int], shape: tuple[int, ...], trained: str, asked: str
) -> None:
    module, x = nn.Conv2d(*maps, 3), np.ones(shape, np.float32)
    ways = ("ConvCache", "WinogradCache")
    with nn.conv_mode("winograd"):
        module(x)
        assert way(module) == trained
        arguments = (x, module.weight.data, (1, 1), (0, 0), (1, 1), 1)
        with nn.inference():
            assert ways[tile_of(*arguments) > 0] == asked
    with nn.conv_mode("winograd", always=True):
        module(x)
    assert way(module) == "WinogradCache"


@pytest.mark.parametrize(
    "options",
    [
        {"stride": 2},
        {"dilation": 2},
        {"groups": 2},
        {"kernel_size": (3, 2)},
        {"kernel_size": (1, 3)},
        {"kernel_size": 5},
    ],
)
def test_where_it_is_impossible_the_direct_way_stays(options: dict) -> None:
    module = nn.Conv2d(**{"in_channels": 16, "out_channels": 18, "kernel_size": 3, **options})
    x = np.ones((2, 16, 19, 17), np.float32)
    with nn.conv_mode("winograd", always=True):
        module(x)
        arguments = (x, module.weight.data, module.stride, (0, 0), module.dilation, module.groups)
        assert tile_of(*arguments) == 0
    assert way(module) == "ConvCache"


def test_a_wrong_shape_is_refused_in_the_same_words() -> None:
    module, x = layer()
    for wrong in (x[:, 1:], x[0], x[:, :, :0]):
        said = []
        for name in nn.CONV_MODES:
            with nn.conv_mode(name), pytest.raises(ValueError, match="expects") as refused:
                module(wrong)
            said.append(str(refused.value))
        assert len(set(said)) == 1


def test_inference_keeps_no_values() -> None:
    module, x = layer()
    _, kept = winograd.conv2d(x, module.weight.data)
    y, lean = winograd.conv2d(x, module.weight.data, keep=False)
    assert isinstance(kept, winograd.WinogradCache)
    assert isinstance(lean, winograd.WinogradCache)
    assert kept.values.size > lean.values.size == 0
    with nn.conv_mode("winograd"), nn.inference():
        assert module(x).shape == (*y.shape[:2], 13, 11)
    assert module.pending() == 0
