"""Small networks whose forward is given, in integers that do not round, for tests of folding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]
EPS = 2.0**-10


def integers(model: nn.Module, dtype: str) -> nn.Module:
    """Give a network integers, norms a scale over deviation that is a signed power of two."""
    rng = np.random.default_rng(5)
    model.astype(np.dtype(dtype))
    for _, module in model.named_modules():
        for parameter in module._parameters.values():
            parameter.data[...] = rng.integers(1, 4, parameter.shape) * rng.choice([-1, 1])
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.eps = EPS
            roots = 2.0 ** rng.integers(-2, 3, module.num_features)
            if module.running_mean is not None:
                module.running_var = (roots**2 - EPS).astype(dtype)
                module.running_mean = rng.integers(-3, 4, module.num_features).astype(dtype)
            if module.weight is not None:
                signs = rng.choice([-1.0, 1.0], module.num_features)
                module.weight.data[...] = signs * 2.0 ** rng.integers(-1, 2, module.num_features)
    return model.eval()


class Net(nn.Module):
    """A convolution and a normalisation, and a forward that is given."""

    def __init__(
        self, run: Callable[..., Any], layer: nn.Module, norm: nn.Module, *more: Any
    ) -> None:
        super().__init__()
        self.run = run
        self.layer, self.norm = layer, norm
        self.more = nn.Sequential(*more)

    def forward(self, input: Array) -> Any:
        """Do what was given."""
        return self.run(self, input)


def plain(self: Net, x: Array) -> Array:
    """Run everything in order."""
    made: Array = self.more(self.norm(self.layer(x)))
    return made


def conv(**options: Any) -> nn.Conv2d:
    """Return a convolution from 4 maps to 6."""
    return nn.Conv2d(4, 6, (3, 2), **options)


def image(dtype: str = "float64") -> Array:
    """Return three images of 4 maps."""
    return np.random.default_rng(1).integers(-4, 5, (3, 4, 7, 6)).astype(dtype)
