"""The named kernels, the patches that teach them, and the pictures of convolutional networks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scratch
from scratch import nn, spec
from scratch.data import load
from scratch.data.bundled import photo
from scratch.data.patches import load_patches
from scratch.ops import conv_naive
from scratch.run.pictures.maps import MOST_LAYERS, MOST_MAPS, chosen, feature_maps, panels
from scratch.spec.errors import UserError
from scratch.spec.kernels import NAMED
from scratch.train import evaluate, fit

PNG = b"\x89PNG"
CLOSE = 3e-3  # the book's: how near the learnt weights come


def test_the_nine_kernels_are_the_books() -> None:
    kernels = {name: np.array(rows) for name, rows in NAMED.items()}
    assert all(kernel.shape == (3, 3) for kernel in kernels.values())
    sums = {name: round(float(kernel.sum()), 9) for name, kernel in kernels.items()}
    assert sums == {
        "sharpness": 1,
        "vertical edge": 0,
        "surround": -1,
        "Sobel y": 0,
        "identity": 1,
        "horizontal edge": 0,
        "blur": 0.99,
        "Sobel x": 0,
        "embossing": 0,
    }
    assert (kernels["Sobel x"] == kernels["Sobel y"].T).all()
    assert (kernels["vertical edge"] == kernels["horizontal edge"].T).all()
    # Left of a step upwards to the right Sobel x is positive; y grows downwards.
    step = np.tile([0.0, 0.0, 1.0], (3, 1))
    assert (kernels["Sobel x"] * step).sum() == 4
    assert (kernels["Sobel y"] * step.T).sum() == 4


def test_the_photo_is_grey_by_the_standard() -> None:
    from sklearn.datasets import load_sample_image

    for name in ("china", "flower"):
        grey, source = photo(name)
        assert grey.shape == (427, 640)
        assert "CC BY" in source
        red, green, blue = (float(value) for value in load_sample_image(f"{name}.jpg")[100, 200])
        assert grey[100, 200] == round(0.299 * red + 0.587 * green + 0.114 * blue)
    with pytest.raises(UserError, match="photo"):
        photo("moon")


def test_a_target_is_what_the_naive_convolution_says() -> None:
    chapter = spec.get("kernels")
    data = load(chapter)
    assert [len(split) for split in (data.train, data.val, data.test)] == [1000, 500, 500]
    assert (data.train.x.min() >= 0) & (data.train.x.max() <= 1)
    weight = np.array(list(NAMED.values()))[:, None]
    x = np.rint(data.test.x[:20].astype(np.float64) * 255)  # grey levels, exactly
    assert np.abs(x / 255 - data.test.x[:20]).max() < 1e-7
    y, _ = conv_naive.conv2d(x, weight)
    # Targets are float32, at most 18 grey levels of 1/255 in size.
    assert np.abs(y[:, :, 0, 0] / 255 - data.test.y[:20]).max() < 1e-5


def test_patches_are_places_of_the_photo_of_which_no_two_meet() -> None:
    grey, _ = photo()
    data = load(spec.get("learn_kernel"))
    known = set()
    for top in range(0, 426, 3):
        for left in range(0, 639, 3):
            known.add(grey[top : top + 3, left : left + 3].tobytes())
    splits = (data.train, data.val, data.test)
    x = np.concatenate([np.rint(split.x * 255).astype(np.uint8) for split in splits])
    assert {patch.tobytes() for patch in x} <= known
    again, other = (load(spec.get("learn_kernel"), seed=seed) for seed in (0, 1))
    assert np.array_equal(again.train.x, data.train.x)
    assert not np.array_equal(other.train.x, data.train.x)


@pytest.mark.parametrize(
    ("options", "shape", "said"),
    [
        ({"kernels": ("sharp",)}, (1, 3, 3), "kernel"),
        ({"kernels": ("blur",), "sample": 3}, (1, 3, 3), "option"),
        ({"kernels": ("blur",), "samples": 30_000}, (1, 3, 3), "30,000"),
        ({"kernels": ("blur",), "samples": 1}, (1, 3, 3), "1 are wanted"),
        ({"kernels": ("blur",)}, (1, 5, 5), r"\(1, 3, 3\)"),
    ],
)
def test_impossible_patches_are_refused(
    options: dict[str, Any], shape: tuple[int, ...], said: str
) -> None:
    data = replace(spec.get("kernels").data, options=options, shape=shape)
    with pytest.raises(UserError, match=said):
        load_patches(data, 0)


@pytest.mark.parametrize("id", ["learn_kernel", "kernels"])
def test_the_named_kernels_are_learnt(scripts: Any, id: str) -> None:
    chapter, data, model = spec.get(id), load(spec.get(id)), scratch.build(id)
    maps = scripts("_maps")
    assert max(maps.gaps(chapter, model.state_dict()).values()) > 0.1
    fit(chapter, model, data, progress=False)
    found = maps.gaps(chapter, model.state_dict())
    assert tuple(found) == chapter.data.options["kernels"]
    assert max(found.values()) < CLOSE
    measured = evaluate(model, data.test, chapter.train.loss, "regression")
    assert measured["r2"] >= chapter.expected.low


@pytest.mark.long
def test_plain_descent_takes_about_as_long_as_the_book_says() -> None:
    chapter = spec.get("learn_kernel").with_preset("book")
    model = scratch.build("learn_kernel")
    history = fit(chapter, model, load(chapter), progress=False)
    assert "1e-07" in history.stopped
    assert 3_000 < len(history.step_losses) < 6_000  # the book: 3,460 on its own photo


def test_a_run_draws_the_learnt_kernels_and_says_how_near_they_are(
    scripts: Any, tmp_path: Path
) -> None:
    module = scripts("_training")
    settings = module.Settings("kernels", twin="scratch", epochs=2)
    result = module.train(settings, tmp_path / "run")
    assert {path.name for path in result.plots} == {"loss.png", "fit.png", "learnt.png"}
    written = json.loads((tmp_path / "run" / module.RESULTS).read_text("utf-8"))
    assert written["kernels"] == dict(result.kernels)
    said = scripts("train").summary(result, judged=False)
    for name, gap in result.kernels.items():
        assert f"learnt kernel {name}: weights within {gap:.1e}" in said


def test_the_maps_are_the_outputs_of_the_layers(scripts: Any) -> None:
    chapter = spec.get("lenet5", "tiny")
    x = load(chapter).test.x[:1]
    found = scripts("_maps").maps_of(scratch.build("lenet5", "tiny"), x)
    assert {name: maps.shape for name, maps in found.items()} == {
        "c1": (6, 28, 28),
        "s2.pool": (6, 14, 14),
        "c3": (16, 10, 10),
        "s4.pool": (16, 5, 5),
    }
    model = scratch.build("lenet5", "tiny").eval()
    with nn.inference():
        first = model.c1(x)
        assert np.array_equal(found["c1"], first[0])
        assert np.array_equal(found["s2.pool"], model.s2.pool(model.c1_squash(first))[0])


def test_maps_are_drawn_for_convolutions_only(scripts: Any, tmp_path: Path) -> None:
    maps = scripts("_maps")
    for id, names in {"lenet5": ["maps.png"], "mlp_mnist": []}.items():
        chapter = spec.get(id, "tiny")
        state = scratch.build(id, "tiny").state_dict()
        drawn = maps.draw(tmp_path, chapter, load(chapter), state)
        assert [path.name for path in drawn] == names
        assert all(path.read_bytes().startswith(PNG) for path in drawn)


def test_many_layers_and_maps_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    shown: list[np.ndarray] = []
    draw = Axes.imshow

    def watched(self: Axes, values: Any, **words: Any) -> Any:
        shown.append(np.asarray(values))
        return draw(self, values, **words)

    monkeypatch.setattr(Axes, "imshow", watched)
    layers = {f"layer {n}": np.full((MOST_MAPS + 9, 5, 10), float(n)) for n in range(30)}
    feature_maps(tmp_path / "maps.png", np.zeros((3, 20, 20)), layers)
    assert (tmp_path / "maps.png").read_bytes().startswith(PNG)
    # The image, then 16 maps of 10 columns with 15 empty gaps of 1 between them.
    assert len(shown) == 1 + MOST_LAYERS
    for strip in shown[1:]:
        assert strip.shape == (5, MOST_MAPS * 10 + 15)
        assert np.isnan(strip).all(axis=0).sum() == np.isnan(strip).any(axis=0).sum() == 15


def test_the_first_and_the_last_layer_are_always_shown() -> None:
    for count in (1, 8, 9, 50):
        names = [f"{n}" for n in range(count)]
        kept = chosen(names)
        assert len(kept) == len(set(kept)) == min(count, MOST_LAYERS)
        assert (kept[0], kept[-1]) == (names[0], names[-1])
        assert kept == sorted(kept, key=int)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="images"):
        panels(tmp_path / "a.png", {}, "none")
    with pytest.raises(ValueError, match="images"):
        panels(tmp_path / "a.png", {"a": np.zeros(3)}, "a line")
    with pytest.raises(ValueError, match="maps"):
        feature_maps(tmp_path / "a.png", np.zeros((1, 3, 3)), {"fc": np.zeros(10)})
    with pytest.raises(ValueError, match="maps"):
        feature_maps(tmp_path / "a.png", np.zeros((1, 3, 3)), {})
    assert not list(tmp_path.iterdir())
