"""Mistakes in the optimiser's first step: epsilon and bias correction of Adam, Nesterov, decay."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from parity_tests.harness.golden.manifest import STEP, Tensor

if TYPE_CHECKING:
    from parity_tests.harness.golden.causes import Evidence, Guess

Array = np.ndarray[Any, np.dtype[Any]]

ADAM = {"betas": (0.9, 0.999), "eps": 1e-8}


def guesses(evidence: Evidence, tensor: Tensor) -> Iterator[Guess]:
    """Yield wrong parameters after one step; further steps are not recomputed."""
    name = tensor.name.removeprefix("updated.")
    p, g = evidence.get(f"parameter.{name}"), evidence.get(f"gradient.{name}")
    for call in evidence.set.calls:
        if call.path != STEP or call.options["steps"] != 1 or p is None or g is None:
            continue
        lr, decay = float(call.options["lr"]), float(call.options.get("weight_decay", 0.0))
        if call.kind == "SGD":
            momentum = float(call.options.get("momentum", 0.0))
            yield "the gradient is not multiplied by the learning rate", p - (g + decay * p)
            if momentum:
                whole = g + decay * p
                yield "the step looks ahead (Nesterov)", p - lr * (1 + momentum) * whole
                yield "the gradient is damped by 1 - momentum", p - lr * (1 - momentum) * whole
            if decay:
                yield "the weight decay is left out", p - lr * g
        if call.kind in ("Adam", "AdamW"):
            yield from _adam(p, g, lr, {**ADAM, **call.options})


def _adam(p: Array, g: Array, lr: float, options: dict[str, Any]) -> Iterator[Guess]:
    (b1, b2), eps = options["betas"], float(options["eps"])
    size = np.abs(g)
    share = math.sqrt(1 - b2)
    yield "epsilon is added before the bias correction", p - lr * g / (size + eps / share)
    yield "epsilon is inside the root", p - lr * g / np.sqrt(size * size + eps)
    yield (
        "the bias correction is left out",
        p - lr * (1 - b1) * g / (share * size + eps),
    )
    yield "the first moment's bias correction is left out", p - lr * (1 - b1) * g / (size + eps)
    yield "the second moment's bias correction is left out", p - lr * g / (share * size + eps)
