"""L3 on another device: torch float32 there against torch float64 on the CPU, layer by layer.

TF32 rounds the operands of matrix products and convolutions to ten bits, which is no wrong logic:
such layers get the verdict PRECISION-PATH.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch

from parity_tests.harness import outputs
from parity_tests.harness.local import judge, reach, tolerances
from parity_tests.harness.pair import Pair
from parity_tests.harness.precision import precision_path
from parity_tests.harness.run import cast, run_torch
from parity_tests.harness.verdict import Check
from parity_tests.harness.visits import places, reference_trace

LEVEL = "L3"


@contextlib.contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 in matrix products and in cuDNN's convolutions inside this block."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def run(pair: Pair, device: str) -> list[Check]:
    """Judge every layer of the torch twin on `device`.

    Args:
        pair: real-valued weights and inputs, representable in float32.
        device: "cuda", or "cpu" to try the level itself.
    """
    checks = []
    moved = dict(pair.torch_as("float32").to(device).named_modules())
    for place in places(pair, reference_trace(pair), "float32"):
        if not place.leaf or place.visit.d_output is None:
            continue
        narrow = cast(place.visit.inputs, "float32")
        d_narrow = outputs.cast(place.visit.d_output, "float32")
        wide, d_wide = cast(narrow, np.float64), outputs.cast(d_narrow, np.float64)
        truth = run_torch(place.torch, wide, d_wide)
        found = run_torch(moved[place.path], narrow, d_narrow, device)
        limits = tolerances(place.torch, wide, d_wide, truth, "float32", 1)
        judged = judge(
            LEVEL,
            pair.subject,
            place.path,
            f"torch {device} float32",
            found,
            truth,
            limits,
            reach(place.torch, wide, d_wide),
            "float32",
        )
        checks += precision_path(judged, place, narrow, d_narrow, found, found, limits)
    return checks
