"""Every layer, on whatever chance draws: 50 draws that are always the same, 500 new ones in `long`.

A failure is shrunk, written as a golden folder below runs/failures, and named with the command
that runs it again.
"""

from __future__ import annotations

import pytest

from parity_tests.harness import failures
from parity_tests.properties.hold import CI, LONG, hold
from parity_tests.properties.strategies import CASES, drawn

EVERY = pytest.mark.parametrize("name", CASES)


def _hold(name: str, examples: int) -> None:
    count = hold(drawn(CASES[name]), examples, failures.FOLDER)
    assert count.drawn >= examples * 0.8  # a setting with few choices has fewer draws
    assert count.judged >= count.drawn * 0.9


# What torch says about its own padding.
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@EVERY
def test_whatever_is_drawn(name: str) -> None:
    _hold(name, CI)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@EVERY
def test_whatever_is_drawn_anew(name: str) -> None:
    _hold(name, LONG)
