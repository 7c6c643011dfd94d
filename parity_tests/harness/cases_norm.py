"""Cases of normalisation by batch and by neighbouring channels."""

from __future__ import annotations

from typing import Any

from parity_tests.harness.case import Layer
from parity_tests.harness.inputs import EXACT_EPS


def _settings(name: str, shape: tuple[int, ...]) -> Layer:
    layer, features = Layer(name, exact=False), {"num_features": shape[1]}

    def at(setting: str, **arguments: Any) -> None:
        layer.at(shape, setting, **features, **arguments)

    at("training")
    at("evaluation", training=False)
    at("evaluation, root a power of two", exact=True, eps=EXACT_EPS, training=False)
    at("not affine", affine=False)
    at("not affine, evaluation", affine=False, training=False)
    at("no bias", bias=False)
    at("mean of all batches", momentum=None)
    at("momentum 0.3, eps 0.1", momentum=0.3, eps=0.1)
    at("no running statistics", track_running_stats=False)
    at("no running statistics, evaluation", track_running_stats=False, training=False)
    at("mean of 10 deviations", values="mean 10")
    at("mean of 1000 deviations", values="mean 1000")
    at("mean of 1000 deviations, evaluation", values="mean 1000", training=False)
    at("a constant channel", values="constant")
    at("ties", values="ties")
    return layer


LRN = (
    Layer("LocalResponseNorm", exact=False)
    .at((2, 7, 3, 4), "as AlexNet, alpha large", size=5, alpha=2.0, beta=0.75, k=2.0)
    .at((2, 7, 3, 4), "as AlexNet", size=5, alpha=5e-4, beta=0.75, k=2.0)
    .at((2, 5, 3, 4), "even size", size=4, alpha=1.5)
    .at((3, 5, 1, 2), "two channels", size=2, alpha=1.0, beta=1.25, k=0.5)
    .at((2, 3, 5, 4), "wider than the channels", size=9, alpha=1.0)
    .at((2, 3, 5, 4), "one channel", size=1, alpha=1.0)
    .at((2, 7, 3, 4), "zeros", size=3, alpha=1.0, values="zeros")
    .at((2, 7, 3, 4), "far", size=3, alpha=1.0, values="far")
)
LAYERS = (
    _settings("BatchNorm1d", (11, 3)).at((5, 3, 7), "positions", num_features=3),
    _settings("BatchNorm2d", (2, 3, 4, 5)).at((2, 7, 1, 1), "two values", num_features=7, eps=0.5),
    LRN,
)
