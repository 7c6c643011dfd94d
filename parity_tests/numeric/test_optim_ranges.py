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
