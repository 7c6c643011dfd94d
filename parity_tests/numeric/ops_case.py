"""An operation on trial: how its arrays are drawn, its options, and how it is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity_tests.numeric.ops_draws import Array, Draw, signed
from scratch.ops import conv_naive


@dataclass(frozen=True)
class Case:
    """One call: the operation, how its arrays are drawn, its options."""

    module: str
    op: str
    draws: tuple[Draw, ...]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def is_loss(self) -> bool:
        """Whether the second array is a target, which has no gradient."""
        return self.module.endswith("loss")

    @property
    def id(self) -> str:
        """A name for pytest."""
        options = "-".join(f"{k}={v}" for k, v in self.options.items())
        return f"{self.op}-{options}".replace(" ", "")

    def arrays(self, seed: int, dtype: Any) -> tuple[Array | None, ...]:
        """Draw the arrays in a dtype."""
        rng = np.random.default_rng(seed)
        return tuple(draw(rng, np.dtype(dtype)) for draw in self.draws)

    def function(self, name: str = "", naive: bool = False) -> Callable[..., Any]:
        """Return the forward function, or with ``name="_backward"`` the backward function."""
        module = importlib.import_module(f"scratch.ops.{self.module}{'_naive' if naive else ''}")
        function: Callable[..., Any] = getattr(module, self.op + name)
        return function

    def forward(self, *arrays: Array | None, naive: bool = False) -> tuple[Any, Any]:
        """Return ``y, cache``."""
        y, cache = self.function(naive=naive)(*arrays, **self.options)
        return y, cache

    def backward(self, dy: Any, cache: Any, naive: bool = False) -> tuple[Array | None, ...]:
        """Return the gradients as a tuple."""
        gradients = self.function("_backward", naive)(dy, cache)
        return gradients if isinstance(gradients, tuple) else (gradients,)

    def results(self, seed: int) -> tuple[Any, ...]:
        """Return y and the gradients of drawn float64 arrays and a drawn cotangent."""
        y, cache = self.forward(*self.arrays(seed, "float64"))
        return y, *self.backward(cotangent(y, seed + 1), cache)


class Tiled(Case):
    """A convolution in Winograd's tiles, whose definition is that of every convolution."""

    def function(self, name: str = "", naive: bool = False) -> Callable[..., Any]:
        """Return Winograd's function, or the loops."""
        return getattr(conv_naive, self.op + name) if naive else super().function(name)

    def forward(self, *arrays: Array | None, naive: bool = False) -> tuple[Any, Any]:
        """Return ``y, cache``; loops have no tiles."""
        options = {k: v for k, v in self.options.items() if k != "tile"} if naive else self.options
        y, cache = self.function(naive=naive)(*arrays, **options)
        return y, cache


class WithLast(Case):
    """An operation that returns a last cell beside the states; here one lies behind the other."""

    def forward(self, *arrays: Array | None, naive: bool = False) -> tuple[Any, Any]:
        """Return ``y, cache``, where ``y[-1]`` is the cell."""
        (y, last), cache = super().forward(*arrays, naive=naive)
        return np.concatenate([y, last[None]]), cache

    def backward(self, dy: Any, cache: Any, naive: bool = False) -> tuple[Array | None, ...]:
        """Return the gradients as a tuple."""
        gradients: tuple[Array | None, ...]
        gradients = self.function("_backward", naive)(dy[:-1], dy[-1], cache)
        return gradients


class Indexed(Case):
    """An operation whose first array holds integers, which have no gradient."""

    def backward(self, dy: Any, cache: Any, naive: bool = False) -> tuple[Array | None, ...]:
        """Return the gradients as a tuple, none for the integers."""
        return None, *super().backward(dy, cache, naive)


def cotangent(like: Any, seed: int) -> Array:
    """Draw a random signed gradient for an output."""
    y = np.asarray(like)
    return signed(np.random.default_rng(seed), y.shape, y.dtype)


def arrays_in(value: Any) -> Iterator[Array]:
    """Find every array in a nest of tuples, lists and the like."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays_in(item)
