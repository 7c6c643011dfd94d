"""Checkpoints that survive a kill at any moment and are verified before they are believed.

A checkpoint is a file written by `torch.save` and a small JSON file beside it that holds its size
and SHA-256. Both are replaced whole. While a checkpoint is being replaced the JSON file lists the
old and the new contents, so whichever of the two a crash leaves behind is a listed one.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from scratch.run.files import TEMPORARY, atomic_write
from scratch.spec.errors import UserError

SUFFIX = ".ckpt"
SEAL = ".sha256.json"


def _seal_path(path: Path) -> Path:
    return path.with_name(path.name + SEAL)


def _seal_of(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _read_seals(path: Path) -> list[dict[str, Any]]:
    """Return every content that may rightly stand at `path`."""
    try:
        seals = json.loads(_seal_path(path).read_text("utf-8"))
        return [{"bytes": int(s["bytes"]), "sha256": str(s["sha256"])} for s in seals]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{_seal_path(path)}: not a list of checksums ({error})") from error


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's checkpoint files, written whole or not at all and verified on reading."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write a checkpoint so that a crash leaves the old one or the new one, never a part.

        Args:
            checkpoint: what Lightning collected.
            path: the file to write.
            storage_options: not used; Lightning passes it on.

        Raises:
            UserError: the file cannot be written; an older one is untouched.
        """
        target = Path(path)
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        data = buffer.getvalue()
        new = _seal_of(data)
        old = _read_seals(target) if target.exists() else []
        self._write_seals(target, [new, *old])
        atomic_write(target, data)
        self._write_seals(target, [new])

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint after verifying its size and SHA-256; no code in it is ever run.

        Args:
            path: the file to read.
            map_location: as in `torch.load`; the CPU unless told otherwise.
            weights_only: ignored, always True.

        Raises:
            UserError: missing, incomplete, altered, or holding more than plain data.
        """
        target = Path(path)
        data = read_verified(target)
        try:
            loaded = torch.load(
                io.BytesIO(data), map_location=map_location or "cpu", weights_only=True
            )
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
            reason = str(error).strip().split("\n")[0]
            raise UserError(f"{target}: refused, not a checkpoint of plain data ({reason})") from (
                error
            )
        if not isinstance(loaded, dict):
            raise UserError(f"{target}: not a checkpoint (holds a {type(loaded).__name__})")
        return loaded

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a checkpoint and then its checksum."""
        Path(path).unlink(missing_ok=True)
        _seal_path(Path(path)).unlink(missing_ok=True)

    @staticmethod
    def _write_seals(target: Path, seals: list[dict[str, Any]]) -> None:
        atomic_write(_seal_path(target), (json.dumps(seals, indent=1) + "\n").encode())


def read_verified(path: Path) -> bytes:
    """Return the bytes of a checkpoint if they are the ones that were written.

    Raises:
        UserError: missing, without checksum, incomplete or altered.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot read the checkpoint ({error.strerror})") from error
    seals = _read_seals(path)
    if not seals:
        raise UserError(f"{path}: {_seal_path(path).name} is missing, so it cannot be verified")
    found = _seal_of(data)
    if found in seals:
        return data
    expected = seals[0]["bytes"]
    if found["bytes"] < expected:
        raise UserError(f"{path}: incomplete ({found['bytes']} of {expected} bytes)")
    raise UserError(f"{path}: SHA-256 mismatch, the file was altered after it was written")


def weights_of(path: Path, checkpoint: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Return the network's own state dict out of a checkpoint.

    Args:
        path: named in an error.
        checkpoint: as read.

    Raises:
        UserError: the checkpoint holds no weights.
    """
    state = checkpoint.get("state_dict")
    if not isinstance(state, dict) or not state:
        raise UserError(f"{path}: holds no weights (no state_dict)")
    return {str(key).removeprefix("model."): value for key, value in state.items()}


def check_same_network(path: Path, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Refuse weights of another network.

    Args:
        path: named in the error.
        expected: arrays or tensors by key, of the network that is to take them.
        found: those of the file.

    Raises:
        UserError: lists the first three keys that differ, with expected and found shape.
    """

    def shape(state: Mapping[str, Any], key: str) -> str:
        return str(tuple(state[key].shape)) if key in state else "no such key"

    differing = [
        f"{key}: expected {shape(expected, key)}, found {shape(found, key)}"
        for key in dict.fromkeys([*expected, *found])
        if shape(expected, key) != shape(found, key)
    ]
    if differing:
        raise UserError(
            f"{path}: weights of another network, {len(differing)} keys differ: "
            + "; ".join(differing[:3])
        )


def sweep(folder: Path) -> None:
    """Delete what killed writes left behind in a folder that no other run writes to."""
    for path in folder.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def newest(folder: Path) -> tuple[Path, list[str]]:
    """Return the newest checkpoint of a folder that verifies.

    Args:
        folder: a run's `checkpoints` folder.

    Returns:
        The path, and one line for every newer checkpoint that had to be passed over.

    Raises:
        UserError: none verifies.
    """
    refused = []
    for path in sorted(folder.glob(f"*{SUFFIX}"), reverse=True):
        try:
            read_verified(path)
        except UserError as error:
            refused.append(str(error))
            continue
        return path, refused
    reason = "; ".join(refused) or f"no *{SUFFIX} file"
    raise UserError(f"{folder}: no checkpoint to resume from ({reason})")
