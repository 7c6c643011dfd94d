"""One bundle for all tests of this folder that only look at it or spoil a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a bundle of the small perceptron with its initial weights; not to be written to."""
    import torch

    from parity_tests.harness import artefact
    from parity_tests.harness.bundle import write_bundle

    torch.set_num_threads(1)
    found = artefact.find("mlp_mnist", size="tiny")
    out = tmp_path_factory.mktemp("bundle") / "mlp_mnist"
    write_bundle(found.model, found.chapter, found.dataset, out, training=found.training)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    yield out
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture
def copied(bundle: Path, tmp_path: Path) -> Path:
    """Return a copy of the bundle to spoil."""
    return Path(shutil.copytree(bundle, tmp_path / "copy"))


@pytest.fixture
def refresh() -> Callable[[Path], None]:
    """Return a function that brings the checksums up to date, as one who tampers would."""
    from scratch.deploy import schema

    def up_to_date(folder: Path) -> None:
        schema.read(folder).sealed(folder).write(folder)

    return up_to_date
