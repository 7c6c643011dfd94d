"""Which chapters the usual tests take, and at which size.

Networks of millions of numbers are built at full size by `make test-full` only. Of networks that
differ in depth alone, VGG-11 to VGG-19 say, or in the kind of their recurrent cell, the first
stands for the family in tests that take long; its siblings pass every level once, and everything in
`make test-long`.
"""

from __future__ import annotations

from typing import Any

import pytest

from parity_tests.harness.case import RECURRENT
from parity_tests.harness.traits import is_convolutional, is_deep
from scratch import spec
from scratch.build import construct

LARGE = 1_000_000  # trainable numbers


_TINY = {id: construct(spec.get(id, "tiny")) for id in spec.ids()}


def _siblings() -> tuple[str, ...]:
    """Return the chapters whose model is made of the same classes as an earlier, deep one's.

    Recurrent layers count as one class: each has tests of its own.
    """
    families, found = set(), []
    for id, network in _TINY.items():
        chapter = spec.get(id, "tiny")
        kinds = {type(module).__name__ for _, module in network.named_modules()}
        recurrent = not kinds.isdisjoint(RECURRENT)
        family = (chapter.file, chapter.model, *sorted(kinds.difference(RECURRENT)))
        if family in families and (recurrent or is_deep(network.state_dict())):
            found.append(id)
        families.add(family)
    return tuple(found)


SMALL_IDS = tuple(id for id in spec.ids() if spec.get(id).facts.parameters < LARGE)
LARGE_IDS = tuple(id for id in spec.ids() if id not in SMALL_IDS)
SIBLING_IDS = _siblings()
CONVOLUTIONAL_IDS = tuple(id for id, network in _TINY.items() if is_convolutional(network))
DEEP_IDS = tuple(id for id, network in _TINY.items() if is_deep(network.state_dict()))


def _usual(id: str, *more: Any) -> Any:
    return pytest.param(id, *more, marks=[pytest.mark.long] if id in SIBLING_IDS else [])


IDS = tuple(_usual(id) for id in spec.ids())
EVERY_SIZE = tuple(
    _usual(id, size)
    for size in spec.SIZES
    for id in spec.ids()
    if size == "tiny" or id in SMALL_IDS
)
