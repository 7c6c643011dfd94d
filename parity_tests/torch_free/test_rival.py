"""scripts/rival.py: both networks trained on the same samples, in colour and in grey."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from scratch import spec
from scratch.data import load, shapes
from scratch.data.colour import grey
from scratch.data.streams import stream
from scratch.spec.rivals import RIVALS


def test_every_rival_takes_the_chapters_picture_in_grey_and_tells_its_classes_apart():
    for id, rival in RIVALS.items():
        data = spec.get(id).data
        assert rival.widths[0] == data.shape[1] * data.shape[2]
        assert rival.widths[-1] == len(data.classes)


def test_the_six_colours_are_six_greys():
    colours = np.array(list(shapes.COLOURS.values())).reshape(6, 3, 1, 1) / 255
    greys = grey(colours)
    assert greys.shape == (6, 1, 1, 1)
    assert np.array_equal(greys.ravel()[:3], [0.299, 0.587, 0.114])
    assert len(set(greys.ravel().round(6).tolist())) == 6
    x = stream(0, "grey").random((2, 3, 4, 5)).astype(np.float32)
    assert grey(x).dtype == np.float32


def small(data, samples):
    return dataclasses.replace(data, options={**data.options, "samples": samples})


def test_the_table_and_json(script, monkeypatch, capsys):
    chapter = spec.get("cnn_shape")
    few = load(dataclasses.replace(chapter, data=small(chapter.data, 200)))
    monkeypatch.setattr("scratch.data.load", lambda *arguments: few)
    short = ("cnn_shape", "--epochs", 1, "--rival-epochs", 1)
    assert script("rival", *short, "--json") == 0
    ours, dense = json.loads(capsys.readouterr().out)
    assert ours["parameters"] == chapter.facts.parameters
    assert dense["parameters"] == 784 * 128 + 128 + 128 * 64 + 64 + 64 * 5 + 5
    assert dense["network"] == "dense 784-128-64-5"
    assert dense["the book"].startswith("18.3")
    assert ours["epochs"] == dense["epochs"] == 1
    assert 0 < dense["accuracy"] <= 1
    assert script("rival", *short) == 0
    text = capsys.readouterr().out
    assert f"{chapter.facts.parameters:,}" in text
    assert f"{dense['accuracy']:.4f}" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lenet5",), "has no dense rival; these have: cnn_color"),
        (("cnn_colour",), 'did you mean "cnn_color"'),
        (("cnn_color", "--rival-epochs", 0), "--rival-epochs 0: expects 1 or more"),
        (("cnn_color", "--seed", -1), "--seed -1: expects 0 or more"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(script, capsys, arguments, said):
    assert script("rival", *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
