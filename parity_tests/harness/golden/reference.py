"""The reference's run: K optimiser steps on one batch, every module tapped."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from parity_tests.harness import outputs
from parity_tests.harness.pair import Pair
from parity_tests.harness.run import cast, run_torch
from parity_tests.harness.trace import Trace, tap_torch
from ref_torch.optim import build_loss, build_optimizer
from ref_torch.penalty import penalty
from scratch.spec.schema import Train

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Run:
    """What a network made of one batch.

    Attributes:
        trace: of the first step.
        output: of the first step; a NamedTuple of several.
        loss: of the first step, with the penalties; None without a loss.
        d_input: gradient of the input in the first step; None of indices, which have none.
        gradients: of every parameter in the first step.
        updated: parameters and running statistics after the last step, by name.
        traces: of all steps.
    """

    trace: Trace
    output: Any
    loss: Array | None
    d_input: Array | None
    gradients: dict[str, Array]
    updated: dict[str, Array]
    traces: tuple[Trace, ...]


def train(pair: Pair, plan: Train, target: Array, steps: int, dtype: str, roll: int = 0) -> Run:
    """Make `steps` steps on the pair's batch with the chapter's loss, penalties and optimiser.

    Args:
        pair: gives the network, its weights and the batch.
        plan: the chapter's training; no schedule is applied.
        target: of every sample.
        steps: K, at least 1.
        dtype: "float64" for the truth, "float32" to see what torch itself loses.
        roll: rotates the rows of the batch, which changes rounding and nothing else.
    """
    model = pair.torch_as(dtype)
    optimizer = build_optimizer(plan, model.parameters())
    criterion = build_loss(plan)
    x = torch.from_numpy(np.roll(pair.inputs[0], roll, 0).astype(dtype)).requires_grad_(True)
    target = np.roll(target, roll, 0)
    wanted = target.astype(dtype) if target.dtype.kind == "f" else target
    runs: list[Run] = []
    for _ in range(steps):
        optimizer.zero_grad()
        x.grad = None
        with tap_torch(model) as trace:
            output = model(x)
            loss = criterion(output, torch.from_numpy(wanted))
            if plan.l1 or plan.l2:
                loss = loss + penalty(model, plan.l1, plan.l2, len(x))
            loss.backward()
        gradients = {name: _array(p.grad) for name, p in model.named_parameters()}
        made = outputs.each(_array, output)
        runs.append(Run(trace, made, _array(loss), _array(x.grad), gradients, {}, ()))
        optimizer.step()
    first = runs[0]
    after = {name: _array(value) for name, value in model.state_dict().items()}
    traces = tuple(run.trace for run in runs)
    return Run(first.trace, first.output, first.loss, first.d_input, first.gradients, after, traces)


def self_gaps(pair: Pair, plan: Train, target: Array, steps: int, truth: Run) -> dict[str, float]:
    """Return how far torch's updated values leave themselves when the rows change places.

    An optimiser may magnify rounding: Adam divides by gradients, however small they are.

    Args:
        pair: as in `train`, like all but the last.
        plan: the chapter's training.
        target: of every sample.
        steps: K.
        truth: the run in float64 with the rows as they are.

    Returns:
        The largest absolute gap under any rotation, by name.
    """
    gaps = dict.fromkeys(truth.updated, 0.0)
    for roll in range(1, len(target)):
        other = train(pair, plan, target, steps, "float64", roll)
        for name, want in truth.updated.items():
            gap = float(np.abs(other.updated[name] - want).max(initial=0.0))
            gaps[name] = max(gaps[name], gap)
    return gaps


def once(pair: Pair, dtype: str) -> Run:
    """Run forward and backward from the pair's own cotangent, without a loss or a step."""
    model = pair.torch_as(dtype)
    with tap_torch(model) as trace:
        found = run_torch(model, cast(pair.inputs, dtype), pair.d_output)  # labels stay whole
    d_input = found.dx[0] if found.dx else None
    return Run(trace, found.output, None, d_input, found.gradients, {}, (trace,))


def modules(pair: Pair) -> dict[str, torch.nn.Module]:
    """Return a copy of the reference's modules by path, in float64."""
    return dict(copy.deepcopy(pair.torch).named_modules())


def _array(value: Any) -> Array:
    return np.array(value.detach().numpy())
