"""However many steps one product takes, the gradients of recurrent weights are the same."""

from __future__ import annotations

import pytest

from parity_tests.numeric.ops_case import Case, cotangent
from parity_tests.numeric.ops_cases import EVERY
from parity_tests.numeric.tolerance import assert_close
from scratch.ops import recurrence

RECURRENT = [case for case in EVERY if case.op in ("rnn", "lstm", "gru")]


@pytest.mark.parametrize("case", RECURRENT, ids=lambda case: case.id)
def test_gradients_do_not_depend_on_how_many_steps_a_product_takes(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = case.arrays(1, "float64")
    y, cache = case.forward(*arrays)
    dy = cotangent(y, 2)
    together = case.backward(dy, cache)
    x = arrays[0]
    assert x is not None
    steps, samples, _ = x.shape
    assert steps * samples <= recurrence.SAMPLES
    for at_once in range(1, steps):  # a divisor of the steps, and others that leave a rest
        monkeypatch.setattr(recurrence, "SAMPLES", at_once * samples)
        for one, all_steps in zip(case.backward(dy, cache), together, strict=True):
            assert (one is None) == (all_steps is None)
            if one is not None:
                assert_close(one, all_steps)
