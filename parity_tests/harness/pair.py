"""Two implementations of one thing, with the same moved weights, and an input with power."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn import Module as TorchModule

from parity_tests.harness import inputs, outputs
from parity_tests.harness.draws import drawn
from parity_tests.harness.in_mode import set_conv_mode
from parity_tests.harness.pinned import pin_masks
from ref_torch.build import construct as construct_torch
from scratch import nn, spec
from scratch.build import construct as construct_scratch
from scratch.spec import UserError

Array = np.ndarray[Any, np.dtype[Any]]

BATCH = 5


@dataclass
class Pair:
    """A scratch module and a torch module with equal state, both in float64.

    Attributes:
        subject: chapter id or layer case.
        scratch: candidate.
        torch: reference.
        inputs: what both take, float64 (or integer targets), representable in the judged dtype.
        d_output: cotangent of the output; a NamedTuple of them if there are several outputs.
        conv: how scratch convolves where it has the choice.
    """

    subject: str
    scratch: nn.Module
    torch: TorchModule
    inputs: tuple[Array, ...]
    d_output: Any
    conv: str = "direct"

    def scratch_as(self, dtype: str) -> nn.Module:
        """Return a fresh copy of the scratch module in `dtype`."""
        return copy.deepcopy(self.scratch).astype(np.dtype(dtype))

    def evaluated(self) -> Pair:
        """Return the pair in evaluation, where it has one output, with a cotangent for that."""
        ours, theirs = copy.deepcopy(self.scratch).eval(), copy.deepcopy(self.torch).eval()
        pair = replace(self, scratch=ours, torch=theirs)
        return with_cotangent(pair, inputs.generator(0, self.subject, "evaluation"))

    def torch_as(self, dtype: str) -> TorchModule:
        """Return a fresh copy of the torch module in `dtype`."""
        return copy.deepcopy(self.torch).to(getattr(torch, dtype))


def load(scratch_module: nn.Module, torch_module: TorchModule, state: dict[str, Array]) -> None:
    """Load one float64 state strictly into both, with no adapter between them."""
    scratch_module.astype(np.float64).load_state_dict(state)
    torch_module.double().load_state_dict(
        {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    )


def of_chapter(
    id: str,
    size: str = "tiny",
    seed: int = 0,
    dtype: str = "float64",
    exact: bool = False,
    batch: int = BATCH,
    conv: str = "direct",
    **options: Any,
) -> Pair:
    """Make the pair of a chapter.

    Args:
        id: chapter.
        size: "tiny" or "full".
        seed: of weights and inputs.
        dtype: everything drawn is representable in it.
        exact: integer weights and inputs and the chapter's exact-arithmetic form.
        batch: samples.
        conv: how scratch convolves where it has the choice, see `in_mode`.
        **options: constructor arguments that replace the chapter's.

    Raises:
        UserError: no such chapter, or none that has such a form or convolution.
    """
    chapter = spec.get(id, size)
    overrides = {**(exact_arguments(chapter) if exact else {}), **options}
    ours = construct_scratch(chapter, **overrides)
    theirs = construct_torch(chapter, **overrides)
    rng = inputs.generator(seed, id, size, "exact" if exact else "real")
    state = ours.state_dict()
    shape = (batch, *chapter.data.shape)
    if exact:
        state = inputs.integer_state(state, rng)
        x = inputs.integers(rng, shape, 8)
    else:
        state, x = drawn(chapter, state, shape, rng, dtype)
    load(ours, theirs, state)
    pin_masks(ours, theirs, x, rng)
    if exact:
        freeze_norms(ours, theirs)
    if conv != "direct" and not set_conv_mode(ours, theirs, conv):
        raise UserError(f"{id} has no 3 x 3 convolution at stride 1; leave --conv {conv} out")
    pair = Pair(id, ours, theirs, (x,), np.empty(0), conv)
    return with_cotangent(pair, rng, dtype, exact)


def exact_arguments(chapter: spec.Chapter) -> dict[str, Any]:
    """Return the constructor arguments of a chapter's exact-arithmetic form.

    Raises:
        UserError: it has none.
    """
    if chapter.exact is None:
        raise UserError(f"{chapter.id} has no form whose arithmetic is exact")
    return dict(chapter.exact)


def freeze_norms(*networks: Any) -> None:
    """Put networks with batch normalisation into evaluation, with an eps whose root is exact.

    The statistics of a batch are quotients and roots, which round; the running ones were drawn so
    that variance plus eps is a power of four.

    Args:
        *networks: of either twin; those without batch normalisation stay as they are.
    """
    for network in networks:
        for _, module in network.named_modules():
            if type(module).__name__.startswith("BatchNorm"):
                module.eps = inputs.EXACT_EPS
                network.eval()


def with_cotangent(
    pair: Pair, rng: np.random.Generator, dtype: str = "float64", exact: bool = False
) -> Pair:
    """Draw the cotangent of every output of the pair: random and signed, or small integers."""
    with torch.no_grad():  # on a copy: in training a forward moves running statistics
        given = tuple(map(torch.from_numpy, pair.inputs))
        output = outputs.call(pair.torch_as("float64"), given)

    def draw(value: torch.Tensor) -> Array:
        shape = tuple(value.shape)
        return inputs.integers(rng, shape, 4) if exact else inputs.signed(rng, shape, dtype)

    pair.d_output = outputs.each(draw, output)
    return pair
