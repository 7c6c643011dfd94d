"""Make the pair of a layer case."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import ref_torch.nn
from parity_tests.harness import inputs
from parity_tests.harness.cases import Case
from parity_tests.harness.in_mode import set_conv_mode
from parity_tests.harness.pair import Pair, load, with_cotangent
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]


SPECIAL = (np.nan, np.inf, -np.inf)
SCALES = {"huge": 1e30, "tiny": 1e-41}  # near both ends of float32, the second below its normal


class Dropout(torch.nn.Dropout):
    """torch's own dropout with the mask that its seed gives, whatever was drawn before."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Drop the same units at every call."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return super().forward(input)


def of_case(case: Case, seed: int = 0, dtype: str = "float64", exact: bool = False) -> Pair:
    """Make the pair of a layer case.

    Args:
        case: from `cases.CASES`.
        seed: of weights and inputs.
        dtype: everything drawn is representable in it.
        exact: integer weights and inputs.
    """
    rng = inputs.generator(seed, case.name, exact)
    ours = getattr(nn, case.layer)(**_arguments(case, np.array))
    theirs = _torch_layer(case)
    state = ours.state_dict()
    state = inputs.dense_integer_state(state, rng) if exact else inputs.moved(state, rng, dtype)
    if case.target:  # the state of a loss is its weights
        state = {name: np.abs(value) for name, value in state.items()}
    load(ours, theirs, state)
    ours.train(case.training)
    theirs.train(case.training)
    x = _input(case, case.shape, rng, dtype, exact)
    if isinstance(ours, nn.Dropout):
        ours.mask = theirs(torch.ones(case.shape)).numpy() != 0
    values = (x, *(_input(case, shape, rng, dtype, exact) for shape in case.also))
    if case.target:
        values = (x, _target(case, rng, dtype))
    if case.conv and not set_conv_mode(ours, theirs, case.conv):
        raise ValueError(f"{case.name}: no convolution that has the choice")
    pair = Pair(case.name, ours, theirs, values, np.empty(0))
    with_cotangent(pair, rng, dtype, exact)
    if case.values == "steep":
        places = rng.choice(pair.d_output.size, 4 * len(SPECIAL), replace=False)
        pair.d_output.flat[places] = 4 * SPECIAL
    return pair


def _input(
    case: Case, shape: tuple[int, ...], rng: np.random.Generator, dtype: str, exact: bool
) -> Array:
    if case.layer == "Embedding":
        return rng.integers(0, case.arguments["num_embeddings"], shape)
    if case.values == "ties":
        return inputs.integers(rng, shape, 2)
    x = inputs.integers(rng, shape, 8) if exact else inputs.signed(rng, shape, dtype)
    if case.values == "zeros":
        x = np.where(rng.random(shape) < 1 / 3, np.copysign(0.0, x), x)
    elif case.values == "far":
        x = np.where(rng.random(shape) < 1 / 3, np.copysign(1e4, x), x)
    elif case.values == "shifted":
        side = np.where(np.arange(len(x)) % 2, -1e4, 1e4)
        x += side.reshape(-1, *[1] * (x.ndim - 1))
    elif case.values.startswith("mean "):  # so many deviations away from zero, on either side
        side = np.where(np.arange(x.shape[1]) % 2, -1.0, 1.0) * float(case.values[5:])
        x += side.reshape(-1, *[1] * (x.ndim - 2))
    elif case.values == "constant":
        x[:, 0] = x[0, 0].flat[0]
    elif case.values == "positive":
        x = np.abs(x)
    elif case.values == "spread":
        x *= 1e4
    elif case.values in SCALES:
        x *= SCALES[case.values]
    elif case.values == "special":
        x.flat[rng.choice(x.size, 3, replace=False)] = SPECIAL
    elif case.values == "bottomless":
        x[..., :4, :4] = -np.inf
    return x.astype(dtype).astype(np.float64)


def _arguments(case: Case, array: Any) -> dict[str, Any]:
    return {
        name: array(value) if name in ("weight", "pos_weight") else value
        for name, value in case.arguments.items()
    }


def _torch_layer(case: Case) -> torch.nn.Module:
    if case.layer == "Dropout":
        return Dropout(**case.arguments)
    owner = ref_torch.nn if hasattr(ref_torch.nn, case.layer) else torch.nn
    layer: torch.nn.Module = getattr(owner, case.layer)(**_arguments(case, torch.tensor))
    return layer


def _target(case: Case, rng: np.random.Generator, dtype: str) -> Array:
    samples, width, *places = case.shape
    if case.target == "value":
        return inputs.signed(rng, case.shape, dtype)
    if case.target == "binary":
        return rng.integers(0, 2, case.shape).astype(np.float64)
    if case.target == "sign":
        return rng.choice([-1.0, 1.0], case.shape)
    if case.target == "probability":
        share = rng.dirichlet(np.ones(width), (samples, *places))
        return np.moveaxis(share, -1, 1).astype(dtype).astype(np.float64)
    found = rng.integers(0, width, (samples, *places))
    if case.target == "ignored":
        found[1] = case.arguments["ignore_index"]
        found[0] = (case.arguments["ignore_index"] + 1) % width
    return found
