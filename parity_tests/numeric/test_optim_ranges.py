"""Options at the ends of their ranges: what torch takes is taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scratch import optim
from scratch.nn.parameter import Parameter


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.0, "momentum": 0.0, "weight_decay": 0.0}),
        ("Adam", {"lr": 0.0, "betas": (0.0, 0.0), "eps": 0.0}),
        ("Adagrad", {"lr": 0.0, "lr_decay": 0.0, "eps": 0.0}),
        ("Adadelta", {"lr": 0.0, "rho": 0.0, "eps": 0.0}),
        ("Adadelta", {"rho": 1.0}),
        ("RMSprop", {"lr": 0.0, "alpha": 0.0, "eps": 0.0, "momentum": 0.0}),
    ],
)
def test_options_at_the_ends_of_their_ranges_are_torch_s(name, options):
    getattr(torch.optim, name)([torch.zeros(2, requires_grad=True)], **options)
    getattr(optim, name)([Parameter(np.zeros(2))], **options)


NAMES = ["SGD", "Adam", "AdamW", "Adagrad", "Adadelta", "RMSprop"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_said_is_what_torch_takes(name):
    ours = getattr(optim, name)([Parameter(np.ones(2))]).defaults
    theirs = getattr(torch.optim, name)([torch.ones(2, requires_grad=True)]).defaults
    assert {"lr", "weight_decay", "maximize"} <= set(ours)
    assert ours == {key: theirs[key] for key in ours}


def test_a_dampening_below_zero_is_torch_s():
    """Every number is a small fraction of two, so the two are equal to the bit."""
    options = {"lr": 0.5, "momentum": 0.5, "dampening": -1.0}
    ours, theirs = Parameter(np.ones(2)), torch.ones(2, dtype=torch.float64, requires_grad=True)
    sides = optim.SGD([ours], **options), torch.optim.SGD([theirs], **options)
    for _ in range(3):
        ours.grad, theirs.grad = np.array([1.0, -3.0]), torch.tensor([1.0, -3.0]).double()
        for side in sides:
            side.step()
    assert ours.data.tolist() == theirs.tolist()


def test_a_misspelt_option_of_a_group_is_refused():
    with pytest.raises(ValueError, match="unknown parameter group options: momentun"):
        optim.SGD([{"params": [Parameter(np.ones(2))], "momentun": 0.9}])


@pytest.mark.parametrize("name", NAMES)
def test_no_decay_multiplies_nothing(name):
    """Zero times infinity would be NaN."""
    ours, theirs = Parameter(np.array([np.inf, 1.0])), torch.tensor([np.inf, 1.0]).double()
    ours.grad, theirs.grad = np.array([1.0, 0.0]), torch.tensor([1.0, 0.0]).double()
    getattr(optim, name)([ours], weight_decay=0.0).step()
    getattr(torch.optim, name)([theirs.requires_grad_()], weight_decay=0.0).step()
    assert ours.data.tolist() == theirs.tolist() == [np.inf, 1.0]


@pytest.mark.parametrize("name", NAMES)
def test_a_parameter_without_entries_is_no_trouble(name):
    empty = Parameter(np.zeros((0, 3)))
    getattr(optim, name)([empty]).step()
    assert empty.shape == (0, 3)
