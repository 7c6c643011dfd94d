"""Initial values as data: drawn once, loaded into either twin.

The twins never draw weights of their own, so they start equal, and nothing depends on two
libraries drawing the same random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Draw = Callable[[np.random.Generator, tuple[int, ...], int, int], Array]

# Weights that start at one and biases that start at zero whatever the scheme.
_ONES = ("ChannelScale.weight", "BatchNorm1d.weight", "BatchNorm2d.weight")
_ZEROS = ("ChannelScale.bias", "BatchNorm1d.bias", "BatchNorm2d.bias")


def _uniform(limit: float, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.uniform(-limit, limit, shape)


_WEIGHTS: dict[str, Draw] = {
    "zeros": lambda rng, shape, fan_in, fan_out: np.zeros(shape),
    "normal": lambda rng, shape, fan_in, fan_out: rng.standard_normal(shape),
    "small": lambda rng, shape, fan_in, fan_out: 0.1 * rng.standard_normal(shape),
    "torch": lambda rng, shape, fan_in, fan_out: _uniform(1 / math.sqrt(fan_in), rng, shape),
    "xavier": lambda rng, shape, fan_in, fan_out: _uniform(
        math.sqrt(6 / (fan_in + fan_out)), rng, shape
    ),
    "msra": lambda rng, shape, fan_in, fan_out: rng.standard_normal(shape) * math.sqrt(2 / fan_in),
    "lecun": lambda rng, shape, fan_in, fan_out: _uniform(2.4 / fan_in, rng, shape),
}

SCHEMES = tuple(_WEIGHTS)


def fans(kind: str, shape: tuple[int, ...], outputs: int) -> tuple[int, int]:
    """Return (fan_in, fan_out): inputs of one output value, outputs of one input value.

    Args:
        kind: "Class.parameter", such as "Conv2d.weight".
        shape: (out, in) or (out, in/groups, kh, kw); a TableConv2d's is (connections, kh, kw).
        outputs: number of output channels.

    >>> fans("Linear.weight", (64, 784), 64), fans("Conv2d.weight", (6, 1, 5, 5), 6)
    ((784, 64), (25, 150))
    """
    window = math.prod(shape[2:])
    if kind == "TableConv2d.weight":
        connections, high, wide = shape
        return max(1, round(connections * high * wide / outputs)), connections * high * wide
    return shape[1] * window, shape[0] * window


def draw(
    names: Sequence[str],
    kinds: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
    scheme: str,
    seed: int,
    given: Mapping[str, float] | None = None,
) -> list[Array]:
    """Draw the initial value of every parameter.

    Args:
        names: paths of the parameters in the order of the state dict.
        kinds: "Class.parameter" for each.
        shapes: shape of each.
        scheme: "zeros"; "normal", N(0, 1); "small", N(0, 0.01); "torch", U(+-1/sqrt(fan_in)) for
            weights and biases, which is what torch draws for Linear and Conv2d; "xavier",
            U(+-sqrt(6/(fan_in + fan_out))) (Glorot and Bengio 2010); "msra", N(0, 2/fan_in) (He et
            al. 2015); "lecun", U(+-2.4/fan_in) for weights and biases (LeCun et al. 1998, appendix
            A). Biases are zero unless said otherwise.
        seed: seed of the one generator.
        given: numbers that named parameters have in every entry, whatever the scheme.

    Returns:
        float32 arrays in the order of `names`.

    Raises:
        ValueError: unknown scheme, or a number for a parameter that is not there.
    """
    if scheme not in _WEIGHTS:
        raise ValueError(f'unknown initial values "{scheme}"; known: {", ".join(SCHEMES)}')
    fixed = given or {}
    if not set(fixed) <= set(names):
        strangers = ", ".join(sorted(set(fixed) - set(names)))
        raise ValueError(f"initial values for unknown parameters: {strangers}")
    rng = np.random.default_rng(seed)
    size = dict(zip(names, shapes, strict=True))
    values = []
    fan_in = 1
    for name, kind, shape in zip(names, kinds, shapes, strict=True):
        if kind in _ONES:
            value = np.ones(shape)
        elif kind in _ZEROS:
            value = np.zeros(shape)
        elif name.endswith("bias"):
            # A bias follows its weight and has that weight's fan-in.
            value = (
                _WEIGHTS[scheme](rng, shape, fan_in, 1)
                if scheme in ("torch", "lecun", "normal")
                else np.zeros(shape)
            )
        else:
            bias = size.get(name.removesuffix("weight") + "bias")
            fan_in, fan_out = fans(kind, shape, bias[0] if bias else shape[0])
            value = _WEIGHTS[scheme](rng, shape, fan_in, fan_out)
        if name in fixed:
            value = np.full(shape, fixed[name])
        values.append(value.astype(np.float32))
    return values
