"""The schedules against torch's, past their ends, and beside changes from outside."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch

from ref_torch.optim import make_schedule as make_torch_schedule
from scratch import optim, schedule
from scratch.nn.parameter import Parameter
from scratch.spec.errors import UserError
from scratch.train import make_schedule

CASES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.001}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("MultiStepLR", {"milestones": (2, 2, 7), "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {"total_iters": 8, "power": 1.5}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.5, "end_factor": 0.0, "total_iters": 9}),
    ("InverseLR", {"gamma": 0.2, "power": 0.75}),
    *(
        (
            "SequentialLR",
            {
                "schedulers": (("LinearLR", {"start_factor": 0.1, "total_iters": 3}), after),
                "milestones": (milestone,),
            },
        )
        for milestone in (3, 5)
        for after in (
            ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.001}),
            ("StepLR", {"step_size": 4}),
            ("MultiStepLR", {"milestones": (0, 4)}),
            ("PolynomialLR", {"total_iters": 12}),
            ("InverseLR", {"gamma": 0.1}),
            ("LinearLR", {"start_factor": 0.9, "end_factor": 0.2}),
        )
    ),
]


def pair(name, options):
    rates = (0.4, 0.1)
    ours = optim.SGD([{"params": [Parameter(np.zeros(1))], "lr": lr} for lr in rates])
    theirs = torch.optim.SGD(
        [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates]
    )
    theirs.step()
    return (
        make_schedule(name, options, ours),
        make_torch_schedule(name, options, theirs),
    )


@pytest.mark.parametrize(("name", "options"), CASES)
def test_every_rate_of_50_epochs_equals_torch_bit_for_bit(name, options):
    ours, theirs = pair(name, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(50):
            assert ours.get_last_lr() == theirs.get_last_lr()
            ours.step()
            theirs.step()


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_rate_changed_from_outside_is_carried_on(name, options):
    ours, theirs = pair(name, options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in range(20):
            if epoch == 4:
                ours.optimizer.param_groups[0]["lr"] = 0.3
                theirs.optimizer.param_groups[0]["lr"] = 0.3
            ours.step()
            theirs.step()
            assert ours.get_last_lr() == theirs.get_last_lr()


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("epochs", [1, 4, 9])
def test_resumes_exactly(name, options, epochs):
    straight = make_schedule(name, options, optim.SGD([Parameter(np.zeros(1))], lr=0.4))
    for _ in range(epochs):
        straight.step()
    fresh = optim.SGD([Parameter(np.zeros(1))], lr=0.4)
    resumed = make_schedule(name, options, fresh)
    fresh.load_state_dict(straight.optimizer.state_dict())
    resumed.load_state_dict(json.loads(json.dumps(straight.state_dict())))
    for _ in range(8):
        straight.step()
        resumed.step()
        assert straight.get_last_lr() == resumed.get_last_lr()


def test_a_misspelt_schedule_is_told():
    sgd = optim.SGD([Parameter(np.zeros(1))])
    with pytest.raises(UserError, match='did you mean "ExponentialLR"'):
        make_schedule("ExponentalLR", {}, sgd)


def test_bad_arguments_are_refused():
    sgd = optim.SGD([Parameter(np.zeros(1))])
    with pytest.raises(ValueError, match="step_size is at least 1; got 0"):
        schedule.StepLR(sgd, 0)
    with pytest.raises(ValueError, match="T_max is at least 1; got 0"):
        schedule.CosineAnnealingLR(sgd, 0)
    with pytest.raises(ValueError, match="start_factor is in"):
        schedule.LinearLR(sgd, 0.0)
    with pytest.raises(ValueError, match=r"start_factor is in \(0, 1\]; got 1\.5"):
        schedule.LinearLR(sgd, 1.5)
    with pytest.raises(ValueError, match="end_factor is in"):
        schedule.LinearLR(sgd, 0.5, 1.5)
    with pytest.raises(ValueError, match=r"end_factor is in \[0, 1\]; got -0\.5"):
        schedule.LinearLR(sgd, 0.5, -0.5)
    with pytest.raises(ValueError, match="gamma is at least 0; got -1"):
        schedule.InverseLR(sgd, -1)
    one = schedule.StepLR(sgd, 1)
    with pytest.raises(ValueError, match="at least one scheduler"):
        schedule.SequentialLR(sgd, [], [])
    with pytest.raises(ValueError, match="1 schedules need 0 milestones; got 1"):
        schedule.SequentialLR(sgd, [one], [3])
    with pytest.raises(ValueError, match="the same optimizer"):
        schedule.SequentialLR(optim.SGD([Parameter(np.zeros(1))]), [one], [])
    two = optim.SGD([{"params": [Parameter(np.zeros(1))]}, {"params": [Parameter(np.zeros(1))]}])
    with pytest.raises(ValueError, match="holds 1 groups; the optimizer has 2"):
        schedule.StepLR(two, 1).load_state_dict(schedule.StepLR(sgd, 1).state_dict())
