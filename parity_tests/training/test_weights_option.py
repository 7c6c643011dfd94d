"""`--weights`: somebody's file enters both twins, or is refused with the keys that differ."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import ref_torch
import scratch
from parity_tests.mirror.sources import ROOT
from scratch import weights
from scratch.spec.errors import UserError

sys.path.insert(0, str(ROOT / "scripts"))
import _twins
import _weights

ID = "resnet18"


@pytest.fixture
def theirs() -> dict[str, torch.Tensor]:
    return ref_torch.build(ID, "tiny", seed=5).state_dict()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_both_twins_take_the_file(
    suffix: str, theirs: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(theirs, path)
    else:
        weights.save(path, {name: value.numpy() for name, value in theirs.items()})
    chapter = scratch.spec.get(ID, "tiny")
    for twin in _twins.build(("torch", "scratch"), chapter, 0, weights=str(path)):
        state = twin.state()
        assert list(state) == list(theirs)
        assert all(np.array_equal(state[name], value.numpy()) for name, value in theirs.items())


def test_counters_that_old_files_lack_start_at_zero(
    theirs: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "old.pth"
    torch.save({n: v for n, v in theirs.items() if not n.endswith("num_batches_tracked")}, path)
    own = scratch.build(ID, "tiny").state_dict()
    assert _weights.read(path, own)["bn1.num_batches_tracked"] == 0


def test_the_first_differing_keys_are_named(
    theirs: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    changed = dict(theirs)
    del changed["conv1.weight"]
    changed["fc.weight"] = torch.zeros(1000, 7)
    changed["head.weight"] = torch.zeros(2)
    changed["tail.weight"] = torch.zeros(2)
    path = tmp_path / "other.pth"
    torch.save(changed, path)
    with pytest.raises(UserError) as refusal:
        _weights.read(path, scratch.build(ID, "tiny").state_dict())
    said = str(refusal.value)
    assert "conv1.weight is missing" in said
    assert "fc.weight is (1000, 7)" in said
    assert "head.weight (2,) is unknown and 1 more" in said


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("weights.h5", b"", "not a weight file"),
        ("weights.pth", b"nonsense", "cannot be read as a state dict .damaged"),
        ("weights.pth", b"", "cannot be read as a state dict .empty, cut short or no file"),
        ("weights.safetensors", b"", "it is empty"),
    ],
)
def test_other_files_are_refused(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=reason):
        _weights.read(tmp_path / name, {})


@pytest.mark.parametrize("keep", [0.3, 0.99])
def test_a_file_cut_short_is_called_that(
    keep: float, theirs: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "half.pth"
    torch.save(theirs, path)
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(UserError, match="cut short"):
        _weights.read(path, {})


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        _weights.read(tmp_path / "none.pth", {})
    (tmp_path / "folder.pth").mkdir()
    with pytest.raises(UserError, match="Is a directory"):
        _weights.read(tmp_path / "folder.pth", {})


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_numbers_that_are_not_finite_are_refused(
    value: float, suffix: str, theirs: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    """Not later, as a step that diverged."""
    theirs["fc.bias"][0] = value
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(theirs, path)
    else:
        weights.save(path, {n: v.numpy() for n, v in theirs.items()}, allow_nan=True)
    with pytest.raises(UserError, match=r"fc\.bias holds NaN"):
        _weights.read(path, scratch.build(ID, "tiny").state_dict())


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> object:
            return (Path.touch, (tmp_path / "touched",))

    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match="more in it than tensors") as refusal:
        _weights.read(tmp_path / "evil.pth", {})
    assert "weights_only" not in str(refusal.value), "torch's advice to run it"
    assert not (tmp_path / "touched").exists()
