"""A bundle at work: pictures, arrays and numbers in, classes out, and no torch anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from parity_tests.harness import goldens
from parity_tests.harness.bounds import whole
from scratch.deploy import inputs, schema
from scratch.deploy.answer import labels, probabilities
from scratch.deploy.predict import Predictor
from scratch.spec.errors import UserError

ROOT = Path(__file__).resolve().parents[2]

DIGITS = {
    "kind": "image",
    "source": [8, 8],
    "full": 16,
    "enlarge": 3,
    "border": 2,
    "size": [28, 28],
    "channels": 1,
    "value_range": [-0.1, 1.175],
    "shape": [1, 28, 28],
}
TABLE = {
    "kind": "min-max",
    "shape": [2],
    "names": ["longitude", "latitude"],
    "low": [10.0, 0.0],
    "high": [30.0, 4.0],
}


@pytest.fixture(scope="module")
def predictor(bundle: Path) -> Predictor:
    return Predictor(bundle)


@pytest.fixture
def drawn(tmp_path: Path) -> np.ndarray[Any, Any]:
    """Return an 8 x 8 drawing of bright ink with an empty border."""
    ink = np.zeros((8, 8), np.uint8)
    ink[1:7, 2] = 255
    ink[6, 2:6] = 170
    return ink


def test_goldens_come_out_as_recorded(bundle: Path, predictor: Predictor) -> None:
    for golden, x, _ in goldens.read(bundle):
        assert tuple(found.label for found in predictor.predict(x)) == golden.labels
        assert np.abs(predictor.outputs(x) - golden.y).max() <= golden.bound


def test_probabilities_are_softmax_and_sigmoid() -> None:
    logits = np.array([[1.0, 3.0, -2.0], [1000.0, 0.0, -1000.0]])
    found = probabilities("multiclass", logits)
    exact = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert np.abs(found[0] - exact).max() <= whole(exact)
    assert found[1].tolist() == [1, 0, 0]
    ((zero, one),) = probabilities("binary", np.array([[2.0]]))
    assert abs(one - 1 / (1 + np.exp(-2.0))) <= whole(np.ones(1))
    assert abs(zero + one - 1) <= whole(np.ones(1))
    assert labels("binary", ("no", "yes"), np.array([[0.0], [0.1]])) == ("no", "yes")
    assert labels("binary", ("0", "1"), np.array([[3.0, -1.0, 0.1]])) == ("1 0 1",)
    assert labels("regression", (), np.array([[2.0]])) == ()
    with pytest.raises(UserError, match="3 classes, but 2 names"):
        labels("multiclass", ("a", "b"), logits)


# ----------------------------------------------------------------------------------- pictures


def test_a_picture_of_the_source_size_is_enlarged_as_in_training(
    drawn: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    path = tmp_path / "drawn.png"
    Image.fromarray(drawn).save(path)
    np.save(tmp_path / "drawn.npy", drawn)
    x = inputs.read(str(path), DIGITS)
    assert x.shape == (1, 1, 28, 28)
    assert x.dtype == np.float32
    assert x[0, 0, 2 + 3 * 3, 2 + 3 * 2] == np.float32(1.175)
    assert x[0, 0, 0, 0] == np.float32(-0.1)
    assert np.array_equal(x, inputs.read(str(tmp_path / "drawn.npy"), DIGITS))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
@pytest.mark.parametrize("size", [(8, 8), (28, 28), (300, 200)])
def test_any_mode_any_size_any_polarity(
    drawn: np.ndarray[Any, Any], tmp_path: Path, mode: str, size: tuple[int, int]
) -> None:
    bright = Image.fromarray((drawn > 0).astype(np.uint8) * 255)
    dark = Image.fromarray((drawn == 0).astype(np.uint8) * 255)
    found = []
    for name, picture in (("bright", bright), ("dark", dark)):
        large = picture.resize(size, Image.Resampling.NEAREST)
        if mode == "I;16":
            large = Image.fromarray(np.asarray(large).astype(np.uint16) * 257)
        else:
            large = large.convert(mode)
        path = tmp_path / f"{name}.png"
        large.save(path)
        found.append(inputs.read(str(path), DIGITS))
        forced = inputs.read(str(path), DIGITS, invert=name == "dark")
        assert np.array_equal(found[-1], forced)
        inverted = inputs.read(str(path), DIGITS, invert=name != "dark")
        assert not np.array_equal(found[-1], inverted)
    assert np.array_equal(*found)
    assert found[0].shape == (1, 1, 28, 28)
    assert found[0].max() == np.float32(1.175)
    assert found[0][0, 0, 0, 0] == np.float32(-0.1)


def test_transparent_pixels_are_paper(tmp_path: Path) -> None:
    pixels = np.zeros((28, 28, 4), np.uint8)
    pixels[5:20, 10:14] = (0, 0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "clear.png")
    x = inputs.read(str(tmp_path / "clear.png"), DIGITS)
    assert x[0, 0, 6, 11] == np.float32(1.175)
    assert x[0, 0, 0, 0] == np.float32(-0.1)


def test_pictures_that_cannot_be_read(drawn: np.ndarray[Any, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(UserError, match=r"a\.png: cannot be read \(No such file"):
        inputs.read(str(path), DIGITS)
    Image.fromarray(drawn).resize((100, 100)).save(path)
    whole_file = path.read_bytes()
    for data in (b"", b"text", whole_file[:60], whole_file[: len(whole_file) // 2]):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"a\.png: cannot be read \(not a picture, or damaged"):
            inputs.read(str(path), DIGITS)
    with pytest.raises(UserError, match="takes numbers, not a picture: longitude, latitude"):
        inputs.read(str(path), TABLE)


def test_a_small_file_that_claims_many_pixels_is_refused(tmp_path: Path) -> None:
    for side in (8_000, 20_000):
        path = tmp_path / "bomb.png"
        Image.new("1", (side, side)).save(path)
        with pytest.raises(UserError, match=r"too many|too large"):
            inputs.read(str(path), DIGITS)


# --------------------------------------------------------------------------- arrays and numbers


def saved(path: Path, array: Any) -> str:
    np.save(path, np.asarray(array))
    return str(path)


def test_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    rows = [[10.0, 1.0], [30.0, 4.0], [20.0, 0.0]]
    assert inputs.read(saved(path, rows), TABLE).tolist() == [[0, 0.25], [1, 1], [0.5, 0]]
    assert inputs.read(saved(path, rows[0]), TABLE).tolist() == [[0, 0.25]]
    x = np.ones((3, 1, 28, 28), np.float32)
    for array in (x, x[0]):
        read = inputs.read(saved(path, array), DIGITS, prepared=True)
        assert np.array_equal(read, x if array.ndim == 4 else x[:1])
    assert inputs.read(saved(path, np.full((8, 8), 16.0)), DIGITS).max() == np.float32(1.175)


@pytest.mark.parametrize(
    ("array", "record", "prepared", "said"),
    [
        ([[1.0, np.nan]], TABLE, False, "column 2 .latitude. is nan"),
        ([[1.0, np.nan]], TABLE, True, "not finite"),
        ([[1.0, 2.0, 3.0]], TABLE, False, "rows of 2 values"),
        (np.zeros((0, 2)), TABLE, False, "not a plain .npy|rows of 2 values"),
        ([["a", "b"]], TABLE, False, "something else than an array of numbers"),
        (np.zeros((7, 9)), DIGITS, False, "expects images"),
        (np.full((8, 8), 17.0), DIGITS, False, "between 0 and 16"),
        (np.full((8, 8), np.inf), DIGITS, False, "between 0 and 16"),
        (np.zeros((2, 28, 28)), DIGITS, True, r"expects \(N, 1, 28, 28\); got \(2, 28, 28\)"),
    ],
)
def test_arrays_that_do_not_fit(
    tmp_path: Path, array: Any, record: Any, prepared: bool, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        inputs.read(saved(tmp_path / "a.npy", array), record, prepared=prepared)


def test_array_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    good = saved(path, np.zeros((5, 2)))
    data = path.read_bytes()
    claims_more = data.replace(b"(5, 2), }         ", b"(5000000000, 2), }")
    assert len(claims_more) == len(data)
    assert claims_more != data
    for spoilt in (b"", b"text", data[:-1], data[:40], claims_more):
        path.write_bytes(spoilt)
        with pytest.raises(UserError, match=r"a\.npy: not a plain \.npy file"):
            inputs.read(good, TABLE)
    saved(path, np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError, match=r"a\.npy: not a plain \.npy file"):
        inputs.read(good, TABLE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1", r"1: 2 numbers \(longitude, latitude\); got 1"),
        ("1,2,3", "2 numbers"),
        ("1,nan", "not a finite number"),
        ("1,inf", "not a finite number"),
        ("1,x", "numbers with commas between them"),
        ("", "numbers with commas between them"),
    ],
)
def test_numbers_that_do_not_fit(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        inputs.read(text, TABLE)


def test_numbers(predictor: Predictor) -> None:
    assert inputs.read("20,-1", TABLE).tolist() == [[0.5, -0.25]]
    with pytest.raises(UserError, match="not a file this network reads"):
        predictor.read("1,2")


# ---------------------------------------------------------------------------------- the bundle


def test_wrong_inputs_are_refused_with_name_dtype_and_shape(predictor: Predictor) -> None:
    expected = r"expects input: float32 \(batch, 1, 8, 8\); got "
    for x in (
        np.zeros((0, 1, 8, 8), np.float32),
        np.zeros((1, 8, 8), np.float32),
        np.zeros((1, 1, 8, 9), np.float32),
        np.zeros((1, 1, 8, 8)),
    ):
        with pytest.raises(UserError, match=expected):
            predictor.outputs(x)
    with pytest.raises(UserError, match="not finite"):
        predictor.outputs(np.full((1, 1, 8, 8), np.nan, np.float32))


def test_an_altered_bundle_is_not_opened(copied: Path) -> None:
    description, model = copied / schema.NAME, copied / schema.MODEL
    content = json.loads(description.read_text())
    spoilt = {**content, "classes": content["classes"][::-1]}
    description.write_text(json.dumps(spoilt))
    with pytest.raises(UserError, match="says something else than when"):
        Predictor(copied)
    description.write_text(json.dumps({**content, "files": {}}))
    with pytest.raises(UserError, match="not listed"):
        Predictor(copied)
    description.write_text(json.dumps(content))
    data = model.read_bytes()
    model.write_bytes(data[:-5])
    with pytest.raises(UserError, match="incomplete"):
        Predictor(copied)
    model.write_bytes(b"x" * len(data))
    schema.read(copied).sealed(copied).write(copied)
    with pytest.raises(UserError, match="onnxruntime refuses it") as error:
        Predictor(copied)
    assert "\n" not in str(error.value)


def test_predicting_imports_no_torch(
    bundle: Path, drawn: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    Image.fromarray(drawn).resize((90, 90)).save(tmp_path / "drawn.png")
    program = (
        "import runpy, sys\n"
        "sys.path.insert(0, 'scripts')\n"
        "try:\n"
        "    runpy.run_path('scripts/predict.py', run_name='__main__')\n"
        "finally:\n"
        "    heavy = ('torch', 'lightning', 'onnx', 'sklearn', 'matplotlib')\n"
        "    print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(bundle), str(tmp_path / "drawn.png"), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
    (found,) = json.loads(done.stdout)
    assert found["class"] == max(found["probabilities"], key=found["probabilities"].get)
