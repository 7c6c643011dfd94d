"""Penalties, schedules, optimisers and stop rules mean the same in both loops."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ref_torch
import scratch
from parity_tests.harness import bounds
from ref_torch import fit as theirs
from ref_torch.penalty import penalty
from scratch import data, spec, train
from scratch.penalty import Penalty
from scratch.run.folder import RunFolder
from scratch.run.metrics import History
from scratch.spec import Stop

ID = "logistic_regression"
RATE = 0.05
CHAIN = {
    "schedulers": (
        ("LinearLR", {"start_factor": 0.1, "total_iters": 2}),
        ("CosineAnnealingLR", {"T_max": 4}),
    ),
    "milestones": (2,),
}
SCHEDULES: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": (1, 3), "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.8},
    "PolynomialLR": {"total_iters": 4, "power": 2.0},
    "CosineAnnealingLR": {"T_max": 5},
    "LinearLR": {"start_factor": 0.25, "total_iters": 3},
    "InverseLR": {"gamma": 0.5, "power": 0.75},
    "SequentialLR": CHAIN,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "L1": {"l1": 0.3},
    "L2": {"l2": 0.3},
    "L1 and L2": {"l1": 0.1, "l2": 0.2},
    **{name: {"schedule": name, "schedule_args": args} for name, args in SCHEDULES.items()},
    **{name: {"optimizer": name, "optimizer_args": {}} for name in train.OPTIMIZERS},
}


def chapter(**changes: Any) -> spec.Chapter:
    found = spec.get(ID)
    changed = dataclasses.replace(found.train, lr=RATE, epochs=6, batch_size=24, **changes)
    return dataclasses.replace(found, train=changed)


def networks() -> tuple[Any, Any]:
    """Both twins away from zero, where a gradient may vanish and Adam divides rounding by it."""
    torch.set_num_threads(1)
    mine, other = scratch.build(ID).astype(np.float64), ref_torch.build(ID).double()
    rng = np.random.default_rng(3)
    state = {name: rng.standard_normal(value.shape) for name, value in mine.state_dict().items()}
    mine.load_state_dict(state)
    other.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return mine, other


def both(plan: spec.Chapter, **options: Any) -> tuple[History, History, Any, Any]:
    mine, other = networks()
    dataset = data.load(plan)
    a = train.fit(plan, mine, dataset, progress=False, **options)
    b = theirs.fit(plan, other, dataset, progress=False, **options)
    return a, b, mine, other


def close(got: Any, want: Any) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    limit = bounds.TRAJECTORY * np.abs(want).max()
    return got.shape == want.shape and bool((np.abs(got - want) <= limit).all())


def same_weights(mine: Any, other: Any) -> bool:
    want = other.state_dict()
    return all(close(value, want[name].numpy()) for name, value in mine.state_dict().items())


def test_every_schedule_and_optimiser_of_the_loops_is_tried():
    assert set(train.SCHEDULES) == set(SCHEDULES) == set(ref_torch.optim.SCHEDULES)
    assert set(train.OPTIMIZERS) == set(ref_torch.optim.OPTIMIZERS)


@pytest.mark.parametrize("name", VARIANTS)
def test_both_loops_give_the_same_losses(name):
    a, b, mine, other = both(chapter(**VARIANTS[name]))
    assert close(a.step_losses, b.step_losses)
    assert [row["lr"] for row in a.rows] == [row["lr"] for row in b.rows]
    assert close([row["val_loss"] for row in a.rows], [row["val_loss"] for row in b.rows])
    assert same_weights(mine, other)
    assert a.stopped == b.stopped == ""


@pytest.mark.parametrize("name", ["L1", "L2"])
def test_a_penalty_changes_the_loss_and_the_weights(name):
    plain, _, before, _ = both(chapter())
    a, _, after, _ = both(chapter(**VARIANTS[name]))
    assert a.step_losses[0] > plain.step_losses[0]
    norms = [sum(np.abs(p.data).sum() for p in m.parameters()) for m in (after, before)]
    assert norms[0] < norms[1]


def test_the_penalty_spares_biases_and_divides_by_the_batch():
    weight = scratch.nn.Parameter(np.array([[2.0, -3.0, 0.0]]))
    bias = scratch.nn.Parameter(np.array([5.0]))
    added = Penalty([weight, bias], 0.5, 0.25)
    assert added.value(4) == (0.5 * 5 + 0.125 * 13) / 4
    added.backward(4)
    assert weight.grad.tolist() == [[(0.5 + 0.5) / 4, (-0.5 - 0.75) / 4, 0.0]]
    assert bias.grad.tolist() == [0.0]

    net = torch.nn.Linear(3, 1).double()
    with torch.no_grad():
        net.weight.copy_(torch.tensor(weight.data))
        net.bias.fill_(5.0)
    value = penalty(net, 0.5, 0.25, 4)
    value.backward()
    assert value.item() == added.value(4)
    assert np.array_equal(net.weight.grad.numpy(), weight.grad)
    assert net.bias.grad is None


def _not_divided(patch: pytest.MonkeyPatch) -> None:
    backward = Penalty.backward
    patch.setattr(Penalty, "backward", lambda self, samples: backward(self, 1))


def _value_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Penalty, "backward", lambda self, samples: None)


def _gradient_only(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Penalty, "value", lambda self, samples: 0.0)


def _biases_too(patch: pytest.MonkeyPatch) -> None:
    start = Penalty.__init__

    def wrong(self, parameters, l1, l2):
        every = list(parameters)
        start(self, every, l1, l2)
        self.weights = every

    patch.setattr(Penalty, "__init__", wrong)


@pytest.mark.parametrize("fault", [_not_divided, _value_only, _gradient_only, _biases_too])
@pytest.mark.parametrize("name", ["L1", "L2"])
def test_a_wrong_penalty_is_noticed(name, fault, monkeypatch):
    fault(monkeypatch)
    a, b, _, _ = both(chapter(**VARIANTS[name]), epochs=1)
    assert not close(a.step_losses, b.step_losses)


RULES = {
    "loss": (Stop(loss=0.8), "is at most 0.8"),
    "difference": (Stop(difference=0.02), "changed by less than 0.02 4 checks in a row"),
    "every second": (Stop(loss=0.8, check_every=2), "is at most 0.8"),
}


@pytest.mark.parametrize("name", RULES)
def test_both_loops_stop_at_the_same_epoch_and_say_why(name):
    rules, said = RULES[name]
    plan = chapter(stop=rules)
    a, b, mine, other = both(plan, epochs=60)
    assert said in a.stopped
    assert a.stopped == b.stopped
    assert 1 < len(a.rows) == len(b.rows) < 60
    assert len(a.rows) % rules.check_every == 0
    assert f"after epoch {len(a.rows)}:" in a.stopped
    assert close(a.step_losses, b.step_losses)
    assert same_weights(mine, other)


def wild() -> spec.Chapter:
    """A rate so large that the validation loss goes up and down."""
    plan = chapter(stop=Stop(patience=3))
    return dataclasses.replace(plan, train=dataclasses.replace(plan.train, lr=40.0))


def test_patience_ends_with_the_best_weights_in_both_loops():
    plan = wild()
    a, b, mine, other = both(plan, epochs=60)
    losses = [row["val_loss"] for row in a.rows]
    best = int(np.argmin(losses))
    assert len(a.rows) == len(b.rows) == best + 1 + 3
    assert a.stopped == b.stopped
    assert f"of epoch {best + 1} in 3 checks" in a.stopped
    found = train.evaluate(mine, data.load(plan).val, plan.train.loss, plan.data.task)
    assert found["loss"] == losses[best]
    assert same_weights(mine, other)


def test_patience_keeps_the_best_weights_when_the_epochs_run_out():
    plan = wild()
    a, _, mine, other = both(plan, epochs=60)
    best = int(np.argmin([row["val_loss"] for row in a.rows])) + 1
    short, also, kept, kept_too = both(plan, epochs=best + 2)
    assert short.stopped == also.stopped == ""
    for one, two in ((mine, kept), (other, kept_too)):
        pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
        assert all(np.array_equal(np.asarray(x), np.asarray(y)) for x, y in pairs)


@pytest.mark.parametrize("twin", ["scratch", "torch"])
def test_a_resumed_run_remembers_its_best_weights_and_that_it_was_over(twin, tmp_path: Path):
    plan = wild()
    fit = train.fit if twin == "scratch" else theirs.fit
    number = 0 if twin == "scratch" else 1
    dataset = data.load(plan)
    whole = networks()[number]
    complete = fit(plan, whole, dataset, epochs=60, progress=False)

    folder = RunFolder.create(tmp_path / "run", {})
    fit(plan, networks()[number], dataset, epochs=len(complete.rows) - 1, folder=folder,
        progress=False)  # fmt: skip
    for _ in range(2):
        resume = folder.checkpoints
        if twin == "scratch":
            resume = resume / "scratch-last.safetensors"
        again = networks()[number]
        history = fit(plan, again, dataset, epochs=60, folder=folder, progress=False, resume=resume)
        assert history.stopped == complete.stopped
        assert history.step_losses == complete.step_losses
        pairs = zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
        assert all(np.array_equal(np.asarray(x), np.asarray(y)) for x, y in pairs)


@pytest.mark.parametrize("name", SCHEDULES)
def test_lightning_resumes_every_schedule(name, tmp_path: Path):
    plan = chapter(**VARIANTS[name])
    dataset = data.load(plan)
    whole = networks()[1]
    complete = theirs.fit(plan, whole, dataset, progress=False)
    folder = RunFolder.create(tmp_path / "run", {})
    theirs.fit(plan, networks()[1], dataset, epochs=3, folder=folder, progress=False)
    again = networks()[1]
    history = theirs.fit(plan, again, dataset, progress=False, resume=folder.checkpoints)
    assert history.step_losses == complete.step_losses
    assert [row["lr"] for row in history.rows] == [row["lr"] for row in complete.rows]
