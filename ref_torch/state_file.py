"""State dicts in torch's own files, such as published weights, read without running their code."""

from __future__ import annotations

import pickle
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
        UserError: no such file, a damaged one, or it holds something else than a state dict of
            tensors.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except pickle.UnpicklingError as error:  # torch's own text advises to run the file's code
        raise UserError(
            f"{path}: cannot be read as a state dict (damaged, or more in it than tensors)"
        ) from error
    except Exception as error:  # of a file cut short torch says EOFError() or a bare number
        raise UserError(
            f"{path}: cannot be read as a state dict (empty, cut short or no file of torch's)"
        ) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(v, torch.Tensor) for v in state.values()
    ):
        raise UserError(f"{path}: holds something else than a state dict of tensors")
    return {
        name: value.float().numpy() if value.is_floating_point() else value.numpy()
        for name, value in state.items()
    }
