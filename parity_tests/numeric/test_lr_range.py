"""The suggested learning rate: where a curve is known to fall fastest, and over seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import scratch
from scratch import data, spec
from scratch import lr_range as module
from scratch.lr_range import Range, lr_range

RATES = np.geomspace(1e-5, 10.0, 100)
CENTRE = 0.03  # where the curves below fall fastest
SEEDS = range(5)
DECADE = 10.0


def curve(noise: float = 0.0, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return losses that fall from 2 to 1 around CENTRE, and rise again from 1 on."""
    fall = 2 - 1 / (1 + np.exp(-3 * np.log(RATES / CENTRE)))
    rise = 20 * np.maximum(0, np.log(RATES)) ** 2
    return fall + rise + noise * np.random.default_rng(seed).standard_normal(len(RATES))


def suggested(losses: np.ndarray[Any, Any]) -> float:
    return Range(RATES.tolist(), losses.tolist()).steepest


def test_the_steepest_place_of_a_smooth_curve_is_found() -> None:
    step = RATES[1] / RATES[0]
    assert CENTRE / step <= suggested(curve()) <= CENTRE * step


@pytest.mark.parametrize("seed", range(20))
def test_noise_does_not_move_it_by_more_than_a_factor_of_two(seed: int) -> None:
    losses = curve(noise=0.05, seed=seed)
    assert CENTRE / 2 <= suggested(losses) <= 2 * CENTRE


def test_the_curves_are_noisy_enough_to_mislead_neighbouring_steps() -> None:
    misled = 0
    for seed in range(20):
        losses = curve(noise=0.05, seed=seed)
        rate = RATES[int(np.argmin(np.gradient(losses[: int(losses.argmin()) + 1])))]
        misled += not CENTRE / 2 <= rate <= 2 * CENTRE
    assert misled >= 5


def test_the_first_steps_and_those_beyond_the_lowest_loss_do_not_count() -> None:
    losses = curve()
    losses[:8] += np.linspace(3, 0, 8)  # as weights drawn at random give it
    losses[90:] = np.linspace(30, 10, 10)  # falls from where it had come apart
    step = RATES[1] / RATES[0]
    assert CENTRE / step <= suggested(losses) <= CENTRE * step


def test_a_curve_too_short_for_a_slope_gives_its_lowest() -> None:
    losses = [2.0, 1.0, 1.5]
    assert Range([0.1, 0.2, 0.4], losses).steepest == 0.2
    assert Range([0.1], [1.0]).steepest == 0.1
    assert Range(RATES.tolist(), np.arange(100.0).tolist()).steepest == RATES[0]


@pytest.mark.parametrize("id", ["linear_regression", "mlp_xor", "mlp_coin", "mnist_small"])
def test_seeds_agree_within_a_decade(id: str) -> None:
    chapter = spec.get(id)
    found = []
    for seed in SEEDS:
        model = scratch.build(id, seed=seed)
        found.append(lr_range(chapter, model, data.load(chapter, seed=seed), seed=seed))
    rates = [one.steepest for one in found]
    assert max(rates) < DECADE * min(rates)
    assert all(one.steepest <= one.lowest for one in found)
    assert min(rates) > DECADE * found[0].rates[0]  # not where the test happened to begin


def test_every_loss_is_that_of_the_same_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    chapter = spec.get("mlp_coin")
    model, dataset = scratch.build("mlp_coin"), data.load(chapter)
    monkeypatch.setattr(module, "_SMOOTHING", 0.0)
    found = lr_range(chapter, model, dataset, low=1e-12, high=1e-11, steps=12)
    assert np.ptp(found.losses) < 1e-6 * found.losses[0]  # nothing but rounding moves it
