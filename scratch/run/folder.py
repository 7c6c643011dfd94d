"""The folder of one run: what lies where, that it is one run's only, and that it is unaltered."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from scratch.run.config import plain, read_config, write_config
from scratch.run.files import TEMPORARY, atomic_write, sha256
from scratch.spec.errors import UserError

CONFIG = "config.yaml"
MANIFEST = "manifest.json"


class RunFolder:
    """Paths of a run folder; made by `create` or `open`.

    Attributes:
        path: the folder.
        config: its config.yaml, as plain values.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.path = path
        self.config = config

    @classmethod
    def create(cls, path: str | Path, config: Mapping[str, Any]) -> RunFolder:
        """Make the folder, its subfolders and config.yaml.

        Of two runs that want the same folder at the same time one is refused.

        Args:
            path: a folder that does not exist yet or is empty; its parents are made.
            config: everything that the run depends on, plain values.

        Raises:
            UserError: the folder holds something, is a file, or cannot be made.
        """
        path = Path(path)
        values: dict[str, Any] = plain(config)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise FileExistsError
            os.close(os.open(path / CONFIG, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            raise UserError(
                f"{path}: exists and is not an empty folder; choose another folder or empty it"
            ) from None
        except OSError as error:
            raise UserError(f"{path}: cannot be made ({error.strerror})") from error
        try:
            write_config(path / CONFIG, values)
        except BaseException:
            (path / CONFIG).unlink()
            raise
        folder = cls(path, values)
        folder.checkpoints.mkdir(exist_ok=True)
        folder.plots.mkdir(exist_ok=True)
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open the folder of an earlier run.

        Raises:
            UserError: not a run folder, or its config cannot be read.
        """
        path = Path(path)
        if not (path / CONFIG).is_file():
            raise UserError(f"{path}: not a run folder; it holds no {CONFIG}")
        return cls(path, read_config(path / CONFIG))

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def plots(self) -> Path:
        """Folder of the pictures."""
        return self.path / "plots"

    @property
    def metrics_csv(self) -> Path:
        """One row per epoch."""
        return self.path / "metrics.csv"

    @property
    def weights(self) -> Path:
        """The trained weights."""
        return self.path / "model.safetensors"

    def _files(self) -> list[str]:
        names = sorted(
            file.relative_to(self.path).as_posix()
            for file in self.path.rglob("*")
            if file.is_file() and not file.name.startswith(TEMPORARY)
        )
        return [name for name in names if name != MANIFEST]

    def seal(self) -> None:
        """Write manifest.json: the SHA-256 of every file in the folder, as it is now.

        Raises:
            UserError: a file cannot be read or the manifest cannot be written.
        """
        sums = {name: sha256(self.path / name) for name in self._files()}
        text = json.dumps({"sha256": sums}, indent=1, ensure_ascii=False) + "\n"
        atomic_write(self.path / MANIFEST, text.encode())

    def verify(self) -> None:
        """Hold every file that `seal` listed against its SHA-256; later files do not matter.

        Raises:
            UserError: no manifest, an unreadable one, or files that are missing or altered.
        """
        manifest = self.path / MANIFEST
        try:
            sums = json.loads(manifest.read_bytes())["sha256"]
            names = [PurePosixPath(name) for name in sums]
        except OSError as error:
            raise UserError(f"{manifest}: cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{manifest}: not a manifest; copy the folder anew") from error
        if any(name.is_absolute() or ".." in name.parts for name in names):
            raise UserError(f"{manifest}: names a file outside of the folder")
        missing = [name for name in sums if not (self.path / name).is_file()]
        altered = [
            name for name in sums if name not in missing and sha256(self.path / name) != sums[name]
        ]
        if missing or altered:
            problems = [f"{name} is missing" for name in missing]
            problems += [f"{name} was altered (SHA-256 differs)" for name in altered]
            raise UserError(f"{self.path}: {'; '.join(problems)}. Copy the folder anew")
