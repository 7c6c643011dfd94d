"""The schedules against torch's, past their ends, and beside changes from outside."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from scratch import optim, schedule
from scratch.nn.parameter import Parameter

CASES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.001}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
]


def pair(name, options):
    rates = (0.4, 0.1)
    ours = optim.SGD([{"params": [Parameter(np.zeros(1))], "lr": lr} for lr in rates])
    theirs = torch.optim.SGD(
        [{"params": [torch.zeros(1, requires_grad=True)], "lr": lr} for lr in rates]
    )
    theirs.step()
    return (
        getattr(schedule, name)(ours, **options),
        getattr(torch.optim.lr_scheduler, name)(theirs, **options),
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


def test_resumes_exactly():
    straight = schedule.CosineAnnealingLR(optim.SGD([Parameter(np.zeros(1))], lr=0.4), T_max=9)
    for _ in range(5):
        straight.step()
    fresh = optim.SGD([Parameter(np.zeros(1))], lr=0.4)
    resumed = schedule.CosineAnnealingLR(fresh, T_max=9)
    fresh.load_state_dict(straight.optimizer.state_dict())
    resumed.load_state_dict(straight.state_dict())
    for _ in range(8):
        straight.step()
        resumed.step()
        assert straight.get_last_lr() == resumed.get_last_lr()


def test_bad_arguments_are_refused():
    sgd = optim.SGD([Parameter(np.zeros(1))])
    with pytest.raises(ValueError, match="step_size is at least 1; got 0"):
        schedule.StepLR(sgd, 0)
    with pytest.raises(ValueError, match="T_max is at least 1; got 0"):
        schedule.CosineAnnealingLR(sgd, 0)
    two = optim.SGD([{"params": [Parameter(np.zeros(1))]}, {"params": [Parameter(np.zeros(1))]}])
    with pytest.raises(ValueError, match="holds 1 groups; the optimizer has 2"):
        schedule.StepLR(two, 1).load_state_dict(schedule.StepLR(sgd, 1).state_dict())
