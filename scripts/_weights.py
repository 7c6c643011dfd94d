"""Somebody's weight file, brought to the names and shapes of a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch import weights
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]

TORCH_FILES = (".pth", ".pt")
COUNTER = "num_batches_tracked"  # files of old versions of torch have none
TOLD = 3  # differing keys in a message


def read(path: Path, own: Mapping[str, Array]) -> dict[str, Array]:
    """Return the numbers of a file for a network, with the network's own dtypes.

    Args:
        path: a .safetensors file, or a .pth or .pt file that holds a state dict, which is read
            without running any code in it and needs torch.
        own: the network's state, which says what is wanted.

    Raises:
        UserError: another kind of file, a damaged one, a number that is not finite, or keys or
            shapes that differ; the message names the first three.
    """
    if path.suffix == ".safetensors":
        found, _ = weights.load(path)
    elif path.suffix in TORCH_FILES:
        found = _torch(path)
    else:
        known = ", ".join((".safetensors", *TORCH_FILES))
        raise UserError(f"{path}: not a weight file; expects one of {known}")
    for name, value in own.items():
        if name.endswith(COUNTER) and name not in found:
            found[name] = np.zeros_like(value)
    _same(path, found, own)
    for name, value in found.items():
        if not np.isfinite(value).all():
            raise UserError(f"{path}: {name} holds NaN or infinity, from which nothing can start")
    return {name: found[name].astype(value.dtype) for name, value in own.items()}


def _torch(path: Path) -> dict[str, Array]:
    try:
        from ref_torch.state_file import read_state
    except ImportError as error:
        raise UserError(f"{path}: torch reads this, and is not installed") from error
    return read_state(path)


def _same(path: Path, found: Mapping[str, Array], own: Mapping[str, Array]) -> None:
    differing = [
        f"{name} is missing, {own[name].shape} in the network" for name in own if name not in found
    ]
    differing += [
        f"{name} is {value.shape}, {own[name].shape} in the network"
        for name, value in found.items()
        if name in own and value.shape != own[name].shape
    ]
    differing += [
        f"{name} {value.shape} is unknown" for name, value in found.items() if name not in own
    ]
    if differing:
        more = f" and {len(differing) - TOLD} more" if len(differing) > TOLD else ""
        raise UserError(f"{path}: weights of another network: {'; '.join(differing[:TOLD])}{more}")
