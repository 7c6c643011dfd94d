"""Checkpoints survive kills and crashes, and what was altered is refused by name."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ref_torch import checkpoint as module
from ref_torch.checkpoint import SEAL, AtomicCheckpointIO, check_same_network, newest, sweep
from scratch.run.files import TEMPORARY, atomic_write
from scratch.spec.errors import UserError

IO = AtomicCheckpointIO()


def content(number: int) -> dict[str, Any]:
    return {"global_step": number, "state_dict": {"model.w": torch.full((3, 5), float(number))}}


def step_of(path: Path) -> int:
    return int(IO.load_checkpoint(path)["global_step"])


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "step-000000001.ckpt"
    IO.save_checkpoint(content(1), path)
    loaded = IO.load_checkpoint(path)
    assert torch.equal(loaded["state_dict"]["model.w"], content(1)["state_dict"]["model.w"])
    IO.remove_checkpoint(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_cut_file_is_incomplete_and_the_one_before_is_used(tmp_path: Path, share: float) -> None:
    for step in (1, 2):
        IO.save_checkpoint(content(step), tmp_path / f"step-00000000{step}.ckpt")
    last = tmp_path / "step-000000002.ckpt"
    data = last.read_bytes()
    last.write_bytes(data[: int(share * len(data))])
    said = rf"step-000000002.ckpt: incomplete \({int(share * len(data))} of {len(data)} bytes\)"
    with pytest.raises(UserError, match=said):
        IO.load_checkpoint(last)
    path, refused = newest(tmp_path)
    assert step_of(path) == 1
    assert len(refused) == 1
    assert "incomplete" in refused[0]


def test_flipped_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    IO.save_checkpoint(content(1), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="SHA-256 mismatch"):
        IO.load_checkpoint(path)
    with pytest.raises(UserError, match="no checkpoint to resume from"):
        newest(tmp_path)


def test_missing_file_missing_seal_and_broken_seal(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    with pytest.raises(UserError, match="cannot read"):
        IO.load_checkpoint(path)
    IO.save_checkpoint(content(1), path)
    seal = path.with_name(path.name + SEAL)
    text = seal.read_text()
    seal.write_text(text[: len(text) // 2])
    with pytest.raises(UserError, match="not a list of checksums"):
        IO.load_checkpoint(path)
    seal.unlink()
    with pytest.raises(UserError, match="cannot be verified"):
        IO.load_checkpoint(path)


class Trap:
    """A pickle of this would write a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_is_refused_and_never_run(tmp_path: Path) -> None:
    path, ran = tmp_path / "a.ckpt", tmp_path / "ran"
    IO.save_checkpoint({**content(1), "trap": Trap(ran)}, path)
    with pytest.raises(UserError, match="refused, not a checkpoint of plain data"):
        IO.load_checkpoint(path)
    assert not ran.exists()


def test_a_sealed_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    buffer = io.BytesIO()
    torch.save([1, 2], buffer)
    for data, said in ((b"nonsense", "refused"), (buffer.getvalue(), "holds a list")):
        atomic_write(path, data)
        seal = json.dumps([module._seal_of(data)])
        atomic_write(path.with_name(path.name + SEAL), seal.encode())
        with pytest.raises(UserError, match=said):
            IO.load_checkpoint(path)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_crash_between_two_writes_leaves_a_file_that_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    path = tmp_path / "last.ckpt"
    IO.save_checkpoint(content(1), path)
    left = [writes]

    def crash_later(target: Path, data: bytes) -> None:
        if left[0] == 0:
            raise UserError(f"{target}: cannot be written (No space left on device)")
        left[0] -= 1
        atomic_write(target, data)

    with monkeypatch.context() as patch:
        patch.setattr(module, "atomic_write", crash_later)
        with pytest.raises(UserError, match="No space left"):
            IO.save_checkpoint(content(2), path)
    assert step_of(path) == (2 if writes == 2 else 1)
    IO.save_checkpoint(content(3), path)
    assert step_of(path) == 3
    assert len(json.loads(path.with_name(path.name + SEAL).read_text())) == 1


KILLS = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from ref_torch.checkpoint import AtomicCheckpointIO, SEAL, sweep

io, path, kills = AtomicCheckpointIO(), Path(sys.argv[1]) / "last.ckpt", int(sys.argv[2])
torch.set_num_threads(1)
draw = random.Random(0)

def save(step):
    weights = torch.full((100_000,), float(step))
    io.save_checkpoint({"step": step, "state_dict": {"w": weights}}, path)

save(0)
steps = []
for _ in range(kills):
    child = os.fork()
    if child == 0:
        step = steps[-1] if steps else 0
        while True:
            step += 1
            save(step)
    time.sleep(0.005 + 0.06 * draw.random())
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    loaded = io.load_checkpoint(path)
    assert bool((loaded["state_dict"]["w"] == loaded["step"]).all())
    steps.append(loaded["step"])
sweep(path.parent)
print(len(steps), steps == sorted(steps), steps[-1] > 0, len(list(path.parent.iterdir())))
"""


def test_every_kill_leaves_a_loadable_checkpoint(tmp_path: Path) -> None:
    kills = 20
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLS, str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == [str(kills), "True", "True", "2"], done.stderr


def test_sweep_removes_what_killed_writes_left(tmp_path: Path) -> None:
    IO.save_checkpoint(content(1), tmp_path / "a.ckpt")
    (tmp_path / f"{TEMPORARY}0123").write_bytes(b"half")
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert step_of(tmp_path / "a.ckpt") == 1


def test_weights_of_another_network_are_named() -> None:
    expected = {"a": torch.zeros(2), "b": torch.zeros(3, 5), "c": torch.zeros(1)}
    found = {"a": torch.zeros(2), "b": torch.zeros(5, 3), "d": torch.zeros(1)}
    with pytest.raises(UserError) as error:
        check_same_network(Path("x.ckpt"), expected, found)
    assert str(error.value) == (
        "x.ckpt: weights of another network, 3 keys differ: "
        "b: expected (3, 5), found (5, 3); c: expected (1,), found no such key; "
        "d: expected no such key, found (1,)"
    )
