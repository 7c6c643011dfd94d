"""Dropout of everything: all is zero, so no share of it can be judged, and no mask is drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scratch import nn


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("training", [True, False])
def test_all_units_left_out_are_torchs_bit_for_bit(dtype: str, training: bool) -> None:
    rng = np.random.default_rng(3)
    x, dy = (rng.standard_normal((5, 7)).astype(dtype) for _ in range(2))
    x[0, :3] = np.inf, -np.inf, np.nan
    ours, theirs = nn.Dropout(1.0).train(training), torch.nn.Dropout(1.0).train(training)
    given = torch.from_numpy(x).requires_grad_()
    want = theirs(given)
    want.backward(torch.from_numpy(dy))
    with np.errstate(invalid="ignore"):
        y = ours(x)
    dx = ours.backward(dy)
    assert given.grad is not None
    for got, expected in ((y, want.detach().numpy()), (dx, given.grad.numpy())):
        assert got.dtype == expected.dtype == np.dtype(dtype)
        assert np.array_equal(got, expected, equal_nan=True)
    assert bool(dx.any()) != training


def test_a_probability_beyond_one_is_refused_by_both() -> None:
    for kind in (nn.Dropout, torch.nn.Dropout):
        with pytest.raises(ValueError, match="probability"):
            kind(1.01)


def test_a_probability_of_zero_leaves_nothing_out() -> None:
    x = np.random.default_rng(3).standard_normal((5, 7))
    module = nn.Dropout(0.0)
    assert np.array_equal(module(x), x)
    assert np.array_equal(module.backward(x), x)
