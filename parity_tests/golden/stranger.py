"""The NumPy twin in the role of a stranger: it knows a golden set's tensors and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness import outputs
from parity_tests.harness.golden.manifest import Manifest
from parity_tests.harness.golden.names import of_fields
from parity_tests.harness.pair import exact_arguments, freeze_norms
from parity_tests.harness.trace import tap_scratch
from scratch import nn, spec
from scratch.build import construct
from scratch.penalty import Penalty
from scratch.train import build_loss, build_optimizer

Array = np.ndarray[Any, np.dtype[Any]]
Arrays = dict[str, Array]


def run(manifest: Manifest, given: Mapping[str, Array], set_name: str, dtype: str) -> Arrays:
    """Return every tensor that scratch makes of what is given in a golden set.

    Args:
        manifest: of the golden folder.
        given: arrays of the set; only those of the phase "given" are read.
        set_name: "real" or "exact".
        dtype: precision in which scratch computes.
    """
    one = manifest.find(set_name)
    chapter = spec.get(manifest.chapter, manifest.size)
    model = construct(chapter, **(exact_arguments(chapter) if set_name == "exact" else {}))
    state: Arrays = {}
    found: Arrays = {}
    for tensor in one.tensors:
        if tensor.role in ("parameter", "buffer"):
            state[tensor.name.partition(".")[2]] = given[tensor.name]
    model.astype(np.dtype(dtype)).load_state_dict(
        {name: v.astype(dtype) if v.dtype.kind == "f" else v for name, v in state.items()}
    )
    for path, module in model.named_modules():
        if isinstance(module, nn.Dropout):
            module.mask = given[f"mask.{path}"].astype(bool)
    x = given["input"].astype(dtype)
    if set_name == "exact":
        freeze_norms(model)
        found |= _once(model, x, given, dtype)
        return found
    plan = chapter.train
    criterion, optimizer = build_loss(plan), build_optimizer(plan, model)
    charge = Penalty(model.parameters(), plan.l1, plan.l2)
    target = given["target"]
    target = target.astype(dtype) if target.dtype.kind == "f" else target
    for _ in range(manifest.training["steps"]):
        model.zero_grad()
        with tap_scratch(model) as trace:
            loss = criterion(model(x), target)
            dx = model.backward(criterion.backward(1.0))
        if plan.l1 or plan.l2:
            loss = loss + charge.value(len(x))
            charge.backward(len(x))
        if not found:
            found = _named(model, trace, dx) | {"loss": np.asarray(loss, dtype)}
        optimizer.step()
    return found | {f"updated.{name}": value for name, value in model.state_dict().items()}


def _once(model: nn.Module, x: Array, given: Mapping[str, Array], dtype: str) -> Arrays:
    model.zero_grad()
    with tap_scratch(model) as trace:
        output = model(x)
        names = of_fields("cotangent", trace.visits[-1], output)
        d_output = outputs.like(output, tuple(given[name].astype(dtype) for name in names))
        dx = model.backward(d_output)
    return _named(model, trace, dx)


def _named(model: nn.Module, trace: Any, dx: Array) -> Arrays:
    found: Arrays = {"d_input": dx}
    for visit in trace.visits:
        found |= of_fields("activation", visit, visit.output)
        found |= of_fields("cotangent", visit, visit.d_output)
    for name, parameter in model.named_parameters():
        found[f"gradient.{name}"] = parameter.grad.copy()
    return found
