"""L4: every optimiser and schedule passes, and every planted fault fails."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity_tests.harness.levels import optimiser
from parity_tests.harness.verdict import Check, Verdict, worst
from ref_torch.optim import OPTIMIZERS
from scratch import optim, schedule
from scratch.nn.parameter import Parameter
from scratch.train import OPTIMIZERS as SCRATCH_OPTIMIZERS

Plant = Callable[[pytest.MonkeyPatch], None]


def describe(checks: list[Check]) -> list[str]:
    return [check.divergence() for check in checks if check.failing]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", optimiser.CASES)
def test_equals_torch(name, dtype):
    checks = optimiser.run(name, dtype=dtype)
    assert worst(checks) is Verdict.PASS, describe(checks)


@pytest.mark.long
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_equals_torch_on_other_gradients(seed, dtype):
    for name in optimiser.CASES:
        checks = optimiser.run(name, seed, dtype)
        assert worst(checks) is Verdict.PASS, describe(checks)


def test_every_optimiser_and_schedule_has_a_case():
    cases = optimiser.CASES.values()
    kinds = {case.optimizer for case in cases}
    assert kinds == {c.__name__ for c in vars(optim).values() if _below(c, optim.Optimizer)}
    rates = {case.schedule for case in cases} - {""}
    assert rates == {c.__name__ for c in vars(schedule).values() if _below(c, schedule.Schedule)}


def _below(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value is not base


@pytest.mark.parametrize("name", ["BookSGD", "BookRMSprop"])
def test_the_books_variants_have_the_same_signature_in_both_twins(name):
    ours, theirs = (
        {key: (p.kind, p.default) for key, p in inspect.signature(side).parameters.items()}
        for side in (getattr(optim, name), OPTIMIZERS[name])
    )
    assert ours == theirs
    assert list(OPTIMIZERS) == list(SCRATCH_OPTIMIZERS)


@pytest.mark.parametrize("fast", [False, True])
def test_the_books_momentum_is_torchs_until_the_rate_changes(fast):
    book, plain = (Parameter(np.ones(3)) for _ in range(2))
    sides = (
        optim.BookSGD([book], lr=0.1, momentum=0.9, nesterov=fast),
        optim.SGD([plain], lr=0.1, momentum=0.9, nesterov=fast),
    )

    def gaps(steps: int) -> float:
        for _ in range(steps):
            for side in sides:
                side.param_groups[0]["params"][0].grad = np.array([1.0, -2.0, 3.0])
                side.step()
        return float(np.abs(book.data - plain.data).max())

    assert gaps(10) < 1e-14
    for side in sides:
        side.param_groups[0]["lr"] = 0.01
    assert gaps(1) > 0.1


def test_the_books_nag_is_momentum_with_the_gradient_ahead():
    """The stored point is t - momentum v of the book's own two-stage loop (15.2)."""
    stored = Parameter(np.array([2.0, -1.0]))
    optimizer = optim.BookSGD([stored], lr=0.1, nesterov=True)
    theta, velocity = stored.data.copy(), np.zeros(2)
    curvature = np.array([1.0, 3.0])
    for rate in (0.1, 0.1, 0.1, 0.02, 0.02):
        optimizer.param_groups[0]["lr"] = rate
        ahead = theta - 0.9 * velocity
        assert np.abs(stored.data - ahead).max() < 1e-15
        stored.grad = curvature * stored.data
        optimizer.step()
        velocity = 0.9 * velocity + rate * curvature * ahead
        theta = theta - velocity


def test_the_books_rmsprop_tells_tiny_gradients_apart():
    sizes = {}
    for kind, options in (("BookRMSprop", {}), ("RMSprop", {"alpha": 0.9, "eps": 1e-6})):
        parameter = Parameter(np.zeros(1))
        parameter.grad = np.array([1e-5])
        getattr(optim, kind)([parameter], lr=1.0, **options).step()
        sizes[kind] = -float(parameter.data[0])
    assert abs(sizes["BookRMSprop"] - 1e-5 / (1e-6 + 1e-11) ** 0.5) < 1e-15
    assert sizes["RMSprop"] > 50 * sizes["BookRMSprop"]


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("BookSGD", {"dampening": 0.1}),
        ("BookRMSprop", {"momentum": 0.9}),
        ("BookRMSprop", {"centered": True}),
    ],
)
def test_what_the_books_form_does_not_have_is_refused(kind, group):
    (name,) = group
    with pytest.raises(ValueError, match=f"the book's form has no {name}"):
        getattr(optim, kind)([{"params": [Parameter(np.ones(2))], **group}])


def test_tiny_gradients_are_judged_one_by_one():
    checks = optimiser.run("Adam")
    modules = {check.module for check in checks if check.tensor == "delta p after 1 step"}
    scales = ("1", "0.001", "1e-06", "1e-08", "1e-10", "0")
    assert modules == {f"gradient {scale}, from zero" for scale in scales}


def _adam(changed: Callable[[Any, Any], Any]) -> Plant:
    """Let Adam update with other options or another step number."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        update = optim.Adam._update

        def wrong(self, data, grad, state, group):
            steps = self.steps
            group = changed(self, dict(group))
            update(self, data, grad, state, group)
            self.steps = steps

        patch.setattr(optim.Adam, "_update", wrong)

    return plant


def _epsilon_first(adam: Any, group: Any) -> Any:
    group["eps"] /= (1 - group["betas"][1] ** adam.steps) ** 0.5
    return group


def _no_correction(adam: Any, group: Any) -> Any:
    adam.steps = 10**6
    return group


def _as_l2(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(optim.AdamW, "_decoupled", False)


def _sgd(wrong: Callable[..., None]) -> Plant:
    return lambda patch: patch.setattr(optim.SGD, "_update", wrong)


def _rate_inside(self, data, grad, state, group):
    old = state.get("momentum_buffer", np.zeros_like(data))
    state["momentum_buffer"] = group["momentum"] * old + group["lr"] * grad
    data -= state["momentum_buffer"]


def _nesterov_rate_inside(self, data, grad, state, group):
    old = state.get("momentum_buffer", np.zeros_like(data))
    state["momentum_buffer"] = group["momentum"] * old + group["lr"] * grad
    data -= group["momentum"] * state["momentum_buffer"] + group["lr"] * grad


def _nesterov_old_velocity(self, data, grad, state, group):
    old = state.get("momentum_buffer", np.zeros_like(data))
    state["momentum_buffer"] = group["momentum"] * old + grad
    data -= group["lr"] * (grad + group["momentum"] * old)


def _decay_on_velocity(self, data, grad, state, group):
    old = state.get("momentum_buffer", np.zeros_like(data))
    state["momentum_buffer"] = group["momentum"] * old + grad
    data -= group["lr"] * (state["momentum_buffer"] + group["weight_decay"] * data)


def _dampened_first_step(self, data, grad, state, group):
    old = state.get("momentum_buffer", np.zeros_like(data))
    state["momentum_buffer"] = group["momentum"] * old + (1 - group["dampening"]) * grad
    data -= group["lr"] * state["momentum_buffer"]


def _late_schedule(kind: type[schedule.Schedule]) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        rate = kind._next

        def wrong(self, base, group):
            self.last_epoch -= 1
            late = rate(self, base, group)
            self.last_epoch += 1
            return late

        patch.setattr(kind, "_next", wrong)

    return plant


CHANGES = ("p ", "delta p ")  # not only the state: the parameters themselves go elsewhere
FAULTS: dict[str, tuple[Plant, str]] = {
    "epsilon before the bias correction": (_adam(_epsilon_first), "Adam"),
    "no bias correction": (_adam(_no_correction), "Adam"),
    "AdamW as L2": (_as_l2, "AdamW"),
    "momentum with the rate inside": (_sgd(_rate_inside), "StepLR with SGD momentum"),
    "Nesterov with the rate inside": (
        _sgd(_nesterov_rate_inside),
        "CosineAnnealingLR with SGD momentum nesterov",
    ),
    "Nesterov with the old velocity": (_sgd(_nesterov_old_velocity), "SGD momentum nesterov"),
    "weight decay on the velocity": (_sgd(_decay_on_velocity), "SGD momentum weight decay"),
    "dampening at the first step": (_sgd(_dampened_first_step), "SGD momentum dampening"),
    "StepLR an epoch late": (_late_schedule(schedule.StepLR), "StepLR"),
    "cosine an epoch late": (_late_schedule(schedule.CosineAnnealingLR), "CosineAnnealingLR"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails(fault, monkeypatch):
    plant, case = FAULTS[fault]
    plant(monkeypatch)
    failing = [c for c in optimiser.run(case) if c.verdict is Verdict.FAIL]
    assert any(check.tensor.startswith(CHANGES) for check in failing)


def test_epsilon_shows_most_where_gradients_are_tiny(monkeypatch):
    FAULTS["epsilon before the bias correction"][0](monkeypatch)
    first = [c for c in optimiser.run("Adam") if c.tensor == "delta p after 1 step"]
    relative = {c.module: abs(c.got - c.want) / abs(c.want) for c in first if c.want}
    assert relative["gradient 1, from zero"] < 1e-5
    assert relative["gradient 1e-06, from zero"] > 0.1
    assert relative["gradient 1e-08, from zero"] > 0.8


@pytest.mark.parametrize("fault", ["epsilon before the bias correction", "AdamW as L2"])
def test_float32_tells_the_fault_from_rounding(fault, monkeypatch):
    plant, case = FAULTS[fault]
    plant(monkeypatch)
    failing = {c.engine for c in optimiser.run(case, dtype="float32") if c.failing}
    assert failing == {"scratch float32"}
