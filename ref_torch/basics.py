"""The first neuron of the book and its losses by torch's own functions: see `scratch/basics.py`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F

COLOUR_WEIGHTS = (0.92, 0.2, 0.03)


def warmth(colours: Tensor, threshold: float = 0.5) -> Tensor:
    """Return how far colours (N, 3) lie above a threshold of warmth, (N,)."""
    weight = colours.new_tensor([COLOUR_WEIGHTS])
    return F.linear(colours, weight, colours.new_tensor([-threshold]))[:, 0]


def step(z: Tensor) -> Tensor:
    """Return 1 above 0 and 0 elsewhere."""
    return torch.heaviside(z, torch.zeros_like(z))


def sigmoid(z: Tensor, steepness: float = 1.0) -> Tensor:
    """Return the logistic function of steepness z."""
    return torch.sigmoid(steepness * z)


def information(p: Tensor) -> Tensor:
    """Return the surprise at events of probability p."""
    return -p.log()


def entropy(p: Tensor) -> float:
    """Return the expected surprise."""
    return torch.special.entr(p).sum().item()


def cross_entropy(p: Tensor, q: Tensor) -> float:
    """Return the expected surprise of whoever takes q for the truth p."""
    return F.cross_entropy(q.log()[None], p[None]).item()


def divergence(p: Tensor, q: Tensor) -> float:
    """Return Kullback and Leibler's divergence of q from p."""
    return kl_divergence(Categorical(probs=p), Categorical(probs=q)).item()


def half_mse(w: float, b: float, x: Tensor, y: Tensor) -> float:
    """Return half the mean squared error of the line w x + b."""
    return (F.mse_loss(w * x + b, y) / 2).item()
