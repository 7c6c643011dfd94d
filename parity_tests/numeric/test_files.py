"""Atomic files, run folders, configs and metrics."""

from __future__ import annotations

import errno
import hashlib
import io
import math
import os
from pathlib import Path

import numpy as np
import pytest

from scratch.run import files
from scratch.run.config import read_config, write_config
from scratch.run.folder import RunFolder
from scratch.run.metrics import COLUMNS, MetricsCsv, forget_after, read_metrics
from scratch.spec.errors import UserError

# ---------------------------------------------------------------------------------- atomic files


def test_atomic_write_replaces_whole(tmp_path):
    target = tmp_path / "a file 文件.bin"
    files.atomic_write(target, b"old")
    files.atomic_write(target, b"newer")
    assert target.read_bytes() == b"newer"
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert files.sha256(target) == hashlib.sha256(b"newer").hexdigest()


def disk_is_full(*_args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


class FullFile(io.FileIO):
    write = disk_is_full  # type: ignore[assignment]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch, call):
    target = tmp_path / "w"
    target.write_bytes(b"old")
    if call == "write":
        monkeypatch.setattr(files, "open", lambda path, mode: FullFile(path, mode), raising=False)
    else:
        monkeypatch.setattr(os, call, disk_is_full)
    with pytest.raises(UserError, match=r"w: cannot be written \(No space left on device\)"):
        files.atomic_write(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["w"]


def test_an_interrupt_leaves_nothing_either(tmp_path, monkeypatch):
    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.atomic_write(tmp_path / "w", b"new")
    assert os.listdir(tmp_path) == []


def test_the_target_is_complete_when_it_appears(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append(Path(a).parent), replace(a, b)))
    files.atomic_write(tmp_path / "w", b"data")
    assert order == ["fsync", tmp_path, "fsync"]


def test_missing_folder_and_missing_file_and_a_name_that_is_too_long(tmp_path):
    for name in ("none/w", "x" * 300):
        with pytest.raises(UserError, match="cannot be written"):
            files.atomic_write(tmp_path / name, b"")
    with pytest.raises(UserError, match="cannot be read"):
        files.sha256(tmp_path / "none")


# ----------------------------------------------------------------------------------- run folders


def test_a_run_folder_knows_its_places(tmp_path):
    config = {"chapter": "lenet5", "seed": 3, "lr": 1e-05, "betas": (0.9, 0.999), "zh": "三国"}
    folder = RunFolder.create(tmp_path / "runs" / "a", config)
    assert folder.checkpoints.is_dir()
    assert folder.plots.is_dir()
    again = RunFolder.open(tmp_path / "runs" / "a")
    assert again.config == folder.config == {**config, "betas": [0.9, 0.999]}
    assert list(again.config) == list(config)
    assert again.weights.name == "model.safetensors"
    assert again.metrics_csv.name == "metrics.csv"


def test_a_used_folder_is_refused_and_untouched(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="is not an empty folder; choose another folder"):
        RunFolder.create(tmp_path, {})
    assert os.listdir(tmp_path) == ["mine.txt"]
    with pytest.raises(UserError, match="is not an empty folder"):
        RunFolder.create(tmp_path / "mine.txt", {})
    RunFolder.create(tmp_path / "new", {})
    with pytest.raises(UserError, match="is not an empty folder"):
        RunFolder.create(tmp_path / "new", {})


def test_a_folder_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be made"):
        RunFolder.create(tmp_path / "file" / "run", {})


def test_of_two_runs_that_start_together_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(()))  # both see an empty folder
    RunFolder.create(tmp_path / "run", {"seed": 1})
    with pytest.raises(UserError, match="is not an empty folder"):
        RunFolder.create(tmp_path / "run", {"seed": 2})
    assert read_config(tmp_path / "run" / "config.yaml") == {"seed": 1}


def test_not_a_run_folder(tmp_path):
    with pytest.raises(UserError, match=r"not a run folder; it holds no config.yaml"):
        RunFolder.open(tmp_path)


def test_seal_and_verify(tmp_path):
    folder = RunFolder.create(tmp_path / "run", {"seed": 1})
    folder.weights.write_bytes(bytes(100))
    (folder.plots / "loss.png").write_bytes(b"png")
    (folder.checkpoints / ".tmp-0123").write_bytes(b"stale")
    folder.seal()
    (folder.path / "notes.txt").write_text("written later")
    folder.verify()
    folder.weights.write_bytes(bytes(99) + b"\x01")
    (folder.plots / "loss.png").unlink()
    with pytest.raises(UserError, match=r"plots/loss.png is missing; model.safetensors was alt"):
        folder.verify()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot be read"),
        ("{", "not a manifest"),
        ("[]", "not a manifest"),
        ("{}", "not a manifest"),
        ('{"sha256": {"../other": ""}}', "outside of the folder"),
        ('{"sha256": {"/etc/hostname": ""}}', "outside of the folder"),
    ],
)
def test_a_bad_manifest_is_refused(tmp_path, text, reason):
    folder = RunFolder.create(tmp_path / "run", {})
    if text is not None:
        (folder.path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=reason):
        folder.verify()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a config; it holds lines like"),
        ("- 1\n", "not a config; it holds lines like"),
        ("1: 2\n", "not a config; it holds lines like"),
        ("a: 1\na: 2\n", 'the key "a" stands twice'),
        ("a: {b: 1, b: 2}\n", 'the key "b" stands twice'),
        ("a: &x [1]\nb: *x\n", "aliases are not allowed"),
        ("a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        ("a: [1\n", "not a config"),
        ("? [1, 2]\n: 3\n", "not a config"),
        ("a: " + "[" * 2000, "not a config"),
        (b"a: \xff\n", "not a config"),
        ("2024-01-99: 1\n", "not a config"),
    ],
)
def test_a_bad_config_is_refused_in_one_line(tmp_path, text, reason):
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=reason) as caught:
        read_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_holds_plain_values_only(tmp_path):
    shared = [1, 2]
    write_config(tmp_path / "c", {"a": shared, "b": shared, "c": np.float32(0.5), "d": None})
    assert read_config(tmp_path / "c") == {"a": [1, 2], "b": [1, 2], "c": 0.5, "d": None}
    with pytest.raises(TypeError, match="plain values; got object"):
        RunFolder.create(tmp_path / "run", {"a": object()})
    assert not (tmp_path / "run").exists()


# --------------------------------------------------------------------------------------- metrics


def row(twin: str, step: int) -> dict:
    return {
        "twin": twin,
        "epoch": step // 10,
        "step": step,
        "train_loss": 1 / 3 * step,
        "val_loss": math.pi,
        "val_metric": 0.1,
        "lr": 1e-5,
        "seconds": None,
    }


def test_metrics_come_back_bit_for_bit(tmp_path):
    path = tmp_path / "metrics.csv"
    table = MetricsCsv(path)
    table.append(**row("scratch", 10))
    assert read_metrics(path) == [row("scratch", 10)]
    MetricsCsv(path).append(**{**row("torch", 20), "train_loss": np.float32(0.1)})
    rows = read_metrics(path)
    assert rows[1] == {**row("torch", 20), "train_loss": float(np.float32(0.1))}
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert path.read_text().count("twin") == 1


def test_nan_and_inf_stay_what_they_are(tmp_path):
    MetricsCsv(tmp_path / "m").append(
        twin="torch", epoch=1, step=1, train_loss=math.nan, val_loss=math.inf
    )
    (read,) = read_metrics(tmp_path / "m")
    assert math.isnan(read["train_loss"])
    assert read["val_loss"] == math.inf
    assert read["lr"] is None


def test_a_torn_last_line_is_dropped(tmp_path):
    path = tmp_path / "m"
    MetricsCsv(path).append(**row("torch", 10))
    with open(path, "a") as file:
        file.write("torch,2,20,0.1")
    assert read_metrics(path) == [row("torch", 10)]
    MetricsCsv(path).append(**row("torch", 20))
    assert read_metrics(path) == [row("torch", 10), row("torch", 20)]


def test_forget_after_removes_one_twins_later_rows(tmp_path):
    path = tmp_path / "m"
    forget_after(path, "torch", 0)
    assert not path.exists()
    table = MetricsCsv(path)
    for twin in ("scratch", "torch"):
        for step in (10, 20, 30):
            table.append(**row(twin, step))
    forget_after(path, "torch", 20)
    kept = [(read["twin"], read["step"]) for read in read_metrics(path)]
    assert kept == [("scratch", 10), ("scratch", 20), ("scratch", 30), ("torch", 10), ("torch", 20)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "its first line is twin,epoch"),
        ("a,b\n1,2\n", "its first line is twin,epoch"),
        (",".join(COLUMNS) + "\ntorch,1,1,x,1,1,1,1\n", "line 2: could not convert .*: 'x'"),
        (",".join(COLUMNS) + "\ntorch,1,1\n", "line 2"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_another_table_is_refused(tmp_path, text, reason):
    path = tmp_path / "m"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=reason):
        read_metrics(path)


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="not a file"):
        files.atomic_write(tmp_path / "pipe", b"1")
    assert (tmp_path / "pipe").is_fifo()
