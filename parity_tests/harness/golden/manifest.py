"""What manifest.json says: the meaning of every tensor, and the bound that it must meet."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1
MANIFEST = "manifest.json"
FORMATS = ("safetensors", "npz", "raw", "c-header")
GIVEN, FORWARD, BACKWARD, STEP = PHASES = ("given", "forward", "backward", "step")


@dataclass(frozen=True)
class Bound:
    """Largest |mine - reference| of any element, and where the number comes from."""

    absolute: float
    reason: str


@dataclass(frozen=True)
class Tensor:
    """One array.

    Attributes:
        name: "input", "activation.layers.fc1", "gradient.layers.fc1.weight", ... A second call of
            a module has "@1" behind its path.
        role: input, target, parameter, buffer, mask, activation, loss, cotangent, gradient or
            updated.
        phase: one of PHASES.
        module: path of the module, "" for the whole network.
        shape: of the array.
        dtype: of the file.
        sha256: of the values, little-endian, in C order.
        low: smallest finite value.
        high: largest finite value.
        nonzero: how many values are not zero.
        bounds: by the precision of who computes it, for a whole run; empty if it is not compared.
        own: the same for a module that was given the reference's own inputs.
        null: whether its true value is zero, so that what is computed is rounding.
        symbol: its name in a C header.
    """

    name: str
    role: str
    phase: str
    module: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str
    low: float
    high: float
    nonzero: int
    bounds: Mapping[str, Bound]
    own: Mapping[str, Bound] = field(default_factory=dict)
    null: bool = False
    symbol: str = ""


@dataclass(frozen=True)
class Call:
    """One call of a layer, and which tensors it reads and makes.

    The loss ("loss") and the optimiser ("step") are listed too.

    Attributes:
        path: of the module.
        kind: its class.
        options: its public settings.
        reads: names of the tensors that it is given.
        output: name of what it returns.
        cotangent: name of the gradient that its backward is given.
        parameters: local names of its parameters and buffers.
    """

    path: str
    kind: str
    options: Mapping[str, Any]
    reads: tuple[str, ...]
    output: str
    cotangent: str
    parameters: tuple[str, ...] = ()

    def named(self, role: str, local: str) -> str:
        """Return the name of its parameter or buffer in a role; a bare layer has no path."""
        return ".".join(part for part in (role, self.path, local) if part)


@dataclass(frozen=True)
class Set:
    """The tensors of one run in execution order: given, forward, backward, step."""

    name: str
    note: str
    seed: int
    tensors: tuple[Tensor, ...]
    calls: tuple[Call, ...]

    def tensor(self, name: str) -> Tensor:
        """Return a tensor by name."""
        return next(tensor for tensor in self.tensors if tensor.name == name)


@dataclass(frozen=True)
class Manifest:
    """Everything that a reader of the files has to know.

    Attributes:
        chapter: id.
        size: "tiny" or "full".
        dtype: of the real-valued files.
        format: one of FORMATS.
        model: class, constructor arguments and batch size.
        training: loss, optimiser and its settings, penalties, steps.
        conventions: what each layer means, sentence by sentence.
        sets: "real" and "exact".
        schema: version of this form.
    """

    chapter: str
    size: str
    dtype: str
    format: str
    model: Mapping[str, Any]
    training: Mapping[str, Any]
    conventions: Mapping[str, str]
    sets: tuple[Set, ...]
    schema: int = SCHEMA

    def plain(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return dataclasses.asdict(self)

    def find(self, name: str) -> Set:
        """Return a set by name."""
        return next(one for one in self.sets if one.name == name)


def parse(plain: Mapping[str, Any]) -> Manifest:
    """Return the manifest that `plain` holds.

    Raises:
        KeyError, TypeError, ValueError: it is not of this form.
    """
    if plain["schema"] != SCHEMA:
        raise ValueError(f"schema {plain['schema']}; this version reads {SCHEMA}")
    if plain["format"] not in FORMATS:
        raise ValueError(f"format {plain['format']!r}")
    return Manifest(**{**plain, "sets": tuple(map(_set, plain["sets"]))})


def _set(plain: Mapping[str, Any]) -> Set:
    calls = tuple(
        Call(**{**call, "reads": tuple(call["reads"]), "parameters": tuple(call["parameters"])})
        for call in plain["calls"]
    )
    return Set(**{**plain, "tensors": tuple(map(_tensor, plain["tensors"])), "calls": calls})


def _tensor(plain: Mapping[str, Any]) -> Tensor:
    bounds = {key: _bounds(plain[key]) for key in ("bounds", "own")}
    return Tensor(**{**plain, "shape": tuple(plain["shape"]), **bounds})


def _bounds(plain: Mapping[str, Any]) -> dict[str, Bound]:
    return {dtype: Bound(float(one["absolute"]), one["reason"]) for dtype, one in plain.items()}
