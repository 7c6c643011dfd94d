"""A folded network is still torch's network, and the mistakes that people make in folding show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity_tests.harness import folding
from parity_tests.harness.mutants.fault import Fault, planter
from parity_tests.harness.pair import of_chapter
from parity_tests.harness.verdict import Check, Verdict, worst
from parity_tests.sizes import SIBLING_IDS
from scratch import spec
from scratch.build import construct

Array = np.ndarray[Any, np.dtype[Any]]


def _normalised(id: str, **options: Any) -> bool:
    network = construct(spec.get(id, "tiny"), **options)
    return any("BatchNorm" in type(module).__name__ for _, module in network.named_modules())


def _usual(id: str) -> Any:
    return pytest.param(id, marks=[pytest.mark.long] if id in SIBLING_IDS else [])


IDS = [_usual(id) for id in spec.ids() if _normalised(id)]
EXACT_IDS = [
    _usual(id) for id in spec.ids() if _normalised(id, **(spec.get(id, "tiny").exact or {}))
]


def judged(id: str, dtype: str, exact: bool = False) -> list[Check]:
    return folding.run(of_chapter(id, "tiny", 0, dtype, exact=exact), dtype, exact)


@pytest.mark.parametrize("dtype", folding.LEVELS)
@pytest.mark.parametrize("id", IDS)
def test_a_folded_network_is_torch_s(id: str, dtype: str) -> None:
    checks = judged(id, dtype)
    assert len(checks) > 1  # pairs, and the whole
    assert worst(checks) is Verdict.PASS


@pytest.mark.parametrize("id", EXACT_IDS)
def test_in_integers_a_folded_network_is_exactly_torch_s(id: str) -> None:
    checks = judged(id, "float32", exact=True)
    assert len(checks) > 1
    assert worst(checks) is Verdict.PASS


def test_no_bound_of_folding_is_broken_or_idle() -> None:
    for dtype in folding.LEVELS:
        used: dict[str, float] = {}
        for check in judged("resnet18", dtype):
            if check.module:
                used[check.engine] = max(used.get(check.engine, 0.0), check.used)
        assert len(used) == (2 if dtype == "float64" else 3)
        assert all(0.01 < share < 0.5 for share in used.values()), used


FAULTS: list[Fault] = []
plant = planter(FAULTS)
AT = "fold.fold_norm"


def _scale(gamma: Any, variance: Array, eps: float) -> Array:
    return np.asarray((1 if gamma is None else gamma) / np.sqrt(variance + eps))


@plant("eps forgotten", AT, ["resnet18"], "")
def _(original: Any, eps: float, **given: Any) -> Any:
    return original(**given, eps=0.0)


@plant("beta forgotten", AT, ["resnet18"], "")
def _(original: Any, beta: Any, **given: Any) -> Any:
    return original(**given, beta=None)


@plant("mean forgotten", AT, ["resnet18"], "")
def _(original: Any, mean: Array, **given: Any) -> Any:
    return original(**given, mean=0 * mean)


@plant("bias of the layer forgotten", AT, ["vgg11_bn"], "")
def _(original: Any, bias: Any, **given: Any) -> Any:
    return original(**given, bias=None)


@plant("shift not scaled", AT, ["resnet18"], "")
def _(original: Any, **given: Any) -> Any:
    weight, _ = original(**given)
    _, shift = original(**{**given, "gamma": None, "variance": 0 * given["variance"] + 1, "eps": 0})
    return weight, shift


@plant("weight not scaled", AT, ["resnet18"], "")
def _(original: Any, **given: Any) -> Any:
    return given["weight"], original(**given)[1]


@plant("scale along the inputs", AT, ["resnet18"], "")
def _(original: Any, weight: Array, **given: Any) -> Any:
    scale = _scale(given["gamma"], given["variance"], given["eps"]).astype(weight.dtype)
    return weight * np.resize(scale, (weight.shape[1], 1, 1)), original(weight, **given)[1]


@plant("divided by the variance", AT, ["resnet18"], "")
def _(original: Any, variance: Array, eps: float, **given: Any) -> Any:
    return original(**given, variance=(variance + eps) ** 2, eps=0.0)


@plant("gamma forgotten", AT, ["resnet18"], "")
def _(original: Any, gamma: Any, **given: Any) -> Any:
    return original(**given, gamma=None)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_mistake_in_folding_shows_in_the_pair(fault: Fault) -> None:
    with fault.planted():
        checks = judged(fault.subjects[0], "float64")
    failing = [check for check in checks if check.verdict is Verdict.FAIL]
    assert any(check.module for check in failing)
