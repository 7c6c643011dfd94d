"""Every way to run one network: both twins, ONNX Runtime, and ONNX's own reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch.deploy.schema import MODEL, WEIGHTS, Bundle

Array = np.ndarray[Any, np.dtype[Any]]
Run = Callable[[Array], Array]

ORT_LEVELS = {"off": "ORT_DISABLE_ALL", "all": "ORT_ENABLE_ALL"}


def torch_run(bundle: Bundle, state: Mapping[str, Array], dtype: str) -> Run:
    """Return the torch twin in eval mode, in one thread's order of operations.

    Args:
        bundle: says which network.
        state: its weights.
        dtype: "float32" or "float64".
    """
    import torch

    import ref_torch

    net = ref_torch.build(bundle.chapter["id"], bundle.chapter["size"], **bundle.arguments)
    net.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in state.items()})
    net.to(getattr(torch, dtype)).eval()

    def run(x: Array) -> Array:
        with torch.no_grad():
            return np.asarray(net(torch.from_numpy(x.astype(dtype))).numpy())

    return run


def scratch_run(bundle: Bundle, state: Mapping[str, Array], dtype: str) -> Run:
    """Return the NumPy twin in eval mode; arguments as in `torch_run`."""
    import scratch
    from scratch.nn import inference

    net = scratch.build(bundle.chapter["id"], bundle.chapter["size"], **bundle.arguments)
    net.load_state_dict(dict(state))
    net.astype(np.dtype(dtype)).eval()

    def run(x: Array) -> Array:
        with inference():
            return np.asarray(net(x.astype(dtype)))

    return run


def session(model: Path | bytes, level: str) -> Any:
    """Return a session of a file or a serialized model, one thread; level: see `ORT_LEVELS`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(
        onnxruntime.GraphOptimizationLevel, ORT_LEVELS[level]
    )
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def ort_run(path: Path, level: str) -> Run:
    """Return an ONNX file in ONNX Runtime, for its first input and output."""
    opened = session(path, level)
    name = opened.get_inputs()[0].name
    return lambda x: np.asarray(opened.run(None, {name: x})[0])


def reference(model: Any) -> Any:
    """Return the evaluator of a model in the reference implementation that comes with ONNX.

    It has two forms of max pooling. The one for a stride of 1 pads with NaN and drops what is NaN,
    so a window of nothing else raises; such layers take the other form too. Its RNN knows no
    rectifier, which is added.

    Args:
        model: a path or an `onnx.ModelProto`.
    """
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.ops import op_max_pool, op_rnn

    class MaxPool(op_max_pool.MaxPool):
        def _run(self, *arrays: Any, **options: Any) -> Any:
            return self._max_pool(*arrays, **options)

    class RNN(op_rnn.RNN_14):
        def choose_act(self, name: str, alpha: Any, beta: Any) -> Any:
            if name == "Relu":
                return lambda x: np.maximum(x, 0)
            return super().choose_act(name, alpha, beta)

    return ReferenceEvaluator(model, new_ops=[MaxPool, RNN])


def reference_run(path: Path) -> Run:
    """Return an ONNX file in the reference implementation that comes with ONNX."""
    evaluator = reference(str(path))
    name = evaluator.input_names[0]
    return lambda x: np.asarray(next(iter(evaluator.run(None, {name: x}))))


def makers(
    bundle: Bundle, folder: Path, state: Mapping[str, Array]
) -> dict[str, Callable[[], Run]]:
    """Return how to start every engine that a bundle is judged in, by name.

    The twins take the weights from model.safetensors; the others run model.onnx. "torch float32"
    comes first: its error sets the bound for the rest.
    """
    onnx_file = folder / MODEL
    return {
        "torch float32": lambda: torch_run(bundle, state, "float32"),
        "onnxruntime off": lambda: ort_run(onnx_file, "off"),
        "onnxruntime all": lambda: ort_run(onnx_file, "all"),
        "onnx.reference": lambda: reference_run(onnx_file),
        "scratch float32": lambda: scratch_run(bundle, state, "float32"),
    }


def weights(folder: Path) -> dict[str, Array]:
    """Return the weights of a bundle."""
    from scratch.weights import load

    return load(folder / WEIGHTS)[0]
