"""The operator tests that the onnx package ships: one node, its inputs, and what must come out.

Three collections: the operator set's own ("node", made by the package's generators), and layers and
operators that PyTorch's exporter once wrote, with the numbers that PyTorch gave.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

FOLDERS = ("pytorch-converted", "pytorch-operator")
EXPANDED = "_expanded"  # the same numbers for the body of a function instead of its node


@dataclass(frozen=True)
class Node:
    """One operator test.

    Attributes:
        collection: "node", "pytorch-converted" or "pytorch-operator".
        name: of the test.
        operator: ONNX operator; "" for a graph of several nodes.
        version: of the operator set.
        attributes: by name, texts decoded.
        inputs: arrays in the operator's order; None for one that is not given.
        outputs: the same.
    """

    collection: str
    name: str
    operator: str
    version: int
    attributes: Mapping[str, Any]
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


def nodes() -> Iterator[Node]:
    """Yield every test of all collections, several nodes as one with no operator."""
    yield from _generated()
    for collection in FOLDERS:
        yield from _stored(collection)


def _generated() -> Iterator[Node]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the generators overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        found = collect_testcases(None)
    for case in found:
        if EXPANDED not in case.name:
            ((inputs, outputs),) = case.data_sets or ()
            yield _node("node", case.name, case.model, inputs, outputs)


def _stored(collection: str) -> Iterator[Node]:
    import onnx
    from onnx import numpy_helper
    from onnx.backend.test.loader import load_model_tests

    def read(folder: Path, side: str) -> list[Array]:
        count = len(list(folder.glob(f"{side}_*.pb")))
        paths = [folder / f"{side}_{number}.pb" for number in range(count)]
        return [np.asarray(numpy_helper.to_array(onnx.load_tensor(str(path)))) for path in paths]

    for case in sorted(load_model_tests(kind=collection), key=lambda case: case.name):
        folder = Path(str(case.model_dir))
        data = folder / "test_data_set_0"
        model = onnx.load(str(folder / "model.onnx"))
        yield _node(collection, case.name, model, read(data, "input"), read(data, "output"))


def _node(collection: str, name: str, model: Any, inputs: Any, outputs: Any) -> Node:
    from onnx import helper, numpy_helper

    graph = model.graph
    tensors = {w.name: np.asarray(numpy_helper.to_array(w)) for w in graph.initializer}
    free = [value.name for value in graph.input if value.name not in tensors]
    made = [value.name for value in graph.output]
    tensors |= dict(zip(free, inputs, strict=True)) | dict(zip(made, outputs, strict=True))
    sets = [one.version for one in model.opset_import if one.domain in ("", "ai.onnx")]
    version = max(sets, default=0)
    short = name.removeprefix("test_")
    if len(graph.node) != 1:
        return Node(collection, short, "", version, {}, (), ())
    (node,) = graph.node
    values = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    attributes = {n: v.decode() if isinstance(v, bytes) else v for n, v in values.items()}
    ins, outs = ([tensors.get(one) for one in names] for names in (node.input, node.output))
    return Node(collection, short, node.op_type, version, attributes, tuple(ins), tuple(outs))
