"""The sets of any torch module: one of real numbers, and one of integers where nothing rounds."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from parity_tests.harness import inputs, outputs
from parity_tests.harness.golden import reference, sets
from parity_tests.harness.golden.manifest import Set
from parity_tests.harness.golden.names import Names
from parity_tests.harness.golden.nearness import near
from parity_tests.harness.golden.reference import Run
from parity_tests.harness.pair import Pair, with_cotangent
from parity_tests.harness.runner import DRAWS, FAR
from scratch import nn
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

LARGEST = 3  # integer inputs reach from -3 to 3, zero among them


def sets_of(
    module: torch.nn.Module, shape: tuple[int, ...], dtype: str = "float64", seed: int = 0
) -> list[tuple[Set, dict[str, Array]]]:
    """Return the real set of a module and, if it can be computed without rounding, the exact one.

    Args:
        module: with one input; is copied.
        shape: of the input, with the batch.
        dtype: of the arrays.
        seed: of weights, input and cotangent.

    Raises:
        UserError: the module is random.
    """
    for at in (*range(seed, seed + DRAWS * FAR, FAR), seed):  # if none is clear, the first is taken
        pair = _pair(module, shape, at)
        wide, again, narrow = (reference.once(pair, f"float{n}") for n in (64, 64, 32))
        both = zip(outputs.parts(wide.output), outputs.parts(again.output), strict=True)
        if not all(np.array_equal(a, b) for a, b in both):
            raise UserError(
                "the module computes something else each time; call its eval() if it has dropout"
            )
        kinks = near(pair, wide, narrow)
        if not kinks.units:
            break
    found = [sets.real(pair, wide, narrow, dtype=dtype, seed=at, kinks=kinks)]
    whole = _pair(module, shape, seed, exact=True)
    runs = [reference.once(whole, kind) for kind in ("float64", "float32")]
    if _same(whole, *runs):
        found.append(sets.exact(whole, runs[0], dtype=dtype, seed=seed))
    return found


def _pair(module: torch.nn.Module, shape: tuple[int, ...], seed: int, exact: bool = False) -> Pair:
    theirs = copy.deepcopy(module).double()
    rng = inputs.generator(seed, "module", type(module).__name__, shape, exact)
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    if exact:
        state = inputs.integer_state(state, rng)
        x = rng.integers(-LARGEST, LARGEST + 1, shape).astype(np.float64)
    else:
        state = inputs.moved(state, rng, "float32")
        x = inputs.signed(rng, shape, "float32")
    theirs.load_state_dict({name: torch.from_numpy(np.array(v)) for name, v in state.items()})
    pair = Pair("", nn.Identity(), theirs, (x,), np.empty(0))
    return with_cotangent(pair, rng, "float32", exact)


def _same(pair: Pair, wide: Run, narrow: Run) -> bool:
    """Whether float32 and float64 give the same numbers everywhere, not all of them zero."""
    names = Names(pair, wide)
    others = names.tensors(narrow, None)
    pairs = [(entry[3], others[name][3]) for name, entry in names.tensors(wide, None).items()]
    return all(np.array_equal(a, b) for a, b in pairs) and bool(np.any(wide.d_input))
