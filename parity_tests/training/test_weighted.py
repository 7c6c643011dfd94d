"""The loss of a network with several outputs: one weight per field, in both twins."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from ref_torch.optim import build_loss as build_torch
from scratch import spec
from scratch.gradcheck import complex_step, deviation
from scratch.train import build_loss
from scratch.weighted import WeightedLoss

WEIGHTS = {"main": 1.0, "side": 0.3}
TARGET = np.array([0, 2, 1, 2])


class Heads(NamedTuple):
    """Two outputs."""

    main: Any
    side: Any


def _plan() -> spec.Train:
    return dataclasses.replace(spec.get("softmax_regression").train, loss_weights=WEIGHTS)


def _drawn() -> Heads:
    rng = np.random.default_rng(0)
    return Heads(rng.standard_normal((4, 3)), rng.standard_normal((4, 3)))


def test_the_twins_give_the_same_loss_and_gradients() -> None:
    given = _drawn()
    ours, theirs = build_loss(_plan()), build_torch(_plan())
    tensors = Heads(*(torch.from_numpy(value.copy()).requires_grad_() for value in given))
    want = theirs(tensors, torch.from_numpy(TARGET))
    want.backward()
    assert abs(float(ours(given, TARGET)) - want.item()) <= 4e-16 * want.item()
    found = ours.backward(1.0)
    assert type(found) is Heads
    for name, value in found._asdict().items():
        wanted = getattr(tensors, name).grad.numpy()
        assert np.abs(value - wanted).max() <= 1e-15 * np.abs(wanted).max()


def test_by_hand() -> None:
    """Logits that are alike cost ln 3, whoever gives them."""
    equal = np.zeros((4, 3))
    assert float(build_loss(_plan())(Heads(equal, equal), TARGET)) == 1.3 * np.log(3.0)


def test_in_evaluation_the_one_output_counts_as_it_is() -> None:
    alone, plain = build_loss(_plan()), build_loss(spec.get("softmax_regression").train)
    assert isinstance(alone, WeightedLoss)
    output = _drawn().main
    assert float(alone(output, TARGET)) == float(plain(output, TARGET))
    np.testing.assert_array_equal(alone.backward(1.0), plain.backward(1.0))
    theirs = build_torch(_plan())(torch.from_numpy(output), torch.from_numpy(TARGET))
    assert abs(theirs.item() - float(plain(output, TARGET))) <= 4e-16 * theirs.item()


@pytest.mark.parametrize("weights", [{"main": 1.0}, {**WEIGHTS, "third": 0.1}])
def test_a_field_without_a_weight_and_a_weight_without_a_field_are_refused(
    weights: dict[str, float],
) -> None:
    plan = dataclasses.replace(_plan(), loss_weights=weights)
    given = _drawn()
    tensors = Heads(*map(torch.from_numpy, given))
    with pytest.raises(ValueError, match=r"'main', 'side'"):
        build_loss(plan)(given, TARGET)
    with pytest.raises(ValueError, match=r"'main', 'side'"):
        build_torch(plan)(tensors, torch.from_numpy(TARGET))


def test_a_tuple_without_names_is_refused() -> None:
    said = r"^a tuple with the fields \(\): expects \('main', 'side'\)$"
    given = tuple(_drawn())
    with pytest.raises(ValueError, match=said):
        build_loss(_plan())(given, TARGET)
    with pytest.raises(ValueError, match=said):
        build_torch(_plan())(tuple(map(torch.from_numpy, given)), torch.from_numpy(TARGET))


def test_a_network_with_heads_is_differentiated_whole() -> None:
    import scratch

    net = scratch.build("googlenet", "tiny", dropout=0.0, dropout_aux=0.0).astype(np.float64)
    x = np.random.default_rng(1).standard_normal((2, *spec.get("googlenet", "tiny").data.shape))
    found = complex_step(net, (x,), entries=2)
    assert max(deviation(found).values()) < 1e-12
    assert all(found[f"aux{number}.fc2.weight"][1].any() for number in (1, 2))
