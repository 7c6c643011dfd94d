"""L6: the exported file, as shipped and node by node, in ONNX Runtime and in ONNX's reference."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from parity_tests.harness import bounds
from parity_tests.harness.bundle import BundleRefused, write_bundle
from parity_tests.harness.compare import compare
from parity_tests.harness.engines import ORT_LEVELS, ort_run
from parity_tests.harness.onnx_nodes import judge_nodes
from parity_tests.harness.pair import of_chapter
from parity_tests.harness.verdict import Check, Verdict
from ref_torch.export.onnx import export_onnx, to_proto
from ref_torch.export.recurrent import with_native_recurrence
from scratch import spec
from scratch.data import load
from scratch.deploy.schema import BATCHES

Array = np.ndarray[Any, np.dtype[Any]]

LEVEL = "L6"
NODE_SEEDS = 5


def run(id: str, size: str = "tiny", seed: int = 0) -> list[Check]:
    """Judge the export of a chapter.

    Args:
        id: chapter.
        size: "tiny" or "full".
        seed: of weights and inputs.

    Returns:
        Integer networks, exact, if the chapter has such a form; every node of the unoptimised file;
        the whole bundle.
    """
    return [*_exact(id, size, seed), *_nodes(id, size, seed), *_shipped(id, size, seed)]


def _check(id: str, module: str, tensor: str, engine: str, found: Any) -> Check:
    return Check(
        LEVEL,
        id,
        module,
        "export",
        tensor,
        engine,
        found.verdict,
        found.used,
        found.index,
        found.got,
        found.want,
        found.share,
        found.note,
    )


def _exact(id: str, size: str, seed: int) -> list[Check]:
    """Export the integer form; ONNX Runtime must give torch float64's bits at every batch size.

    A network without an exact form, as those with sigmoids are, has nothing to show here.
    """
    if spec.get(id, size).exact is None:
        return []
    pair = of_chapter(id, size, seed, exact=True, batch=max(BATCHES))
    chapter = spec.get(id, size)
    pair.torch.eval()  # as exported
    with torch.no_grad():
        truth = pair.torch(*map(torch.from_numpy, pair.inputs)).numpy()
    checks = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exact.onnx"
        export_onnx(pair.torch_as("float32"), chapter, path)
        for level in ORT_LEVELS:
            engine = ort_run(path, level)
            for batch in BATCHES:
                got = engine(pair.inputs[0][:batch].astype(np.float32))
                found = compare(got, truth[:batch], 0.0, dtype="float32", reach=0)
                name = f"integers, batch {batch}"
                checks.append(_check(id, "", name, f"ONNX Runtime {level}", found))
    if not np.any(truth):
        note = "the integer network is zero everywhere"
        checks.append(replace(checks[0], verdict=Verdict.MISTRUSTED, note=note))
    return checks


def _nodes(id: str, size: str, seed: int) -> list[Check]:
    """Export without optimisation and judge every node on the truth's own inputs."""
    chapter = spec.get(id, size)
    checks = []
    for at in range(seed, seed + NODE_SEEDS):
        pair = of_chapter(id, size, at, "float32")
        if at == seed:
            proto = to_proto(pair.torch_as("float32"), chapter, optimize=False)
        else:
            _reload(proto, pair.torch_as("float32"))
        for node in judge_nodes(proto, pair.inputs[0]):
            engine = "ONNX Runtime, node alone"
            if node.units is None:
                note = f"no bound is derived for the operator {node.operator}"
                checks.append(
                    Check(
                        LEVEL,
                        id,
                        node.path,
                        "export",
                        node.operator,
                        engine,
                        Verdict.MISTRUSTED,
                        note=note,
                    )
                )
                continue
            found = compare(node.got, node.want, node.units * bounds.unit("float32"), reach=0)
            checks.append(_check(id, node.path, node.operator, engine, found))
    return [replace(check, seed=seed) for check in checks]


def _reload(proto: Any, model: Any) -> None:
    """Put another network's weights into an exported file."""
    from onnx import numpy_helper

    state = with_native_recurrence(model).state_dict()
    for weight in proto.graph.initializer:
        if weight.name in state:
            value = state[weight.name].numpy()
            weight.CopyFrom(numpy_helper.from_array(value, weight.name))


def _shipped(id: str, size: str, seed: int) -> list[Check]:
    """Make the bundle that a user would get and return what its verification says."""
    chapter = spec.get(id, size)
    model = of_chapter(id, size, seed, "float32").torch_as("float32")
    with tempfile.TemporaryDirectory() as folder:
        try:
            return write_bundle(model, chapter, load(chapter), Path(folder) / "bundle")
        except BundleRefused as refused:
            return refused.checks
