"""State dicts in torch's own files, such as published weights, read without running their code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scratch.spec.errors import UserError

SUFFIXES = (".pth", ".pt")


def read_state(path: Path) -> dict[str, np.ndarray[Any, np.dtype[Any]]]:
    """Return the tensors of a file by name, floating ones in float32.

    Raises:
        UserError: no such file, or it holds something else than a state dict of tensors.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path}: cannot be read as a state dict ({reason})") from error
    if not isinstance(state, Mapping) or not all(
        isinstance(v, torch.Tensor) for v in state.values()
    ):
        raise UserError(f"{path}: holds something else than a state dict of tensors")
    return {
        name: value.float().numpy() if value.is_floating_point() else value.numpy()
        for name, value in state.items()
    }
