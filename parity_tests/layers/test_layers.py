"""Every layer and loss in every setting, and how much of each bound is used."""

from __future__ import annotations

import pytest

from parity_tests.harness import cases, runner
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.verdict import Verdict, worst

LEVELS = {"float64": ("L0", "L1", "L2"), "float32": ("L3",)}
LOOSE = 0.01  # a bound of which five seeds use less than this is too loose to catch anything


@pytest.mark.parametrize("dtype", LEVELS)
@pytest.mark.parametrize("layer", cases.layers())
def test_a_layer_is_torch_s(layer: str, dtype: str) -> None:
    checks = runner.check_layer(layer, dtype, 0, LEVELS[dtype])
    assert worst(checks) is Verdict.PASS, [c.divergence() for c in first_divergences(checks)]


@pytest.mark.parametrize("layer", cases.layers())
def test_the_float32_bound_is_neither_broken_nor_idle(layer: str) -> None:
    checks = runner.check_layer(layer, "float32", 0, ("L3",))
    used = max(check.used for check in checks)
    exact = all(check.used == 0 for check in checks)
    assert used <= 1
    assert exact or used > LOOSE


@pytest.mark.parametrize(
    "layer",
    [
        *("Linear", "Conv2d", "TableConv2d", "MaxPool2d", "AvgPool2d"),
        *("Add", "Multiply", "Concat", "Affine", "Square"),
    ],
)
def test_onnx_runtime_agrees_bit_for_bit(layer: str) -> None:
    checks = runner.check_layer(layer, "float64", 0, ("L0",))
    judged = [check for check in checks if check.engine.startswith("ONNX Runtime")]
    assert judged
    assert all(check.used == 0 for check in judged)
