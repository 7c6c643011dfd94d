"""Recurrent layers and embeddings as hand-written ONNX nodes: a third opinion on their forward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness import bounds, onnx_layer, onnx_recurrent, outputs, rows
from parity_tests.harness.case import Case
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.cases_recurrent import LAYERS
from parity_tests.harness.compare import compare
from parity_tests.harness.levels import exact
from parity_tests.harness.pair import Pair
from parity_tests.harness.recurrent_values import Settings
from parity_tests.harness.run import cast, run_torch
from parity_tests.harness.verdict import Verdict

Array = np.ndarray[Any, np.dtype[Any]]

CASES = [case for layer in LAYERS for case in layer.cases]
SEEDS = 5


def _units(pair: Pair) -> dict[str, Array]:
    layer: Any = pair.torch
    options: dict[str, Any] = {name: getattr(layer, name, "tanh") for name in Settings._fields}
    state = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    kind = type(layer).__name__
    return onnx_recurrent.output_units(kind, Settings(**options), state, pair.inputs)


def _verdicts(case: Case, seed: int) -> set[Verdict]:
    """Hold ONNX Runtime's outputs against torch in float64."""
    pair = of_case(case, seed, "float32")
    truth = run_torch(pair.torch, pair.inputs, pair.d_output)
    units = {"output": np.zeros(())} if case.layer == "Embedding" else _units(pair)
    output = onnx_layer.forward(pair.torch_as("float32"), cast(pair.inputs, "float32"))
    made, want = (outputs.named("output", value) for value in (output, truth.output))
    assert made.keys() == want.keys()
    return {
        compare(
            value, want[name], bounds.tolerance(units[name], "float32"), dtype="float32"
        ).verdict
        for name, value in made.items()
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_onnx_runtime_makes_of_it_what_torch_makes(case: Case) -> None:
    for seed in range(SEEDS):
        assert _verdicts(case, seed) == {Verdict.PASS}


@pytest.mark.parametrize("layer", onnx_recurrent.OPERATORS)
def test_only_the_tanh_of_an_rnn_has_an_absolute_error(layer: str) -> None:
    """Small states show it: the rows' own bound, which is relative, would not do for an RNN."""
    case = Case(layer, "small", {"input_size": 3, "hidden_size": 8}, (4, 50, 3))
    pair = of_case(case, 0, "float32")
    with torch.no_grad():
        for parameter in pair.torch.parameters():
            parameter.mul_(1 / 64)
    truth = run_torch(pair.torch, pair.inputs, pair.d_output)
    relative = rows.units(pair.torch, pair.inputs, pair.d_output, truth)
    assert relative is not None
    units = _units(pair)
    got = onnx_layer.forward(pair.torch.float(), cast(pair.inputs, "float32")).sequence

    def verdict(allowed: dict[str, Array]) -> Verdict:
        limit = bounds.tolerance(allowed["output[sequence]"], "float32")
        return compare(got, truth.output.sequence, limit).verdict

    assert verdict(units) is Verdict.PASS
    assert verdict(relative) is (Verdict.FAIL if layer == "RNN" else Verdict.PASS)


@pytest.mark.parametrize("name", ["RNN rectified, both directions", "Embedding padding"])
def test_integers_come_out_exactly(name: str) -> None:
    (case,) = [case for case in CASES if case.name == name]
    checks = exact.run(of_case(case, 0, "float32", exact=True))
    judged = [check for check in checks if check.engine == "ONNX Runtime float32"]
    assert {check.verdict for check in judged} == {Verdict.PASS}
    named = {check.tensor for check in judged}
    assert named == ({"output"} if "Embedding" in name else {"output[sequence]", "output[h_n]"})


@pytest.mark.parametrize(("layer", "wrong"), [("LSTM", "ifco"), ("GRU", "rzh")])
def test_gates_in_torchs_order_are_seen(
    layer: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(onnx_recurrent.GATES, layer, wrong)
    (case,) = [case for case in CASES if case.name == layer]
    assert Verdict.FAIL in _verdicts(case, 0)


@pytest.mark.parametrize("operator", onnx_recurrent.OPERATORS)
def test_weights_there_and_back(operator: str) -> None:
    rng = np.random.default_rng(0)
    gates = len(onnx_recurrent.GATES[operator])
    w, r, b = (rng.standard_normal((2, gates * 3, n)) for n in (4, 3, 2))
    constants = [w, r, b.reshape(2, -1)]
    for given in (constants, constants[:2]):
        state = onnx_recurrent.to_torch(operator, *given, *[None] * (3 - len(given)))
        back = onnx_recurrent.to_onnx(operator, state, 0)
        assert len(back) == len(given)
        assert all(np.array_equal(a, b) for a, b in zip(back, given, strict=True))
