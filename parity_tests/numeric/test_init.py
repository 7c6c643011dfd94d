"""Initial values against torch's formulas: the same fans, the same scale, the same numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from parity_tests.harness import bounds
from scratch import init

LAYERS: dict[str, tuple[str, nn.Module]] = {
    "wide": ("Linear.weight", nn.Linear(300, 70)),
    "tall": ("Linear.weight", nn.Linear(70, 300)),
    "square kernel": ("Conv2d.weight", nn.Conv2d(6, 50, 5)),
    "oblong kernel": ("Conv2d.weight", nn.Conv2d(40, 12, (3, 7))),
    "groups": ("Conv2d.weight", nn.Conv2d(24, 60, 3, groups=4)),
}


def xavier(weight: torch.Tensor) -> None:
    nn.init.xavier_uniform_(weight)


def msra(weight: torch.Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def default(weight: torch.Tensor) -> None:
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5))


def normal(weight: torch.Tensor) -> None:
    nn.init.normal_(weight)


FORMULAS = {"xavier": xavier, "msra": msra, "torch": default, "normal": normal}


def drawn(scheme: str, kind: str, weight: torch.Tensor, seed: int = 0) -> np.ndarray:
    (value,) = init.draw(["fc.weight"], [kind], [tuple(weight.shape)], scheme, seed)
    return value


def torch_from(monkeypatch: pytest.MonkeyPatch, scheme: str, weight: torch.Tensor, seed: int = 0):
    """Let torch's formula draw from the same generator."""
    rng = np.random.default_rng(seed)

    def uniform(tensor: Any, low: float = 0.0, high: float = 1.0, generator: Any = None) -> Any:
        return tensor.copy_(torch.from_numpy(rng.uniform(low, high, tuple(tensor.shape))))

    def gauss(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
        return tensor.copy_(torch.from_numpy(mean + std * rng.standard_normal(tensor.shape)))

    monkeypatch.setattr(torch.Tensor, "uniform_", uniform)
    monkeypatch.setattr(torch.Tensor, "normal_", gauss)
    values = torch.empty(weight.shape, dtype=torch.float64)
    FORMULAS[scheme](values)
    return values.numpy()


@pytest.mark.parametrize("layer", LAYERS)
def test_fans_are_those_of_torch(layer):
    kind, module = LAYERS[layer]
    want = nn.init._calculate_fan_in_and_fan_out(module.weight)
    assert init.fans(kind, tuple(module.weight.shape), module.weight.shape[0]) == want


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("scheme", FORMULAS)
def test_the_same_random_numbers_become_the_same_weights(scheme, layer, monkeypatch):
    kind, module = LAYERS[layer]
    got = drawn(scheme, kind, module.weight)
    want = torch_from(monkeypatch, scheme, module.weight)
    assert got.dtype == np.float32
    # One rounding to float32; what float64 leaves of the two formulas vanishes beside it.
    assert (np.abs(got - want) <= bounds.unit("float32") * (1 + 1e-6) * np.abs(want)).all()


def _variance(scheme: str, weight: torch.Tensor) -> tuple[float, float]:
    """Return the variance that the publication asks for and the kurtosis of the distribution."""
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(weight)
    return {
        "xavier": (2 / (fan_in + fan_out), 1.8),
        "msra": (2 / fan_in, 3.0),
        "torch": (1 / (3 * fan_in), 1.8),
        "lecun": (2.4**2 / (3 * fan_in**2), 1.8),
        "normal": (1.0, 3.0),
        "small": (0.01, 3.0),
    }[scheme]


def _deviations(scheme: str, kind: str, weight: torch.Tensor, seed: int) -> tuple[float, float]:
    """Return by how many standard errors mean and variance miss what they should be."""
    values = drawn(scheme, kind, weight, seed).astype(np.float64)
    variance, kurtosis = _variance(scheme, weight)
    mean_error = math.sqrt(variance / values.size)
    variance_error = variance * math.sqrt((kurtosis - 1) / values.size)
    found = float((values * values).mean())
    return abs(values.mean()) / mean_error, abs(found - variance) / variance_error


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("scheme", ["xavier", "msra", "torch", "lecun", "normal", "small"])
def test_mean_and_variance_are_within_six_standard_errors(scheme, layer):
    kind, module = LAYERS[layer]
    for seed in range(3):
        assert max(_deviations(scheme, kind, module.weight, seed)) < 6


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("scheme", ["msra", "torch", "lecun"])
def test_fans_the_other_way_round_are_noticed(scheme, layer, monkeypatch):
    kind, module = LAYERS[layer]
    right = init.fans
    monkeypatch.setattr(init, "fans", lambda *given: right(*given)[::-1])
    assert max(_deviations(scheme, kind, module.weight, 0)) > 6


def test_zeros_are_zero_and_biases_follow_their_weight():
    names, kinds = ["fc.weight", "fc.bias"], ["Linear.weight", "Linear.bias"]
    shapes = [(20, 400), (20,)]
    for scheme, limit in (("zeros", 0), ("xavier", 0), ("msra", 0), ("torch", 1 / 20)):
        weight, bias = init.draw(names, kinds, shapes, scheme, 0)
        assert weight.any() == (scheme != "zeros")
        assert np.abs(bias).max() <= limit
        assert bias.any() == bool(limit)


def test_given_numbers_take_the_place_of_drawn_ones_and_change_no_other():
    names, kinds = ["a.weight", "a.bias", "b.weight"], ["Linear.weight", "Linear.bias"] * 2
    shapes = [(4, 3), (4,), (2, 4)]
    drawn_all = init.draw(names, kinds[:3], shapes, "torch", 5)
    given = init.draw(names, kinds[:3], shapes, "torch", 5, {"a.bias": -2.5})
    assert (given[1] == np.float32(-2.5)).all()
    assert given[1].shape == (4,)
    for one, other in ((0, 0), (2, 2)):
        assert np.array_equal(given[one], drawn_all[other])
    with pytest.raises(ValueError, match=r"unknown parameters: c\.weight"):
        init.draw(names, kinds[:3], shapes, "torch", 5, {"c.weight": 1.0})


RECURRENT = {
    "RNN": nn.RNN(7, 40, num_layers=2),
    "LSTM": nn.LSTM(7, 40, bidirectional=True),
    "GRU": nn.GRU(7, 40),
}


def drawn_of(kind: str, scheme: str, seed: int = 0) -> dict[str, np.ndarray]:
    shapes = {name: tuple(p.shape) for name, p in RECURRENT[kind].named_parameters()}
    names = [f"part.{name}" for name in shapes]
    kinds = [f"{kind}.{name}" for name in shapes]
    values = init.draw(names, kinds, list(shapes.values()), scheme, seed)
    return dict(zip(shapes, values, strict=True))


@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_layers_start_as_torch_s(kind, monkeypatch):
    """Everything between -1/sqrt(H) and 1/sqrt(H): the same random numbers, the same values."""
    rng = np.random.default_rng(0)

    def uniform(tensor: Any, low: float = 0.0, high: float = 1.0, generator: Any = None) -> Any:
        return tensor.copy_(torch.from_numpy(rng.uniform(low, high, tuple(tensor.shape))))

    monkeypatch.setattr(torch.Tensor, "uniform_", uniform)
    layer = RECURRENT[kind]
    layer.reset_parameters()
    for name, value in drawn_of(kind, "torch").items():
        want = getattr(layer, name).detach().numpy()
        assert (np.abs(value - want) <= 2 * bounds.unit("float32") * np.abs(want)).all()


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("scheme", init.SCHEMES)
def test_each_gate_of_a_recurrent_layer_is_a_matrix_of_its_own(kind, scheme):
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    for name, value in drawn_of(kind, scheme, seed=3).items():
        assert value.dtype == np.float32
        inputs, hidden = RECURRENT[kind].get_parameter(name.replace("bias", "weight")).shape[1], 40
        assert len(value) == gates * hidden
        variance = {
            "zeros": 0.0,
            "normal": 1.0,
            "small": 0.01,
            "torch": 1 / (3 * hidden),
            "xavier": 2 / (inputs + hidden),
            "msra": 2 / inputs,
            "lecun": 2.4**2 / (3 * inputs**2),
        }[scheme]
        if name.startswith("bias") and scheme not in ("torch", "lecun", "normal"):
            variance = 0.0
        found = float(np.mean(value.astype(np.float64) ** 2))
        kurtosis = 3.0  # of the widest of them
        assert abs(found - variance) <= 6 * variance * math.sqrt((kurtosis - 1) / value.size), name


@pytest.mark.parametrize("scheme", init.SCHEMES)
def test_a_lookup_table_starts_as_torch_s(scheme):
    (value,) = init.draw(["table.weight"], ["Embedding.weight"], [(50, 30)], scheme, 0)
    if scheme in ("torch", "normal"):
        assert np.array_equal(
            value, np.random.default_rng(0).standard_normal((50, 30)).astype("f4")
        )
    else:
        limits = {"zeros": 0.0, "small": 0.5, "xavier": math.sqrt(6 / 80), "lecun": 2.4 / 30}
        assert np.abs(value).max() <= limits.get(scheme, 6 * math.sqrt(2 / 30))
