"""NaN in a sequence: what ONNX Runtime makes of it, and what the verification of a bundle asks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from parity_tests.harness import export_values
from parity_tests.harness.engines import Array, ort_run, reference_run
from ref_torch.export import export_onnx
from scratch import spec
from scratch.deploy import schema
from scratch.deploy.schema import MODEL

STEPS, FEATURES, HIDDEN = 3, 4, 5
CHAPTER = spec.get("mlp_mnist", "tiny")


class _Last(nn.Module):
    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.rnn = layer

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.rnn(x)
        return states[:, -1]


def _exported(folder: Path, kind: str, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    net = _Last(getattr(nn, kind)(FEATURES, HIDDEN, batch_first=True, **options))
    data = dataclasses.replace(CHAPTER.data, shape=(STEPS, FEATURES))
    export_onnx(net, dataclasses.replace(CHAPTER, data=data), folder / MODEL)
    return net


def _inputs() -> tuple[Array, Array]:
    x = np.random.default_rng(0).standard_normal((3, STEPS, FEATURES)).astype(np.float32)
    spoilt = x.copy()
    spoilt[0, 0, 0] = np.nan
    return x, spoilt


@pytest.mark.parametrize(
    ("kind", "options", "deaf"),
    [
        ("RNN", {}, ()),
        ("RNN", {"nonlinearity": "relu"}, ("RNN",)),
        ("LSTM", {}, ("LSTM",)),
        ("GRU", {}, ("GRU",)),
    ],
)
def test_onnx_runtime_makes_a_number_of_nan(
    kind: str, options: dict[str, Any], deaf: tuple[str, ...], tmp_path: Path
) -> None:
    """Should it hand NaN on one day, the exception may go; ONNX's reference does."""
    net = _exported(tmp_path, kind, **options)
    assert export_values.deaf_nodes(tmp_path) == deaf
    x, spoilt = _inputs()
    run, reference = ort_run(tmp_path / MODEL, "all"), reference_run(tmp_path / MODEL)
    whole = np.zeros((3, HIDDEN), bool)
    whole[0] = True
    assert np.array_equal(np.isnan(reference(spoilt)), whole)
    with torch.no_grad():
        assert np.array_equal(torch.isnan(net(torch.from_numpy(spoilt))).numpy(), whole)
    assert np.array_equal(np.isnan(run(spoilt)), np.zeros_like(whole) if deaf else whole)
    assert np.array_equal(run(spoilt)[1:], run(x)[1:])


@pytest.mark.parametrize(
    ("harmed", "deaf", "passes"),
    [
        ((), (), False),
        ((0,), (), True),
        ((), ("LSTM",), True),
        ((0,), ("LSTM",), True),
        ((0, 2), (), False),
        ((0, 2), ("LSTM",), False),
    ],
)
def test_no_other_sample_may_be_harmed(
    harmed: tuple[int, ...], deaf: tuple[str, ...], passes: bool, bundle: Path
) -> None:
    def run(x: Array) -> Array:
        y = np.zeros((len(x), 2))
        y[list(harmed)] = np.nan
        return y

    def truth(x: Array) -> Array:
        return np.repeat(x, 2, 1)

    x = np.ones((3, 1))
    name = "onnxruntime off"
    check = export_values.not_a_number(schema.read(bundle), name, run, truth, x, deaf)
    assert check.failing is not passes
    assert ("predict refuses it" in check.note) == (bool(deaf) and passes)
