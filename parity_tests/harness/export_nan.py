"""What becomes of a NaN: it has to come out again, in its own sample and in no other."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.harness.engines import MODEL, Run, session
from parity_tests.harness.export_checks import told
from parity_tests.harness.verdict import Check
from scratch.deploy.schema import Bundle

Array = np.ndarray[Any, np.dtype[Any]]

LOST = "ONNX Runtime's MaxPool loses NaN, this graph has one: NaN has to be refused before"


def not_a_number(
    bundle: Bundle, folder: Path, name: str, run: Run, truth: Run, x: Array
) -> list[Check]:
    """Put a NaN into the first sample.

    ONNX Runtime's MaxPool compares, and no comparison with NaN is true: it hands on the largest of
    the other numbers. That is no error of the exported file, so there the NaN may get lost (which
    is tried on a MaxPool alone), but it may not reach another sample.

    Args:
        bundle: what is checked.
        folder: where it lies.
        name: of the engine.
        run: the engine.
        truth: torch in float64.
        x: at least two samples.
    """
    spoilt = x.copy()
    spoilt[0].flat[0] = np.nan
    got, want = np.isnan(run(spoilt)), np.isnan(truth(spoilt))
    loses = name.startswith("onnxruntime") and _has_max_pool(folder) and not max_pool_keeps_nan()
    problem = "" if np.array_equal(got, want) else f"NaN at {got.sum()} places, not {want.sum()}"
    if problem and loses and not (got & ~want).any():
        return [told(bundle, "NaN in, NaN out", name, "", LOST)]
    return [told(bundle, "NaN in, NaN out", name, problem)]


@functools.cache
def max_pool_keeps_nan() -> bool:
    """Whether a MaxPool of 2 x 2 alone hands on a NaN among its four numbers."""
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])],
        "max pool",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 1, 1])],
    )
    opsets = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    x = np.array([[np.nan, 1], [2, 3]], np.float32).reshape(1, 1, 2, 2)
    y = session(model.SerializeToString(), "off").run(None, {"x": x})[0]
    return bool(np.isnan(y).all())


def _has_max_pool(folder: Path) -> bool:
    import onnx

    return any(node.op_type == "MaxPool" for node in onnx.load(str(folder / MODEL)).graph.node)
