"""Files that are either the old one or the new one, never something in between."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from scratch.spec.errors import UserError

TEMPORARY = ".tmp-"
"""How the name of a file that is being written begins; left behind only by a killed process."""


def atomic_write(path: str | Path, data: bytes) -> None:
    """Write a file so that a crash at any moment leaves the old content or the new.

    A temporary file in the same folder is written, flushed to the disk and renamed over the
    target, then the folder is flushed. On failure the temporary file is removed.

    Args:
        path: the file; its folder exists.
        data: the whole content.

    Raises:
        UserError: the folder is missing or read-only, the disk is full, the name is too long, or
            the target is a device or a pipe, which a renamed file would take the place of.
    """
    path = Path(path)
    temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UserError(f"{path}: is a device or a pipe, not a file; choose the name of a file")
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise UserError(
                f"{path}: cannot be written ({error.strerror}); what stood there is unchanged. "
                "Choose a folder that exists, can be written to and has room"
            ) from error
        raise


def writable(path: str | Path, room: int = 0) -> None:
    """Refuse a file that could not be written, before the work that is to fill it.

    Args:
        path: the file; neither it nor what stands there is touched.
        room: bytes that must be free.

    Raises:
        UserError: it is no file, its folder is missing or read-only, the disk is full, or the name
            is too long.
    """
    path = Path(path)
    trial = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: is a folder or a device; name a file")
        if not path.parent.is_dir():
            raise UserError(f"{path}: the folder {path.parent} does not exist")
        with open(trial, "xb") as file:
            file.write(bytes(room))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}). "
            "Choose a folder that can be written to and has room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder for flushing.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content, 64 hexadecimal digits.

    Raises:
        UserError: the file is missing or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
