"""L0: arithmetic that cannot round, so the difference must be zero.

Weights are sparse +-1, biases, inputs and cotangents small integers. As long as every sum of
absolute terms, counted in units of the largest power of two that divides all of them, stays below
2^24, float32 and float64 give the same bits in any order of summation, on any library. That limits
the depth: a DenseNet of 29 layers with weights and ResNet-20 are the deepest that every seed finds
a draw for (`parity_tests/models/test_exact_depth.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from parity_tests.harness import bounds, kinks, onnx_layer, outputs, rows_winograd, usage
from parity_tests.harness.compare import compare
from parity_tests.harness.exact_norm import fixed_norm_terms
from parity_tests.harness.levels.known import Earlier
from parity_tests.harness.local import as_check, judge, reach, silent
from parity_tests.harness.pair import Pair
from parity_tests.harness.rows import magnitudes
from parity_tests.harness.run import BrokenError, Result, cast, run_scratch, run_torch
from parity_tests.harness.verdict import Check, Verdict
from parity_tests.harness.visits import Place, broken, places, reference_trace

Array = np.ndarray[Any, np.dtype[Any]]

LEVEL = "L0"
WIDE = "scratch float64"
ROUNDS = "sums reach"  # of the note that a tensor is not proven exact
QUARTER = 0.25  # the smallest entry of Winograd's transforms for tiles of two
LINEAR = ("Linear", "Conv2d", "TableConv2d", "ChannelScale", "AvgPool2d", "AdaptiveAvgPool2d")


def run(pair: Pair, earlier: Earlier | None = None) -> list[Check]:
    """Compare scratch float32 and float64, torch float32 and ONNX Runtime with torch float64.

    Args:
        pair: integer weights and inputs (`of_chapter(..., exact=True)`).
        earlier: keeps what is found, or stands for what a change of one module does not touch.

    Returns:
        One check per module, tensor and engine. Where exactness is not proven nothing is judged,
        and MISTRUSTED checks say where.
    """
    trace = reference_trace(pair)
    checks = kinks.one_armed(pair, trace, LEVEL)
    proven = earlier is not None and earlier.proven
    rounding = [
        check
        for place in (() if proven else places(pair, trace, "float64"))
        for check in _proof(pair, place)
    ]
    if rounding:  # where the reference may round, a difference accuses nobody
        return checks + rounding
    wide: list[Check] = []
    narrow_places = places(pair, trace, "float32")
    for narrow, place in zip(narrow_places, places(pair, trace, "float64"), strict=True):
        anew = functools.partial(_call, pair, narrow, place)
        key = place.path, place.visit.call, "both"
        of_call = earlier.place(*key, anew) if earlier else anew()
        checks += [check for check in of_call if not check.engine.startswith(WIDE)]
        wide += [check for check in of_call if check.engine.startswith(WIDE)]
    return checks + wide


def one_armed(pair: Pair) -> list[Check]:
    """Return a MISTRUSTED check for every rectifier that these integers open, or shut, everywhere.

    `run` returns them too, after all its work. Who draws anew for such a check asks for it first.
    """
    return kinks.one_armed(pair, reference_trace(pair), LEVEL)


def _call(pair: Pair, narrow: Place, place: Place) -> list[Check]:
    """Judge one call of one module in both precisions."""
    inputs, d_output = place.visit.inputs, place.visit.d_output
    truth = run_torch(place.torch, inputs, d_output)
    names = truth.tensors()
    can = reach(place.torch, inputs, d_output) if place.leaf else dict.fromkeys(names, 0)
    checks = _place(pair, narrow, "float32", truth, can)
    return checks + _place(pair, place, "float64", truth, can)


def _place(
    pair: Pair, place: Place, dtype: str, truth: Result, can: Mapping[str, int]
) -> list[Check]:
    inputs, d_output = place.visit.inputs, place.visit.d_output
    assert d_output is not None
    zero = dict.fromkeys(truth.tensors(), 0.0)
    narrow, d_narrow = cast(inputs, dtype), outputs.cast(d_output, dtype)
    try:
        found = run_scratch(place.scratch, narrow, d_narrow)
    except BrokenError as error:
        return broken(LEVEL, pair, place.path, dtype, error, truth, zero)
    common = (LEVEL, pair.subject, place.path)
    checks = judge(*common, f"scratch {dtype}", found, truth, zero, can, dtype)
    used = (*common, place.scratch, narrow, d_narrow)
    if place.leaf:
        checks += usage.relaid(*used, found, zero)
    checks += usage.twice(*used, found)
    checks += usage.own_mask(*used)
    if dtype == "float32":
        other = run_torch(place.peer, narrow, d_narrow)
        checks += judge(*common, "torch float32", other, truth, zero, can, dtype)
        checks += _onnx(pair, place, narrow, truth)
    return checks


def _onnx(pair: Pair, place: Place, inputs: tuple[Array, ...], truth: Result) -> list[Check]:
    """Hold ONNX Runtime's forward of the layer's hand-written node against the truth."""
    output = onnx_layer.forward(place.peer, inputs) if place.leaf else None
    if output is None:
        return []
    can = 0 if silent(place.torch) else None
    made, want = (outputs.named("output", value) for value in (output, truth.output))
    checks = []
    for name, value in made.items():
        found = compare(value, want[name], 0.0, dtype="float32", reach=can)
        checks.append(
            as_check(found, LEVEL, pair.subject, place.path, name, "ONNX Runtime float32")
        )
    return checks


def power_of_two(values: Array) -> float:
    """Return the largest power of two that divides every entry; 1 if all are zero.

    >>> power_of_two(np.array([3.0, 0.75])), power_of_two(np.array([8.0, 24.0]))
    (0.25, 8.0)
    """
    nonzero = np.asarray(values, dtype=np.float64)[np.asarray(values) != 0]
    if nonzero.size == 0:
        return 1.0
    mantissa, exponent = np.frexp(np.abs(nonzero))
    whole = (mantissa * 2.0**53).astype(np.int64)
    low = whole & -whole
    return float(np.ldexp(low.astype(np.float64), exponent - 53).min())


def _proof(pair: Pair, place: Place) -> list[Check]:
    """MISTRUSTED checks for every tensor whose exactness is not guaranteed."""
    inputs, d_output = place.visit.inputs, place.visit.d_output
    assert d_output is not None
    kind = type(place.torch).__name__
    tile = getattr(place.torch, "tile", 0)
    if tile:
        sums = rows_winograd.largest_sums(place.torch, inputs, d_output, tile)
        grain = {n: g * QUARTER for n, g in _grains(place, d_output, kind).items()}
    elif kind in LINEAR:
        sums = magnitudes(place.torch, inputs, d_output).tensors()
        grain = _grains(place, d_output, kind)
    elif kind in ("Powers", "RNN", "Embedding"):
        sums = magnitudes(place.torch, inputs, d_output).tensors()
        grain = dict.fromkeys(sums, _grain_of_integers(place.torch, (*inputs, d_output)))
    elif kind == "Affine":
        sums, grain = _affine_terms(place.torch, inputs[0], d_output)
    elif kind in ("Add", "Multiply"):
        sums = magnitudes(place.torch, inputs, d_output).tensors()
        a, b = map(power_of_two, inputs)
        grain = _grains_of_two(kind, a, b, power_of_two(d_output))
    elif kind.startswith("BatchNorm"):
        sums, grain = fixed_norm_terms(place.torch, inputs[0], d_output, power_of_two)
    else:
        sums = run_torch(place.torch, inputs, d_output).tensors()
        grain = {name: power_of_two(value) for name, value in sums.items()}
    checks = []
    for name, value in sums.items():
        largest = float(np.abs(value).max(initial=0.0)) / grain[name]
        if largest >= bounds.EXACT_LIMIT:
            checks.append(
                Check(
                    LEVEL,
                    pair.subject,
                    place.path,
                    "forward" if outputs.without_field(name) == "output" else "backward",
                    name,
                    "torch float64",
                    Verdict.MISTRUSTED,
                    note=f"{ROUNDS} 2^{np.log2(largest):.1f} units, 2^24 are exact",
                )
            )
    return checks


def _grain_of_integers(layer: Any, given: tuple[Any, ...]) -> float:
    """Return 1 if all numbers are integers, so that products are; else what proves nothing."""
    parameters = [value.detach().numpy() for value in layer.parameters()]
    smallest = min(map(power_of_two, (*outputs.leaves(given), *parameters)))
    return 1.0 if smallest >= 1 else np.finfo(np.float64).tiny


def _grains(place: Place, d_output: Array, kind: str) -> dict[str, float]:
    """Largest power of two that divides every term of each sum."""
    x, dy = power_of_two(place.visit.inputs[0]), power_of_two(d_output)
    parameters = {
        name: power_of_two(value.detach().numpy()) for name, value in place.torch.named_parameters()
    }
    if kind in ("AvgPool2d", "AdaptiveAvgPool2d"):
        # Means over 2^k values: the terms are x / 2^k and dy / 2^k.
        factor = min(power_of_two(np.asarray(1.0 / _window(place))), 1.0)
        return {"output": x * factor, "dx": dy * factor}
    weight = parameters["weight"]
    return {
        "output": min(x * weight, parameters.get("bias", x * weight)),
        "dx": dy * weight,
        "weight": dy * x,
        "bias": dy,
    }


def _affine_terms(layer: Any, x: Array, dy: Array) -> tuple[dict[str, Array], dict[str, float]]:
    """Sums of absolute terms of scale x + shift, and what divides every term."""
    scale, shift = (power_of_two(np.asarray(v)) for v in (layer.scale, layer.shift))
    product = power_of_two(x) * scale
    return {
        "output": np.abs(layer.scale * x) + abs(layer.shift),
        "dx": np.abs(layer.scale * dy),
    }, {
        "output": min(product, shift) if layer.shift else product,
        "dx": power_of_two(dy) * scale,
    }


def _grains_of_two(kind: str, a: float, b: float, dy: float) -> dict[str, float]:
    """Largest power of two that divides every term of a sum, or a product, of two inputs."""
    if kind == "Add":
        return {"output": min(a, b), "dx0": dy, "dx1": dy}
    return {"output": a * b, "dx0": dy * b, "dx1": dy * a}


def _window(place: Place) -> int:
    x, y = place.visit.inputs[0].shape, place.visit.output.shape
    layer: Any = place.torch
    kernel = getattr(layer, "kernel_size", None)
    if kernel is None:
        return (x[2] // y[2]) * (x[3] // y[3])
    if layer.divisor_override:
        return int(layer.divisor_override)
    return int(np.prod((kernel, kernel) if isinstance(kernel, int) else kernel))
