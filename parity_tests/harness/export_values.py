"""The numbers of a bundle: every engine against the float64 truth, on random and real inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.harness import engines, goldens
from parity_tests.harness.bounds import end_to_end, whole
from parity_tests.harness.engines import Run
from parity_tests.harness.export_checks import guarded, measured, told
from parity_tests.harness.inputs import sized
from parity_tests.harness.verdict import Check
from scratch import spec
from scratch.data.preprocess import apply
from scratch.deploy.answer import labels
from scratch.deploy.schema import BATCHES, MODEL, Bundle

Array = np.ndarray[Any, np.dtype[Any]]

SEEDS = 5
CALIBRATOR = "torch float32"  # its own error sets the bound of the others


def values(bundle: Bundle, folder: Path) -> list[Check]:
    """Check the goldens themselves, then every engine on them and on random inputs."""
    state = engines.weights(folder)
    truth = engines.torch_run(bundle, state, "float64")
    makers = engines.makers(bundle, folder, state)
    torch32 = makers[CALIBRATOR]()
    sets = goldens.read(folder)
    checks = [_number_of_sets(bundle, sets)]
    for i, (golden, x, y) in enumerate(sets):
        checks += golden_itself(bundle, i, golden, x, y, truth)
    inputs = {f"random, batch {n}": _random(bundle, n) for n in BATCHES}
    inputs["real samples"] = [golden.x for golden, _, _ in sets]
    deaf = deaf_nodes(folder)
    for name, make in makers.items():
        by = deaf if name.startswith("onnxruntime") else ()
        judged = partial(_engine, bundle, name, make, truth, torch32, inputs, by)
        checks += guarded(bundle, "values", name, judged)
        checks += guarded(bundle, "goldens", name, partial(_within, bundle, name, make, sets))
    return checks


def _number_of_sets(bundle: Bundle, sets: list[tuple[goldens.Golden, Array, Array]]) -> Check:
    sizes = tuple(len(golden.x) for golden, _, _ in sets)
    return told(
        bundle,
        "golden batches",
        "golden.json",
        "" if sizes == BATCHES else f"{sizes}, not {BATCHES}",
    )


def golden_itself(
    bundle: Bundle, index: int, golden: goldens.Golden, x: Array, y: Array, truth: Run
) -> list[Check]:
    """Check one golden batch: both files agree, the truth is true, labels and scales fit."""
    want = truth(golden.x)
    name = f"golden {index}"
    found = labels(bundle.task, bundle.classes, golden.y)
    prepared = apply(bundle.preprocessing, golden.raw)
    problems = {
        "input_0.pb": "" if _identical(x, golden.x) else "not the input of golden.json",
        "output_0.pb": ""
        if _identical(y, golden.y.astype(np.float32))
        else "not the output of golden.json",
        "labels": ""
        if found == golden.labels
        else f"bundle.json gives {found}, golden.json {golden.labels}",
        "preprocessing": ""
        if _identical(prepared, golden.x)
        else "bundle.json makes another input of the raw samples",
    }
    about = (f"{name}: truth", "torch float64")
    reach = _reach([golden.x])
    truth_itself = measured(
        bundle, *about, golden.y, want, whole(want), dtype="float64", reach=reach
    )
    return [truth_itself] + [
        told(bundle, f"{name}: {part}", "golden.json", problem)
        for part, problem in problems.items()
    ]


def _identical(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b)


def _random(bundle: Bundle, n: int) -> list[Array]:
    """Return random inputs, inside the domain of a network that has one."""
    shape = (n, *(int(size) for size in bundle.inputs[0].shape[1:]))
    id = bundle.chapter["id"]
    domain = spec.get(id).domain if id in spec.ids() else None
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng((seed, n))
        x = rng.standard_normal(shape) if domain is None else sized(rng, shape, domain.inputs)
        found.append(x.astype(np.float32))
    return found


def _engine(
    bundle: Bundle,
    name: str,
    make: Callable[[], Run],
    truth: Run,
    torch32: Run,
    inputs: dict[str, list[Array]],
    deaf: tuple[str, ...],
) -> list[Check]:
    """Check one engine: values against the bound, the class where it is certain, NaN.

    Args:
        bundle: what is judged.
        name: of the engine.
        make: starts it.
        truth: torch in float64.
        torch32: torch in float32.
        inputs: by kind.
        deaf: operators of the file with which this engine makes a number of NaN.
    """
    run = make()
    checks = []
    disagreements, certain = 0, 0
    for kind, arrays in inputs.items():
        want = [truth(x) for x in arrays]
        got = [run(x) for x in arrays]
        limits = [
            np.full(y.shape, end_to_end(float(np.abs(torch32(x) - y).max()), y))
            for x, y in zip(arrays, want, strict=True)
        ]
        checks.append(_joined(bundle, kind, name, arrays, got, want, limits))
        for y, y64 in zip(got, want, strict=True):
            wrong, sure = _classes(bundle.task, y, y64)
            disagreements, certain = disagreements + wrong, certain + sure
    if bundle.task != "regression":
        problem = f"{disagreements} of {certain} differ" if disagreements else ""
        problem = problem or ("" if certain else "no sample has a margin above the error")
        checks.append(told(bundle, "class", name, problem, f"{certain} samples"))
    x = inputs["random, batch 3"][0]
    return [*checks, not_a_number(bundle, name, run, truth, x, deaf)]


def _joined(
    bundle: Bundle,
    kind: str,
    name: str,
    given: list[Array],
    got: list[Array],
    want: list[Array],
    limits: list[Array],
) -> Check:
    for y, y64 in zip(got, want, strict=True):
        if y.shape != y64.shape:
            return told(bundle, kind, name, f"shape {y.shape}, not {y64.shape}")
    y, y64, limit = (np.concatenate(values) for values in (got, want, limits))
    return measured(bundle, kind, name, y, y64, limit, reach=_reach(given))


def _reach(given: list[Array]) -> int | None:
    """Return 0 where all samples are alike, as a constant one is: then the outputs must be too.

    Random inputs are never alike, so what is judged on them keeps its power.
    """
    rows = np.concatenate(given)
    return 0 if (rows == rows[0]).all() else None


def _classes(task: str, y: Array, y64: Array) -> tuple[int, int]:
    """Count answers whose margin is above twice the error, and those of them that differ.

    A sample has one, but where several yes-or-no questions are asked of it.
    """
    if task == "regression":
        return 0, 0
    error = float(np.abs(y - y64).max())
    if task == "binary":
        margin, same = np.abs(y64), (y > 0) == (y64 > 0)
    else:
        ordered = np.sort(y64, axis=1)
        margin, same = ordered[:, -1] - ordered[:, -2], y.argmax(1) == y64.argmax(1)
    sure = margin > 2 * error
    return int((sure & ~same).sum()), int(sure.sum())


def deaf_nodes(folder: Path) -> tuple[str, ...]:
    """Return the recurrent operators of a file with which ONNX Runtime may make a number of NaN.

    Measured (1.32, on a CPU): its LSTM and its RNN of rectifiers do, its GRU does with five units
    and does not with three, its RNN of tanh hands NaN on.
    """
    import onnx

    nodes = onnx.load(str(folder / MODEL)).graph.node
    rectified = {
        node.op_type
        for node in nodes
        if node.op_type == "RNN" and any(b"Relu" in a.strings for a in node.attribute)
    }
    gated = {node.op_type for node in nodes if node.op_type in ("LSTM", "GRU")}
    return tuple(sorted(rectified | gated))


def not_a_number(
    bundle: Bundle, name: str, run: Run, truth: Run, x: Array, deaf: tuple[str, ...]
) -> Check:
    """Check that a sample with a NaN gives what it gives in float64, and the others are unharmed.

    One number is spoilt, but all of an image for ONNX Runtime, whose max pooling passes over a NaN
    that has a number beside it in the window. Of an engine that is deaf to NaN only the second is
    asked; who calls it through `scratch.deploy.predict` is refused such an input.
    """
    spoilt = x.copy()
    if x.ndim == 4 and name.startswith("onnxruntime"):
        spoilt[0] = np.nan
    else:
        spoilt[0].flat[0] = np.nan
    got, want = np.isnan(run(spoilt)), np.isnan(truth(spoilt))
    same = np.array_equal(got | want, want) if deaf else np.array_equal(got, want)
    problem = "" if same else f"NaN at {got.sum()} places, not {want.sum()}"
    note = f"may make a number of NaN in {', '.join(deaf)}; predict refuses it" if deaf else ""
    return told(bundle, "NaN in, NaN out", name, problem, note)


def _within(
    bundle: Bundle,
    name: str,
    make: Callable[[], Run],
    sets: list[tuple[goldens.Golden, Array, Array]],
) -> list[Check]:
    """Check one engine against the recorded truth and bound."""
    run = make()
    got = [run(golden.x) for golden, _, _ in sets]
    want = [golden.y for golden, _, _ in sets]
    limits = [np.full(golden.y.shape, golden.bound) for golden, _, _ in sets]
    given = [golden.x for golden, _, _ in sets]
    return [_joined(bundle, "recorded goldens", name, given, got, want, limits)]
