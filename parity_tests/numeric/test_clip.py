"""Clipping against torch's, for every kind of norm."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from parity_tests.harness import bounds
from scratch.nn.parameter import Parameter
from scratch.optim import clip_grad_norm_


def _clipped(norm_type, max_norm, dtype):
    rng = np.random.default_rng(8)
    ours = [Parameter(np.zeros(shape, dtype)) for shape in ((3, 5), (7,), ())]
    theirs = [torch.tensor(parameter.data, requires_grad=True) for parameter in ours]
    for parameter, tensor in zip(ours, theirs, strict=True):
        parameter.grad = np.asarray(rng.standard_normal(parameter.shape)).astype(dtype)
        parameter.grad.flags.writeable = False
        tensor.grad = torch.tensor(parameter.grad)
    got = clip_grad_norm_(ours, max_norm, norm_type)
    want = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type, foreach=False)
    pairs = [(np.asarray(got), want.numpy())]
    return pairs + [(p.grad, t.grad.numpy()) for p, t in zip(ours, theirs, strict=True)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("max_norm", [0.0, 0.5, 100.0])
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, math.inf])
def test_equals_torch(norm_type, max_norm, dtype):
    name = np.dtype(dtype).name
    for got, want in _clipped(norm_type, max_norm, dtype):
        assert got.dtype == want.dtype
        # A sum of 23 powers, its root and four roundings, in either library.
        limit = 2 * (2 * bounds.c(23) + bounds.MOMENT) * bounds.unit(name) * np.abs(want).max()
        assert np.abs(got - want).max() <= limit


def test_a_norm_that_is_no_number_is_refused_if_asked():
    parameter = Parameter(np.zeros(2))
    parameter.grad = np.array([np.inf, 1.0])
    with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
        clip_grad_norm_([parameter], 1.0, error_if_nonfinite=True)
    assert clip_grad_norm_([], 1.0) == 0.0
