"""A folded network writes into arrays of its own, and only where nobody else reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity_tests.numeric.fold_nets import Net, conv, image, integers, plain
from parity_tests.numeric.tolerance import assert_exact
from scratch import nn
from scratch.fold import Folded, fold
from scratch.ops import masks

Array = np.ndarray[Any, np.dtype[Any]]


def kinds(folded: Folded) -> list[str]:
    return [type(module).__name__ for _, module in folded.named_modules() if not module._modules]


def past(self: Net, x: Array) -> Array:
    y = self.norm(self.layer(x))
    return self.more[0](y) + y


def doubled(self: Net, x: Array) -> Array:
    y = self.norm(self.layer(x))
    return self.more[0](y, y)


def shortcut(self: Net, x: Array) -> Array:
    y = self.more[0](self.norm(self.layer(x)))
    return self.more[2](self.more[1](y), y)


@pytest.mark.parametrize(
    ("run", "more", "written"),
    [
        (plain, [nn.ReLU(), nn.ReLU(), nn.Identity()], ["_ReLU", "ReLU"]),
        (plain, [nn.MaxPool2d(2), nn.ReLU()], ["ReLU"]),
        (past, [nn.ReLU()], ["ReLU"]),
        (doubled, [nn.Add()], ["Add"]),
        (shortcut, [nn.ReLU(), nn.Conv2d(6, 6, 1), nn.Add()], ["_ReLU", "_Add"]),
    ],
)
def test_only_what_nobody_else_reads_is_written_over(
    run: Callable[..., Any], more: list[nn.Module], written: list[str]
) -> None:
    """A rectifier's own output, that of a pool and the input of the network are left alone."""
    model, x = integers(Net(run, conv(), nn.BatchNorm2d(6), *more), "float32"), image("float32")
    want, given = model(x), x.copy()
    folded = fold(model, x)
    assert [kind for kind in kinds(folded) if "ReLU" in kind or "Add" in kind] == written
    first = folded(x)
    assert_exact(first, want)
    assert_exact(x, given)
    kept = first.copy()
    assert_exact(folded(x), want)
    assert_exact(first, kept)  # an answer is not written over by the next one


def test_the_input_of_a_network_is_never_written_over() -> None:
    model = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 2, 1)).eval()
    x = image("float32")
    folded = fold(model, x)
    folded(x)
    assert_exact(x, image("float32"))
    assert "_ReLU" not in kinds(folded)


@pytest.mark.parametrize("size", [1, masks.PIECE - 1, masks.PIECE, 2 * masks.PIECE + 3])
def test_rectify_writes_zero_over_what_is_negative(size: int) -> None:
    values = np.random.default_rng(size).integers(-2, 3, 3 * size).astype(np.float32)
    values[0] = np.nan
    for x in (values[:size], values[::3], values.reshape(3, -1).T, values.reshape(3, -1)[:, ::2]):
        want = np.maximum(x, 0)
        assert masks.rectify(x) is x
        assert_exact(x, want)


@pytest.mark.parametrize(
    "options", [{}, {"stride": 1, "padding": 1, "dilation": 2}, {"ceil_mode": True}]
)
def test_a_max_pool_gives_the_same_without_winners(options: dict[str, Any]) -> None:
    pool, x = nn.MaxPool2d(2, **options), image("float32")[:, :, :, 1:]
    x[0, 1, 2, 3], x[1, 0, 0, 0], x[2] = np.nan, np.inf, -np.inf
    model = nn.Sequential(pool).eval()
    folded = fold(model, image("float32"))
    assert "MaxPool2d" not in kinds(folded)
    assert_exact(folded(x), model(x))
    turned = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert folded(turned).strides == model(turned).strides
    assert_exact(folded(turned), model(x))
    with pytest.raises(ValueError, match=r"\(N, C, H, W\)"):
        folded(x[0])
