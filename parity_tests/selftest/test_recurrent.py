"""The harness sees what recurrent layers return, also what nobody uses, and bounds it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness import bounds, outputs
from parity_tests.harness.case import RECURRENT
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.cases import CASES, Case
from parity_tests.harness.recurrent_values import Settings, computed
from parity_tests.harness.run import run_torch
from parity_tests.harness.trace import tap_torch

CASES_OF_THEM = [case for case in CASES if case.layer in RECURRENT]


@pytest.mark.parametrize("case", CASES_OF_THEM, ids=lambda case: case.name)
def test_the_bound_is_computed_from_torch_s_own_numbers(case: Case) -> None:
    pair, options = of_case(case), {**case.arguments}
    truth = run_torch(pair.torch, pair.inputs, pair.d_output).tensors()
    settings = Settings(**{name: options[name] for name in Settings._fields if name in options})
    parameters = {name: value.detach().numpy() for name, value in pair.torch.named_parameters()}
    found = computed(case.layer, settings, parameters, pair.inputs, pair.d_output)
    assert set(truth) <= set(found)
    for name, want in truth.items():
        assert np.abs(found[name].value - want).max() <= bounds.whole(want)


class Last(torch.nn.Module):
    """An LSTM of whose results one is used."""

    def __init__(self, used: str) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(3, 2).double()
        self.used = used

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        made = outputs.flat(self.lstm(input))
        return getattr(made, self.used)  # type: ignore[no-any-return]


@pytest.mark.parametrize("used", outputs.LongShort._fields)
def test_the_cotangent_of_each_part_is_seen_and_zero_where_nobody_uses_it(used: str) -> None:
    model, rng = Last(used), np.random.default_rng(0)
    x = rng.standard_normal((4, 5, 3))
    with torch.no_grad():
        shape = model(torch.from_numpy(x)).shape
    d_output = rng.standard_normal(tuple(shape))
    with tap_torch(model) as trace:
        run_torch(model, (x,), d_output)
    seen: Any = trace.by_key()["lstm", 0].d_output
    assert isinstance(seen, outputs.LongShort)
    for name, value in seen._asdict().items():
        assert np.array_equal(value, d_output if name == used else np.zeros_like(value))


def test_the_parts_come_back_in_torch_s_form() -> None:
    for value in ((1, 2), (1, (2, 3)), 4):
        assert outputs.nested(outputs.flat(value)) == value


@pytest.mark.parametrize("given", [None, (None, None), (None, (None, None))])
def test_what_nobody_uses_has_a_gradient_of_zero(given: Any) -> None:
    like = outputs.LongShort(*(np.ones(n) for n in (1, 2, 3)))
    found = outputs.filled(outputs.flat(given), like)
    assert [value.tolist() for value in found] == [[0.0], [0.0, 0.0], [0.0, 0.0, 0.0]]
