"""What a bundle says about itself, held against the spec, the ONNX file and the runtime."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.harness import engines
from parity_tests.harness.export_checks import told
from parity_tests.harness.verdict import Check
from scratch import spec
from scratch.deploy.schema import MEANING, MODEL, Bundle, Tensor

Array = np.ndarray[Any, np.dtype[Any]]

_RECURRENT = re.compile(r"(?P<layer>.*)(weight|bias)_(ih|hh)_(?P<end>l\d+(_reverse)?)")
_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64"}


def description(bundle: Bundle, folder: Path) -> list[Check]:
    """Check that bundle.json agrees with the chapter it names."""
    chapter = spec.get(bundle.chapter["id"], bundle.chapter["size"])
    pairs = {
        "task": (bundle.task, chapter.data.task),
        "input": (bundle.inputs[0].shape[1:], chapter.data.shape),
        "input name": (bundle.inputs[0].name, chapter.onnx.input),
        "output name": (bundle.outputs[0].name, chapter.onnx.output),
        "free axes": (_free(bundle.inputs + bundle.outputs), ("batch", "batch")),
        "classes": (len(bundle.classes), _classes(bundle)),
    }
    return [
        told(bundle, name, "bundle.json", "" if said == want else f"says {said}, not {want}")
        for name, (said, want) in pairs.items()
    ]


def _free(tensors: tuple[Tensor, ...]) -> tuple[str, ...]:
    return tuple(size for tensor in tensors for size in tensor.shape if isinstance(size, str))


def _classes(bundle: Bundle) -> int:
    if bundle.task == "regression":
        return 0
    return 2 if bundle.task == "binary" else int(bundle.outputs[0].shape[1])


def meaning(bundle: Bundle, folder: Path) -> list[Check]:
    """Check that all that is said is what the ONNX file was sealed with."""
    import onnx

    from ref_torch.export.onnx import metadata_of

    held = metadata_of(onnx.load(str(folder / MODEL))).get(MEANING, "nothing")
    problem = (
        ""
        if held == bundle.meaning()
        else ("bundle.json says something else than when model.onnx was written")
    )
    return [told(bundle, "meaning", "model.onnx", problem)]


def graph(bundle: Bundle, folder: Path) -> list[Check]:
    """Check the ONNX file itself: valid, self-contained, no training or control nodes, names."""
    import onnx

    from ref_torch.export.onnx import ExportError, check_proto, declared, metadata_of

    chapter = spec.get(bundle.chapter["id"], bundle.chapter["size"])
    proto = onnx.load(str(folder / MODEL))
    try:
        check_proto(proto, chapter)
        problem = ""
    except ExportError as error:
        problem = str(error)
    checks = [told(bundle, "graph", "onnx.checker", problem)]
    found = [declared(value) for value in (*proto.graph.input, *proto.graph.output)]
    checks.append(_same(bundle, "onnx file", found))
    named = metadata_of(proto)
    said = (named.get("chapter"), named.get("size"))
    want = (bundle.chapter["id"], bundle.chapter["size"])
    problem = "" if said == want else f"says {said}, bundle.json {want}"
    return [*checks, told(bundle, "chapter", "model.onnx", problem)]


def parameters(bundle: Bundle, folder: Path) -> list[Check]:
    """Check that the ONNX file holds the numbers of model.safetensors, bit for bit.

    A float32 comparison of outputs would not notice a weight that is off by a thousandth.
    """
    import onnx

    found = rewritten(onnx.load(str(folder / MODEL)), engines.weights(folder))
    want = bundle.rewritten
    problem = (
        ""
        if found == want
        else (
            f"other numbers than model.safetensors in {', '.join(sorted(set(found) ^ set(want)))}"
        )
    )
    note = f"except {', '.join(want)}, which the exporter rearranged" if want else ""
    return [told(bundle, "parameters", "model.onnx", problem, note)]


def rewritten(proto: Any, state: Mapping[str, Array]) -> tuple[str, ...]:
    """Return the parameters whose numbers are not those of any constant of an ONNX file.

    Of a recurrent layer ONNX has the gates in another order and both directions in one constant, so
    there every gate is looked for by itself.

    Args:
        proto: an `onnx.ModelProto`.
        state: the parameters, any float type.
    """
    from onnx import numpy_helper

    held = {
        np.asarray(numpy_helper.to_array(tensor)).tobytes() for tensor in proto.graph.initializer
    }

    def is_held(name: str, value: Array) -> bool:
        narrow = value.astype(np.float32)
        if narrow.tobytes() in held:
            return True
        found = _RECURRENT.fullmatch(name)
        if found is None:
            return False
        rows, units = state[f"{found['layer']}weight_hh_{found['end']}"].shape
        gates = [gate.tobytes() for gate in np.split(narrow, rows // units)]
        return all(any(gate in constant for constant in held) for gate in gates)

    return tuple(sorted(name for name, value in state.items() if not is_held(name, value)))


def runtime_view(bundle: Bundle, folder: Path) -> list[Check]:
    """Check names, types and dimensions as ONNX Runtime sees them."""
    opened = engines.session(folder / MODEL, "all")
    found = [
        (value.name, _DTYPES.get(value.type, value.type), tuple(value.shape))
        for value in (*opened.get_inputs(), *opened.get_outputs())
    ]
    return [_same(bundle, "onnxruntime", found)]


def _same(bundle: Bundle, engine: str, found: list[Any]) -> Check:
    want = [(t.name, t.dtype, t.shape) for t in (*bundle.inputs, *bundle.outputs)]
    problem = "" if found == want else f"declares {found}, bundle.json {want}"
    return told(bundle, "names, types, dimensions", engine, problem)


def refusals(bundle: Bundle, folder: Path) -> list[Check]:
    """Check that ONNX Runtime refuses what the network does not take."""
    opened = engines.session(folder / MODEL, "all")
    tensor = bundle.inputs[0]
    sample = tuple(int(size) for size in tensor.shape[1:])
    wrong = {
        f"{tensor.axes[axis + 1]} {size + 1} for {size}": np.zeros(
            (2, *sample[:axis], size + 1, *sample[axis + 1 :]), np.float32
        )
        for axis, size in enumerate(sample)
    }
    wrong["no batch axis"] = np.zeros(sample, np.float32)
    wrong["float64"] = np.zeros((2, *sample), np.float64)
    checks = []
    for name, x in wrong.items():
        try:
            opened.run(None, {tensor.name: x})
            problem = "accepted"
        except Exception as error:
            problem = "" if _is_refusal(error) else f"{type(error).__name__}: {error}"
        checks.append(told(bundle, f"refuses {name}", "onnxruntime", problem))
    return checks


def _is_refusal(error: Exception) -> bool:
    return type(error).__name__ == "InvalidArgument"
