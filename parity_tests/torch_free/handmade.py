"""A golden set of one linear layer made by hand, where there is no reference to ask."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.golden import formats
from parity_tests.harness.golden.manifest import (
    BACKWARD,
    FORWARD,
    GIVEN,
    Bound,
    Call,
    Manifest,
    Set,
    Tensor,
)

Array = np.ndarray[Any, np.dtype[Any]]


def arrays() -> dict[str, Array]:
    """Return y = x W^T + b with its gradients; 4 samples, 3 inputs, 2 outputs."""
    rng = np.random.default_rng(0)
    x, weight, bias, dy = (rng.standard_normal(shape) for shape in ((4, 3), (2, 3), (2,), (4, 2)))
    return {
        "input": x,
        "parameter.fc.weight": weight,
        "parameter.fc.bias": bias,
        "activation.fc": x @ weight.T + bias,
        "output": x @ weight.T + bias,
        "d_output": dy,
        "cotangent.fc": dy,
        "gradient.fc.weight": dy.T @ x,
        "gradient.fc.bias": dy.sum(0),
        "d_input": dy @ weight,
    }


def golden(format: str = "npz") -> tuple[Manifest, dict[str, dict[str, Array]]]:
    """Return a manifest with one set, and its arrays."""
    tensors = []
    for name, value in arrays().items():
        role = name.partition(".")[0].removeprefix("d_")
        phase = BACKWARD if role in ("cotangent", "gradient") or name == "d_input" else FORWARD
        phase = GIVEN if role == "parameter" or name in ("input", "d_output") else phase
        bound = Bound(0.0 if phase == GIVEN else 1e-13, "by hand")
        tensors.append(
            Tensor(
                name,
                role,
                phase,
                "fc" if ".fc" in name else "",
                value.shape,
                "float64",
                formats.digest(value),
                float(value.min()),
                float(value.max()),
                int(np.count_nonzero(value)),
                {"float64": bound, "float32": Bound(1e-5, "by hand")},
                {"float64": Bound(1e-15, "its own")} if phase == FORWARD else {},
                symbol=formats.symbol("real", name),
            )
        )
    call = Call(
        "fc",
        "Linear",
        {"training": True},
        ("input",),
        "activation.fc",
        "cotangent.fc",
        ("weight", "bias"),
    )
    one = Set("real", "by hand", 0, tuple(tensors), (call,))
    manifest = Manifest("handmade", "tiny", "float64", format, {}, {"steps": 0}, {}, (one,))
    return manifest, {"real": arrays()}
