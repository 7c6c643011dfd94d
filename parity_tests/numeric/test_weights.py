"""Safetensors files: every layout comes back, every damage is refused with the file's name."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
import safetensors.numpy

from scratch import weights
from scratch.spec.errors import UserError

W = np.arange(24, dtype=np.float32).reshape(4, 6)
LAYOUTS = {
    "contiguous": W,
    "transposed": W.T,
    "Fortran": np.asfortranarray(W),
    "strided": W[:, ::2],
    "reversed": W[::-1],
    "broadcast": np.broadcast_to(W[0], (3, 6)),
    "big-endian": W.astype(">f4"),
    "big-endian transposed": W.T.astype(">f8"),
    "0-d": np.array(2.5, dtype=np.float32),
    "0-d big-endian": np.array(2.5, dtype=">f8"),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "int64": W.astype(np.int64),
    "bool": W > 5,
    "float16": W.astype(np.float16),
    "channels last": np.arange(24.0).reshape(2, 3, 2, 2).transpose(0, 3, 1, 2),
}


def file_of(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def entry(begin: int, end: int, dtype: str = "F32", shape: object = None) -> dict:
    return {
        "dtype": dtype,
        "shape": [(end - begin) // 4] if shape is None else shape,
        "data_offsets": [begin, end],
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_round_trip_of_every_layout(tmp_path, layout):
    array = LAYOUTS[layout]
    held = array.copy()
    weights.save(tmp_path / "w.safetensors", {"w": array})
    state, metadata = weights.load(tmp_path / "w.safetensors")
    assert np.array_equal(state["w"], held)
    assert state["w"].shape == held.shape
    assert state["w"].dtype == held.dtype.newbyteorder("=")
    assert state["w"].flags.writeable
    assert metadata == {}
    assert np.array_equal(array, held)


def test_the_file_is_what_safetensors_reads(tmp_path):
    state = {"fc.weight": W.T, "fc.bias": np.arange(4.0), "n": np.array(3)}
    weights.save(tmp_path / "权 重.safetensors", state, {"chapter": "mlp_xor"})
    theirs = safetensors.numpy.load_file(tmp_path / "权 重.safetensors")
    assert theirs.keys() == state.keys()
    assert all(np.array_equal(theirs[name], array) for name, array in state.items())
    ours, metadata = weights.load(tmp_path / "权 重.safetensors")
    assert all(np.array_equal(ours[name], array) for name, array in state.items())
    assert metadata == {"chapter": "mlp_xor"}
    assert [path.name for path in tmp_path.iterdir()] == ["权 重.safetensors"]


def test_no_tensors_and_empty_metadata(tmp_path):
    weights.save(tmp_path / "w", {}, {})
    assert weights.load(tmp_path / "w") == ({}, {})


DAMAGED = {
    "empty": (b"", "it is empty"),
    "short": (b"\x08\x00\x00", "3 of at least 8 bytes"),
    "header longer than the file": (struct.pack("<Q", 5000) + b"{}", "claims 5000 bytes"),
    "huge header": (struct.pack("<Q", 2**63) + b"{}", "claims 9223372036854775808 bytes"),
    "not JSON": (file_of(b"{'a': 1}"), "header cannot be read"),
    "not UTF-8": (file_of(b"{\xff\xfe}"), "header cannot be read"),
    "deep": (file_of(b"[" * 100_000), "header cannot be read"),
    "not a table": (file_of([1, 2]), "not a table"),
    "duplicate keys": (
        file_of(b'{"a":%b,"a":%b}' % ((json.dumps(entry(0, 8)).encode(),) * 2), bytes(8)),
        'the key "a" stands twice',
    ),
    "duplicate field": (
        file_of(b'{"a":{"dtype":"F32","dtype":"F64","shape":[2],"data_offsets":[0,8]}}', bytes(8)),
        'the key "dtype" stands twice',
    ),
    "overlap": (file_of({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), "b overlaps"),
    "hole": (file_of({"a": entry(0, 8), "b": entry(12, 20)}, bytes(20)), "b leaves a hole"),
    "late start": (file_of({"a": entry(4, 12)}, bytes(12)), "a leaves a hole"),
    "trailing bytes": (file_of({"a": entry(0, 8)}, bytes(9)), "9 of 8 bytes"),
    "cut": (file_of({"a": entry(0, 8)}, bytes(7)), "7 of 8 bytes"),
    "unknown dtype": (file_of({"a": entry(0, 8, "BF16", [4])}, bytes(8)), "a is of type BF16"),
    "odd dtype": (file_of({"a": entry(0, 8, [1])}, bytes(8)), "a lacks dtype"),
    "shape times size": (
        file_of({"a": entry(0, 8, "F32", [3])}, bytes(8)),
        r"a F32\[3\] cannot be 8 bytes",
    ),
    "negative": (file_of({"a": entry(0, 8, "F32", [-1, -2])}, bytes(8)), "not whole numbers"),
    "fraction": (file_of({"a": entry(0, 8, "F32", [2.0])}, bytes(8)), "not whole numbers"),
    "true": (file_of({"a": entry(0, 4, "F32", [True])}, bytes(4)), "not whole numbers"),
    "end before begin": (file_of({"a": entry(8, 0, "F32", [2])}, bytes(8)), "cannot be -8 bytes"),
    "shape of text": (file_of({"a": entry(0, 8, "F32", "2")}, bytes(8)), "not whole numbers"),
    "no offsets": (file_of({"a": {"dtype": "F32", "shape": [2]}}, bytes(8)), "a lacks"),
    "not an entry": (file_of({"a": 3}), "a lacks"),
    "odd metadata": (file_of({"__metadata__": {"a": 1}}), "not a table of strings"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_is_refused_with_the_name_of_the_file(tmp_path, damage):
    content, reason = DAMAGED[damage]
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=reason) as caught:
        weights.load(tmp_path / "w.safetensors")
    message = str(caught.value)
    assert str(tmp_path / "w.safetensors") in message
    assert "\n" not in message
    assert "anew" in message


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_cut_anywhere_is_refused(tmp_path, share):
    weights.save(tmp_path / "w", {"a": np.ones((50, 50))})
    data = (tmp_path / "w").read_bytes()
    (tmp_path / "w").write_bytes(data[: int(share * len(data))])
    with pytest.raises(UserError, match="not a whole safetensors file"):
        weights.load(tmp_path / "w")


def test_nan_only_by_a_flag(tmp_path):
    bad = {"fine": np.ones(2), "conv1.weight": np.array([1.0, np.nan], dtype=np.float32)}
    with pytest.raises(UserError, match=r"not written; conv1.weight holds NaN"):
        weights.save(tmp_path / "w", bad)
    assert list(tmp_path.iterdir()) == []
    weights.save(tmp_path / "w", bad, allow_nan=True)
    with pytest.raises(UserError, match=r"conv1.weight holds NaN"):
        weights.load(tmp_path / "w")
    state, _ = weights.load(tmp_path / "w", allow_nan=True)
    assert np.array_equal(state["conv1.weight"], bad["conv1.weight"], equal_nan=True)
    weights.save(tmp_path / "inf", {"mask": np.array([-np.inf])})
    assert weights.load(tmp_path / "inf")[0]["mask"] == -np.inf


def test_missing_file_and_missing_folder(tmp_path):
    with pytest.raises(UserError, match=r"none.safetensors: cannot be read \(No such file"):
        weights.load(tmp_path / "none.safetensors")
    with pytest.raises(UserError, match="cannot be written"):
        weights.save(tmp_path / "none" / "w", {"a": W})


def test_what_safetensors_cannot_hold(tmp_path):
    with pytest.raises(TypeError, match="a: safetensors holds no complex128"):
        weights.save(tmp_path / "w", {"a": W.astype(complex)})
    with pytest.raises(TypeError, match="a: safetensors holds no object"):
        weights.save(tmp_path / "w", {"a": np.array([None])})
    with pytest.raises(TypeError, match="metadata are strings"):
        weights.save(tmp_path / "w", {"a": W}, {"epoch": 3})
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_returns_something_else_is_caught(tmp_path, monkeypatch):
    honest = safetensors.numpy.save
    monkeypatch.setattr(
        safetensors.numpy,
        "save",
        lambda state, metadata=None: honest({k: v + 1 for k, v in state.items()}, metadata),
    )
    with pytest.raises(RuntimeError, match="did not return what it was given"):
        weights.save(tmp_path / "w", {"a": W})
    assert list(tmp_path.iterdir()) == []
