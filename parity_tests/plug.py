"""Hold an implementation of your own against a chapter, or against any torch module, in ten lines.

Write one function: it is given the input, the parameters and either the target or the cotangent of
the output, and returns what it computed, by name: "output", "d_input", "gradient.weight",
"activation.layers.fc1", "cotangent.layers.fc1", "loss", "updated.layers.fc1.weight", ... A part is
enough; the more you return, the more precisely a mistake is placed.

    from parity_tests.plug import check

    def mine(given):
        x, weight, dy = given["input"], given["parameter.weight"], given["d_output"]
        y = x @ weight.T + given["parameter.bias"]
        return {"output": y, "d_input": dy @ weight, "gradient.weight": dy.T @ x}

    def test_my_layer():
        check(mine, torch.nn.Linear(3, 2), shape=(5, 3))

    def test_my_network():
        check(my_network, "mlp_mnist")

With `pytest_plugins = ["parity_tests.plug"]` in a conftest.py, `check` is the fixture `parity`.
NumPy arrays go in and come out; whatever computes in between may be JAX, C or anything else. What
is given cannot be written into. The network runs several times, on real and on integer numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import torch

    from parity_tests.harness.golden.judge import Report

Array = np.ndarray[Any, np.dtype[Any]]
Given = Mapping[str, Array]
Mine = Callable[[Given], Mapping[str, Any]]


class DivergenceError(AssertionError):
    """An implementation left its bounds.

    Attributes:
        reports: the verdicts on every set that was run.
    """

    def __init__(self, message: str, reports: list[Report]) -> None:
        super().__init__(message)
        self.reports = reports


def check(
    mine: Mine,
    reference: str | torch.nn.Module,
    *,
    shape: tuple[int, ...] | None = None,
    dtype: str = "float64",
    size: str = "tiny",
    steps: int = 1,
    seed: int = 0,
) -> list[Report]:
    """Run `mine` on what a reference is given and compare all that it returns.

    Args:
        mine: takes the given arrays by name and returns its own by name.
        reference: a chapter's id, or a torch module with one input; a module is not changed, and
            keeps its mode (training or evaluation).
        shape: of the input of a module, with the batch.
        dtype: precision in which `mine` is given numbers and computes, "float64" or "float32".
        size: of a chapter, "tiny" or "full".
        steps: optimiser steps of a chapter.
        seed: of a module's weights, input and cotangent.

    Returns:
        A report on the real set and, where the network can be computed without rounding, on an
        integer set, which alone shows what happens at kinks and ties.

    Raises:
        DivergenceError: a tensor is outside its bound; the message names the first one in the
            order of execution and, where a known mistake fits, its cause.
        ValueError: a module without a shape, or no returned name is known.

    >>> import torch
    >>> def mine(given):
    ...     x, weight = given["input"], given["parameter.weight"]
    ...     return {"output": x @ weight.T + given["parameter.bias"]}
    >>> [report.set for report in check(mine, torch.nn.Linear(3, 2), shape=(5, 3))]
    ['real', 'exact']
    """
    from parity_tests.harness.golden import content, module, table
    from parity_tests.harness.golden.judge import judge

    if isinstance(reference, str):
        manifest, arrays = content.make(reference, size, dtype, steps)
        both = [(one, arrays[one.name]) for one in manifest.sets]
    elif shape is None:
        raise ValueError("a torch module needs the shape of its input, with the batch")
    else:
        both = module.sets_of(reference, shape, dtype, seed)
    reports = []
    for one, values in both:
        given = {t.name: _frozen(values[t.name]) for t in one.tensors if t.phase == "given"}
        found = {name: np.asarray(value) for name, value in mine(given).items()}
        reports.append(judge(one, values, found, dtype))
    if not any(report.given for report in reports):
        known = ", ".join(t.name for t in both[0][0].tensors if t.phase != "given")
        raise ValueError(f"no returned name is known; known: {known}")
    if any(report.first or report.unknown for report in reports):
        lines = [line for one in reports for line in (*table.verdict_lines(one),)]
        lines += [line for one in reports for line in table.warnings(one)]
        raise DivergenceError("\n".join(lines), reports)
    return reports


def _frozen(value: Array) -> Array:
    view = value.view()
    view.flags.writeable = False
    return view


@pytest.fixture
def parity() -> Callable[..., list[Report]]:
    """Return `check`, for tests that take it as an argument."""
    return check
