"""ONNX's operator tests held against scratch, forward, in both precisions.

What must come out is given in float32, rounded by whoever computed it. So scratch in float32 is
allowed the bound of two implementations of equal precision, and scratch in float64 that of one.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np
import torch

import ref_torch.nn
from parity_tests.harness import bounds, outputs
from parity_tests.harness.compare import compare
from parity_tests.harness.judges import onnx_data, tally
from parity_tests.harness.judges.onnx_data import Node
from parity_tests.harness.judges.onnx_forms import FORMS, trials
from parity_tests.harness.judges.onnx_trial import Trial
from parity_tests.harness.judges.tally import Case, Fate, LeftOutError, refusal
from parity_tests.harness.local import as_check
from parity_tests.harness.rows import units
from parity_tests.harness.run import cast, is_buffer, run_torch
from parity_tests.harness.runner import protected
from parity_tests.harness.verdict import Check
from scratch import nn
from scratch.ops import activation

Array = np.ndarray[Any, np.dtype[Any]]

DTYPES = ("float32", "float64")


class LogSoftmax(nn.Module):
    """The logarithm of a softmax, which scratch has as an operation inside its loss."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Array) -> Array:
        """Map any shape to itself."""
        return activation.log_softmax(input, self.dim)[0]


def run() -> tuple[list[Case], int]:
    """Judge every test of an operator that scratch has.

    Returns:
        The cases, and how many tests of other operators there are.
    """
    nodes = list(onnx_data.nodes())
    known = [node for node in nodes if node.operator in FORMS]
    return [judged(node) for node in known], len(nodes) - len(known)


def judged(node: Node) -> Case:
    """Judge one test."""
    case = f"onnx {node.collection}", node.operator, node.name
    try:
        made = trials(node)
    except LeftOutError as error:
        return Case(*case, Fate.LEFT_OUT, str(error))
    checks: list[Check] = []
    for trial in made:
        said = refusal(partial(_forward, trial, "float64"))
        fate = tally.of_refusal(*case, said, trial.refused)
        if fate is not None:
            return fate
        checks += protected("", node.name, 0, partial(_checks, node.name, trial))
    return tally.of_checks(*case, checks)


def _checks(name: str, trial: Trial) -> list[Check]:
    row = _units(trial)
    checks = []
    for dtype in DTYPES:
        found = _forward(trial, dtype)
        sides = 2 if dtype == "float32" else 1
        for tensor, want in trial.outputs.items():
            # The expected numbers are float32: it is their rounding that both lanes allow for.
            limit = bounds.tolerance(row[tensor], "float32", sides)
            made = compare(found[tensor], want, limit, dtype=dtype)
            checks.append(as_check(made, "", name, trial.layer, tensor, f"scratch {dtype}"))
    return checks


def _forward(trial: Trial, dtype: str) -> dict[str, Array]:
    """Return the outputs of scratch's layer, and its buffers after it."""
    if trial.layer == "LogSoftmax":
        module: nn.Module = LogSoftmax(**trial.arguments)
    else:
        module = getattr(nn, trial.layer)(**trial.arguments)
    if trial.state:
        module.load_state_dict(dict(trial.state))
    if isinstance(module, nn.Dropout):
        module.mask = trial.mask
    module.astype(np.dtype(dtype)).train(trial.training)
    with nn.inference():
        output = outputs.call(module, cast(trial.inputs, dtype))
    buffers = {name: np.asarray(v) for name, v in module.named_buffers() if is_buffer(name)}
    return {**outputs.named("output", outputs.each(np.asarray, output)), **buffers}


def _units(trial: Trial) -> dict[str, Array]:
    """Return the bound of every tensor: that of torch's layer in float64, by the harness's rows."""
    owner = ref_torch.nn if hasattr(ref_torch.nn, trial.layer) else torch.nn
    arguments = {
        name: torch.from_numpy(np.array(value, np.float64))
        if isinstance(value, np.ndarray)
        else value
        for name, value in trial.arguments.items()
    }
    module = getattr(owner, trial.layer)(**arguments).double().train(trial.training)
    if trial.state:
        module.load_state_dict({n: torch.from_numpy(np.array(v)) for n, v in trial.state.items()})
    inputs = cast(trial.inputs, np.float64)
    if trial.layer == "LogSoftmax":
        return {"output": _log_softmax(inputs[0], module.dim)}
    with torch.no_grad():
        given = tuple(torch.from_numpy(np.array(value)) for value in inputs)
        output = outputs.call(copy.deepcopy(module), given)  # forward moves running statistics
    d_output = outputs.each(lambda value: np.ones(tuple(value.shape)), output)
    row = units(module, inputs, d_output, run_torch(module, inputs, d_output))
    assert row is not None
    return row


def _log_softmax(x: Array, axis: int) -> Array:
    """Return the units of a logarithm of a softmax: those of the terms of a cross-entropy."""
    last = np.moveaxis(x, axis, -1)
    classes = last.shape[-1]
    terms = bounds.cross_entropy_term(last.reshape(-1, classes)).reshape(*last.shape[:-1], 1)
    factor = bounds.TRANSCENDENTAL + bounds.c(classes)
    return np.moveaxis(np.broadcast_to(factor * terms, last.shape), -1, axis)
