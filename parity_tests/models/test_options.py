"""What a chapter offers besides its default is one network in both twins as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import ref_torch
import scratch
from parity_tests.harness.levels import exact, judge
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.pair import of_chapter
from parity_tests.harness.runner import redrawn
from parity_tests.harness.verdict import Check, Verdict, worst

OPTIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("lenet5", {"connections": "full"}),
    ("lenet5", {"subsampling": "average"}),
    ("lenet5", {"subsampling": "max", "connections": "full", "activation": "ReLU"}),
    ("mlp_mnist", {"activations": ("Tanh", "ReLU")}),
    ("resnet50", {"stride_on": "1x1"}),
    ("alexnet", {"variant": "torchvision"}),
    ("googlenet", {"variant": "torchvision"}),
    ("googlenet", {"aux_logits": False}),
    ("rnn_rows", {"layers": 2}),
    ("rnn_rows", {"cell": "GRU", "layers": 3}),
    ("birnn_rows", {"cell": "GRU"}),
    ("lstm_subtract", {"outputs": 3, "bias": False}),
)


def _passes(checks: list[Check]) -> None:
    assert worst(checks) is Verdict.PASS, [c.divergence() for c in first_divergences(checks)]


@pytest.mark.parametrize(("id", "options"), OPTIONS)
def test_an_option_is_one_network_in_both_twins(id: str, options: Mapping[str, Any]) -> None:
    for dtype in ("float64", "float32"):

        def run(seed: int, dtype: str = dtype) -> list[Check]:
            return judge.run(of_chapter(id, seed=seed, dtype=dtype, **options), dtype)

        _passes(redrawn(run, 0))


@pytest.mark.parametrize("subsampling", ["average", "max"])
@pytest.mark.parametrize("connections", ["table", "full"])
def test_lenet_with_an_option_is_exact(connections: str, subsampling: str) -> None:
    options: Mapping[str, Any] = {"connections": connections, "subsampling": subsampling}
    _passes(redrawn(lambda at: exact.run(of_chapter("lenet5", seed=at, exact=True, **options)), 0))


@pytest.mark.parametrize(
    ("id", "options", "said"),
    [
        ("alexnet", {"variant": "pape"}, 'variant "pape": expects'),
        ("googlenet", {"variant": "pape"}, 'variant "pape": expects "paper" or "torchvision"'),
        ("googlenet", {"modules": ("3a", "3z")}, r"modules \('3a', '3z'\): expects some of 3a, 3b"),
        ("googlenet", {"modules": "3a"}, "modules 3a: expects some of 3a, 3b"),
        ("lenet5", {"subsampling": "mean"}, 'subsampling "mean": expects "trainable"'),
        ("lenet5", {"connections": "none"}, 'connections "none": expects "table" or "full"'),
        ("resnet50", {"stride_on": "2x2"}, 'stride_on "2x2": expects one of'),
        ("resnet50", {"block": "Basic"}, 'block "Basic": expects one of'),
        ("vgg11", {"configuration": "Z"}, 'configuration "Z": expects one of'),
        (
            "rnn_subtract",
            {"cell": "RNN"},
            'cell "RNN": expects one of RNN_TANH, RNN_RELU, GRU, LSTM',
        ),
        ("rnn_rows", {"cell": "LSTM"}, 'cell "LSTM": expects one of RNN_TANH, RNN_RELU, GRU$'),
        ("birnn_rows", {"cell": "LSTM"}, 'cell "LSTM": expects one of RNN_TANH, RNN_RELU, GRU$'),
    ],
)
def test_an_option_that_does_not_exist_is_refused_in_the_same_words_by_both(
    id: str, options: Mapping[str, Any], said: str
) -> None:
    for twin in (scratch, ref_torch):
        with pytest.raises(ValueError, match=said):
            twin.build(id, "tiny", **options)
