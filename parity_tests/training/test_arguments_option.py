"""`--set`: a variant of a network, such as torchvision's AlexNet, in training and export.

From a weight file with the variant's names to a bundle that says which variant it holds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ref_torch
from parity_tests.harness import artefact
from parity_tests.mirror.sources import ROOT
from scratch import weights
from scratch.deploy import schema
from scratch.run.folder import RunFolder
from scratch.spec.errors import UserError

sys.path.insert(0, str(ROOT / "scripts"))
import _settings
import _training
import _twins

Script = Callable[..., int]
VARIANT = {"variant": "torchvision", "dropout": 0.0}
TYPED = ("--set", "variant=torchvision", "--set", "dropout=0.0")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "alexnet.pth"
    torch.save(ref_torch.build("alexnet", "tiny", seed=5, **VARIANT).state_dict(), path)
    return path


def test_a_run_from_a_file_of_the_variant(
    published: Path, script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ("train", "alexnet", "--size", "tiny", "--twin", "scratch", "--epochs", 1, "--out")
    assert script(*argv, tmp_path / "no", "--weights", published) == 2
    assert "features.conv1.weight is missing" in capsys.readouterr().err
    assert script(*argv, tmp_path / "run", "--weights", published, *TYPED) == 0
    folder = RunFolder.open(tmp_path / "run")
    assert folder.config["arguments"] == VARIANT
    state, _ = weights.load(folder.weights)
    assert "features.0.weight" in state
    again = _training.resume(tmp_path / "run")  # of a run that is at its end
    (twin,) = again.twins
    assert all(np.array_equal(twin.state()[name], value) for name, value in state.items())


@pytest.mark.long
def test_a_published_file_becomes_a_bundle_that_names_its_picture(
    published: Path, script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ("export_onnx", published, "--chapter", "alexnet", "--size", "tiny")
    assert script(*argv, "--out", tmp_path / "no") == 2
    assert "weights of another network" in capsys.readouterr().err
    assert script(*argv, *TYPED, "--out", tmp_path / "bundle") == 0
    assert schema.read(tmp_path / "bundle").arguments == VARIANT
    Image.new("RGB", (90, 70), (200, 30, 30)).save(tmp_path / "red.png")
    assert script("predict", tmp_path / "bundle", tmp_path / "red.png") == 0
    assert "red.png" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["folder", "file"])
def test_a_network_for_ones_own_classes_is_trained_and_exported(
    source: str, script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, colour in (("dog", "red"), ("cat", "blue")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(8):
            image = Image.new("RGB", (20, 20), colour)
            image.save(tmp_path / "photos" / name / f"{number}.png")
    run, two = tmp_path / "run", ("--set", "classes=2")
    argv = ("train", "resnet20", "--size", "tiny", "--twin", "scratch", "--epochs", 1, *two)
    assert script(*argv, "--data-dir", tmp_path / "photos", "--out", run) == 0, capsys.readouterr()
    given = (run, "--out", tmp_path / "bundle")
    if source == "file":
        given = (run / "model.safetensors", *given[1:])
    assert script("export_onnx", *given) == 0, capsys.readouterr()
    assert schema.read(tmp_path / "bundle").classes == ("cat", "dog")


def test_more_classes_than_the_network_tells_apart_are_refused_before_training(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ("train", "resnet20", "--size", "tiny", "--twin", "scratch", "--set", "classes=4")
    assert script(*argv, "--out", tmp_path / "run") == 2
    assert "has 9 classes; the network tells 4 apart" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_old_files_without_counters_are_taken(tmp_path: Path) -> None:
    state = ref_torch.build("dnn_mnist_bn", "tiny").state_dict()
    old = {name: value for name, value in state.items() if not name.endswith("tracked")}
    torch.save(old, tmp_path / "old.pth")
    found = artefact.find(str(tmp_path / "old.pth"), chapter="dnn_mnist_bn", size="tiny")
    assert all(torch.equal(found.model.state_dict()[name], state[name]) for name in state)


def test_arguments_are_for_files_of_weights(published: Path) -> None:
    found = artefact.find(str(published), chapter="alexnet", size="tiny", arguments=VARIANT)
    assert found.arguments == VARIANT
    with pytest.raises(UserError, match="--set is for a file of weights"):
        artefact.find("alexnet", size="tiny", arguments=VARIANT)


def test_both_twins_get_the_arguments() -> None:
    settings = _training.Settings("resnet50", "tiny", arguments={"stride_on": "1x1"})
    chapter = settings.resolve()
    assert not settings.default()
    for twin in _twins.build(("torch", "scratch"), chapter, 0):
        parts = dict(twin.model.named_modules())
        strides = [parts[f"layer2.0.conv{i}"].stride for i in (1, 2)]
        assert strides == [(2, 2), (1, 1)]


@pytest.mark.parametrize("typed", ["variant", "=1", ""])
def test_what_has_no_name_or_value_is_refused(typed: str) -> None:
    with pytest.raises(UserError, match="expects NAME=VALUE"):
        _settings.arguments([typed])


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(UserError, match="stands twice"):
        _settings.arguments(["a=1", "a=2"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"varian": 1}, 'did you mean "variant"'),
        ({"variant": "foo"}, "alexnet cannot be made: .* expects one of paper"),
        ({"classes": "many"}, "alexnet cannot be made"),
        ({"classes": -1}, "alexnet cannot be made"),
    ],
)
@pytest.mark.parametrize("name", ["torch", "scratch"])
def test_what_the_network_does_not_take_is_one_line(
    name: str, arguments: dict[str, object], message: str
) -> None:
    settings = _training.Settings("alexnet", "tiny", arguments=arguments)
    with pytest.raises(UserError, match=message):
        _twins.build([name], settings.resolve(), 0)


def test_a_layer_that_there_is_not_is_one_line() -> None:
    settings = _training.Settings("lenet5", "tiny", arguments={"activation": "Sine"})
    with pytest.raises(UserError, match=r"lenet5 cannot be made: .*Sine"):
        _twins.build(["scratch"], settings.resolve(), 0)


def test_a_fault_of_ours_is_no_users() -> None:
    """Without --set what a constructor raises is a traceback."""
    chapter = _training.Settings("alexnet", "tiny").resolve()
    with pytest.raises(TypeError):
        _twins.build(["scratch"], chapter, "no seed")  # type: ignore[arg-type]
