"""scripts/kernels.py: nine kernels and a chain on a photo, by both twins."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scratch.data.bundled import photo
from scratch.spec.kernels import NAMED

Run = Callable[..., int]


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells behind each name of the table."""
    lines = [line for line in text.splitlines() if " x " in line and line.count("  ") > 2]
    names = [*NAMED, *(f"Sobel x: {part}" for part in ("convolution", "ReLU", "max pool 2 x 2"))]
    found = {}
    for line in lines:
        name = next((n for n in sorted(names, key=len, reverse=True) if line.startswith(n)), None)
        if name is not None:
            found[name] = line.removeprefix(name).rsplit(maxsplit=3)
    return found


def test_both_twins_agree_and_two_pictures_are_written(
    script: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("kernels", "--photo", "flower", "--twin", "both", "--out", tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"kernels.png", "chain.png"}
    found = rows(capsys.readouterr().out)
    assert len(found) == 9 + 3
    assert all(float(cells[-1]) == 0 for name, cells in found.items() if name != "blur")
    grey, _ = photo("flower")
    assert [float(cell) for cell in found["identity"][-3:-1]] == [grey.min(), grey.max()]
    assert found["Sobel x: max pool 2 x 2"][0].strip() == "213 x 320"


@pytest.mark.parametrize("twin", ["scratch", "torch"])
def test_a_pixel_can_be_computed_by_hand(script: Run, tmp_path: Path, twin: str) -> None:
    assert script("kernels", "--twin", twin, "--out", tmp_path) == 0
    kernels = importlib.import_module("kernels")
    image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    weight = np.array(list(NAMED.values()), np.float32)[:, None]
    maps, chain = kernels.TWINS[twin](image, weight, list(NAMED).index("Sobel x"))
    filtered = dict(zip(NAMED, maps, strict=True))
    # Around the 5: columns 0, 4, 8 and 2, 6, 10; rows 0, 1, 2 and 8, 9, 10.
    assert filtered["Sobel x"][1, 1] == (2 + 2 * 6 + 10) - (0 + 2 * 4 + 8)
    assert filtered["Sobel y"][1, 1] == (8 + 2 * 9 + 10) - (0 + 2 * 1 + 2)
    assert filtered["sharpness"][1, 1] == 5 * 5 - 1 - 4 - 6 - 9
    assert filtered["embossing"][1, 1] == 2 * 0 - 5 - 10
    # At the right border only the left column is there: -(2 + 2 * 6 + 10) is negative.
    assert chain["convolution"][1, 3] == -(2 + 2 * 6 + 10)
    assert chain["ReLU"][1, 3] == 0
    # At the left border only the right column is: 1 + 2 * 5 + 9 = 20, and 5 + 2 * 9 + 13 = 36.
    assert chain["max pool 2 x 2"].tolist() == [[20, 8], [36, 8]]


@pytest.mark.parametrize("twin", ["scratch", "torch"])
def test_the_whole_photo_is_that_of_the_functional_convolution(
    script: Run, tmp_path: Path, twin: str
) -> None:
    assert script("kernels", "--twin", twin, "--out", tmp_path) == 0
    image = photo("flower")[0][None, None].astype(np.float32)
    weight = np.array([NAMED["embossing"], NAMED["surround"]], np.float32)[:, None]
    maps, chain = importlib.import_module("kernels").TWINS[twin](image, weight, 1)
    want = torch.nn.functional.conv2d(torch.tensor(image), torch.tensor(weight), padding=1)
    assert np.array_equal(maps, want[0].numpy())
    pooled = torch.nn.functional.max_pool2d(want[:, 1:].relu(), 2)
    assert np.array_equal(chain["max pool 2 x 2"], pooled[0, 0].numpy())


def test_a_difference_where_all_is_exact_fails(
    script: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    assert script("kernels", "--out", tmp_path) == 0
    kernels = importlib.import_module("kernels")
    reference = kernels.torch

    def wrong(*arguments: Any) -> Any:
        maps, chain = reference(*arguments)
        return maps, {**chain, "ReLU": chain["ReLU"] + 1}

    monkeypatch.setitem(kernels.TWINS, "torch", wrong)
    capsys.readouterr()
    assert script("kernels", "--twin", "both", "--out", tmp_path) == 1
    assert "exact" in capsys.readouterr().err


def test_an_unknown_photo_is_one_line(script: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("kernels", "--photo", "moon") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
