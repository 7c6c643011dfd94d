"""Every picture is a readable PNG that shows what it was given; bad input leaves no file."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from scratch.run import pictures
from scratch.spec.errors import UserError

GENERATOR = np.random.default_rng(0)
ROWS = [
    {
        "twin": twin,
        "epoch": epoch,
        "step": 10 * epoch,
        "train_loss": 2.0 / epoch,
        "val_loss": None if epoch == 2 else 2.1 / epoch,
        "val_metric": 1 - 0.5 / epoch,
        "lr": 0.1,
        "seconds": 1.0,
    }
    for twin in ("scratch", "torch")
    for epoch in (1, 2, 3)
]
X1, X2 = GENERATOR.random((20, 1)), GENERATOR.random((20, 2))
LABELS = GENERATOR.integers(0, 3, 20)
IMAGES = GENERATOR.random((9, 1, 8, 8))


def line(x: np.ndarray) -> np.ndarray:
    assert x.dtype == np.float32
    assert x.shape[1] == 1
    return 2 * x + 3


def three_logits(x: np.ndarray) -> np.ndarray:
    assert x.dtype == np.float32
    assert x.shape[1] == 2
    return np.stack([x[:, 0], x[:, 1], 1 - x[:, 0]], axis=1)


def moved(units: int) -> tuple[np.ndarray, ...]:
    """Return points, activations, labels, a grid and its activations."""
    w, grid = np.arange(2.0 * units).reshape(2, units) - 1, pictures.grid_lines(X2)
    return X2, np.tanh(X2 @ w), LABELS, grid, np.tanh(grid @ w)


DRAWN = {
    "loss_curve": lambda path: pictures.loss_curve(path, ROWS, metric="accuracy"),
    "loss_curve of one epoch": lambda path: pictures.loss_curve(path, ROWS[:1]),
    "twin_gap": lambda path: pictures.twin_gap(path, [3.0, 2.0, 1.0], [3.0, 2.1, 1.0, 0.5]),
    "twin_gap of zero": lambda path: pictures.twin_gap(path, [3.0, 2.0], [3.0, 2.0]),
    "twin_gap of rows": lambda path: pictures.twin_gap(path, ROWS[:3], ROWS[3:]),
    "twin_gap of NaN": lambda path: pictures.twin_gap(path, [3.0, np.nan], [3.0, np.inf]),
    "confusion_matrix": lambda path: pictures.confusion_matrix(
        path, LABELS, LABELS[::-1], ["Wei", "Shu", "Wu"]
    ),
    "fitted_line": lambda path: pictures.fitted_line(path, X1, line(X1.astype("f4")), line),
    "predicted_against_true": lambda path: pictures.predicted_against_true(path, X1, 2 * X1),
    "space_transformation": lambda path: pictures.space_transformation(path, *moved(2), "abc"),
    "space_transformation to three units": lambda path: pictures.space_transformation(
        path, *moved(3), "abc"
    ),
    "decision_boundary": lambda path: pictures.decision_boundary(
        path, X2, LABELS, three_logits, ["Wei", "Shu", "Wu"]
    ),
    "decision_boundary of one logit": lambda path: pictures.decision_boundary(
        path, X2, LABELS[:, None] % 2, lambda x: x[:, :1] - 0.5, ["no", "yes"]
    ),
    "kernels": lambda path: pictures.kernels(path, GENERATOR.random((6, 3, 5, 5))),
    "kernels of images": lambda path: pictures.kernels(path, GENERATOR.random((4, 64))),
    "kernels of a table": lambda path: pictures.kernels(path, np.zeros((3, 2))),
    "sample_grid": lambda path: pictures.sample_grid(path, IMAGES, LABELS, LABELS[::-1]),
    "sample_grid of rows": lambda path: pictures.sample_grid(
        path, IMAGES.reshape(9, 64), LABELS, LABELS, ["a", "b", "c"]
    ),
    "sample_grid in colour": lambda path: pictures.sample_grid(
        path, GENERATOR.random((9, 3, 8, 8)), LABELS, LABELS[::-1]
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_drawn(tmp_path, name):
    import matplotlib.image

    DRAWN[name](tmp_path / "图 1.png")
    assert [path.name for path in tmp_path.iterdir()] == ["图 1.png"]
    pixels = matplotlib.image.imread(tmp_path / "图 1.png")
    assert min(pixels.shape[:2]) >= 90
    assert pixels[0, 0, :3].tolist() == [1.0, 1.0, 1.0]
    ink = (pixels[..., :3] < 0.9).any(axis=-1)
    assert 0.005 < ink.mean() < 0.9
    assert not ink[:, -1].any()


def test_colours_stay_where_they_are(tmp_path):
    import matplotlib.image

    images = np.full((2, 3, 8, 8), -1.0)  # -1 is black, 3 full colour
    images[0, 0] = 3.0
    pictures.sample_grid(tmp_path / "red.png", images, LABELS[:2], LABELS[:2])
    pixels = matplotlib.image.imread(tmp_path / "red.png")[..., :3]
    shares = [(pixels == colour).all(axis=-1).mean() for colour in ([1, 0, 0], [0, 0, 0])]
    assert min(shares) > 0.05
    assert not (pixels == [0, 0, 1]).all(axis=-1).any()
    tall = [(pixels == colour).all(axis=-1).mean(axis=0) > 0.2 for colour in ([1, 0, 0], [0, 0, 0])]
    red, black = (np.flatnonzero(columns) for columns in tall)
    assert red[-1] < black[0]  # red stands first


def test_a_difference_of_the_twins_shows(tmp_path):
    pictures.twin_gap(tmp_path / "same.png", [3.0, 2.0, 1.0], [3.0, 2.0, 1.0])
    pictures.twin_gap(tmp_path / "apart.png", [3.0, 2.0, 1.0], [3.0, 2.0, 1.0 + 1e-9])
    assert (tmp_path / "same.png").read_bytes() != (tmp_path / "apart.png").read_bytes()


REFUSED = {
    "no rows": (lambda path: pictures.loss_curve(path, []), "at least one epoch"),
    "no steps": (lambda path: pictures.twin_gap(path, [], [1.0]), "at least one step"),
    "no samples": (lambda path: pictures.confusion_matrix(path, [], [], ["a"]), "got 0 for 0"),
    "other sizes": (lambda path: pictures.confusion_matrix(path, [0], [0, 0], ["a"]), "2 for 1"),
    "two inputs": (lambda path: pictures.fitted_line(path, X2, X1, line), r"got \(20, 2\)"),
    "one input": (
        lambda path: pictures.decision_boundary(path, X1, LABELS, three_logits, "abc"),
        r"got \(20, 1\)",
    ),
    "other targets": (
        lambda path: pictures.predicted_against_true(path, X1, X1[:, 0]),
        r"got \(20,\), \(20, 1\)",
    ),
    "four units": (
        lambda path: pictures.space_transformation(path, *moved(4), "abc"),
        r"got \(20, 2\) and \(20, 4\)",
    ),
    "another grid": (
        lambda path: pictures.space_transformation(path, *moved(2)[:-1], X2, "abc"),
        r"\(20, 2\) for \(22, 101, 2\)",
    ),
    "rank 3": (lambda path: pictures.kernels(path, np.ones((2, 3, 4))), r"got \(2, 3, 4\)"),
    "no images": (
        lambda path: pictures.sample_grid(path, np.ones((4, 7)), LABELS, LABELS),
        r"got \(4, 7\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_and_leaves_no_file(tmp_path, name):
    draw, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        draw(tmp_path / "picture.png")
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_and_missing_matplotlib(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="cannot be written"):
        pictures.kernels(tmp_path / "none" / "picture.png", np.zeros((3, 2)))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match="pip install matplotlib"):
        pictures.kernels(tmp_path / "picture.png", np.zeros((3, 2)))


def test_heavy_libraries_wait_until_they_are_used():
    code = (
        "import sys, scratch.data, scratch.run.folder, scratch.run.metrics, scratch.run.pictures, "
        "scratch.weights, scratch.optim, scratch.schedule\n"
        "print([name for name in ('torch', 'sklearn', 'scipy', 'matplotlib', 'yaml', 'onnx')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
