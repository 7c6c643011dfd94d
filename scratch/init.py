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

# Layers whose weights hold the rows of several gates.
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


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

    Each gate of a recurrent layer is a matrix of its own.

    >>> fans("Linear.weight", (64, 784), 64), fans("Conv2d.weight", (6, 1, 5, 5), 6)
    ((784, 64), (25, 150))
    >>> fans("LSTM.weight_ih_l0", (4 * 8, 29), 4 * 8)
    (29, 8)
    """
    window = math.prod(shape[2:])
    if kind == "TableConv2d.weight":
        connections, high, wide = shape
        return max(1, round(connections * high * wide / outputs)), connections * high * wide
    return shape[1] * window, shape[0] * window // _GATES.get(kind.partition(".")[0], 1)


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
            weights and biases, which is what torch draws for Linear and Conv2d, U(+-1/sqrt(H)) for
            all of a recurrent layer with states of size H, and N(0, 1) for Embedding; "xavier",
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
    for name, kind, shape in zip(names, kinds, shapes, strict=True):
        if kind in _ONES:
            value = np.ones(shape)
        elif kind in _ZEROS:
            value = np.zeros(shape)
        else:
            value = _drawn(rng, name, kind, size, scheme)
        if name in fixed:
            value = np.full(shape, fixed[name])
        values.append(value.astype(np.float32))
    return values


def _drawn(
    rng: np.random.Generator,
    name: str,
    kind: str,
    size: Mapping[str, tuple[int, ...]],
    scheme: str,
) -> Array:
    """Draw a weight, or a bias, which has the fan-in of its weight and is zero in some schemes."""
    layer, _, parameter = kind.partition(".")
    path, shape = name.removesuffix(parameter), size[name]
    if layer == "Embedding" and scheme == "torch":
        return rng.standard_normal(shape)
    if layer in _GATES and scheme == "torch":
        return _uniform(1 / math.sqrt(shape[0] // _GATES[layer]), rng, shape)
    if parameter.startswith("bias"):
        if scheme not in ("torch", "lecun", "normal"):
            return np.zeros(shape)
        of_weight = parameter.replace("bias", "weight", 1)
        fan_in, _ = fans(f"{layer}.{of_weight}", size[path + of_weight], shape[0])
        return _WEIGHTS[scheme](rng, shape, fan_in, 1)
    bias = size.get(path + parameter.replace("weight", "bias", 1))
    fan_in, fan_out = fans(kind, shape, bias[0] if bias else shape[0])
    return _WEIGHTS[scheme](rng, shape, fan_in, fan_out)
