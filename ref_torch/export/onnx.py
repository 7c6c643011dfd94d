"""One network, one ONNX file, and no surprise in it.

The exporter's defaults would freeze the batch, write two files, keep training-time nodes and note
local paths in every node. Here the file is made from a copy in eval mode, stripped, held against
what was asked for, and only then written.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ref_torch.export.recurrent import with_native_recurrence
from scratch.run.files import atomic_write
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter

OPSET = 20
IR_VERSION = 10
EXAMPLE_BATCH = 2  # 0 and 1 are special to the exporter: they would freeze the batch
EXAMPLE_STEPS = 3  # at least, of a free time axis
FREE = (("batch",), ("batch", "time"))  # axes of the input, from the first
FORBIDDEN = ("If", "Loop", "Scan", "Dropout")
SEQUENCE = 2  # axes of a sample that is a sequence: steps, features
Shape = tuple[int | str | None, ...]  # None for any number


class ExportError(RuntimeError):
    """The exported file is not what was asked for; nothing was written."""


def export_onnx(
    model: nn.Module,
    chapter: Chapter,
    path: Path,
    *,
    optimize: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a network as one self-contained ONNX file; the network itself stays as it is.

    Args:
        model: the network, on any device, in any mode.
        chapter: gives the shape of a sample and the names of input, output and free axes.
        path: the file to write; written whole or not at all.
        optimize: let the exporter fold and fuse; False keeps one node per operation, for
            comparison layer by layer.
        metadata: further entries of the file's metadata, beside chapter, size and title.

    Raises:
        UserError: onnx or onnxscript is not installed.
        ExportError: the exporter failed or its file differs from what was asked for.
    """
    proto = to_proto(model, chapter, optimize=optimize)
    entries = {
        "chapter": chapter.id,
        "size": chapter.size,
        "title": chapter.title,
        **(metadata or {}),
    }
    _strip(proto, entries)
    check_proto(proto, chapter)
    atomic_write(path, proto.SerializeToString(deterministic=True))


def to_proto(model: nn.Module, chapter: Chapter, *, optimize: bool = True) -> Any:
    """Return the exporter's `onnx.ModelProto` of a float32 copy on the CPU in eval mode.

    Raises:
        UserError: onnx or onnxscript is not installed.
        ExportError: the exporter failed, or the network has a layer that ONNX has not.
    """
    for package in ("onnx", "onnxscript"):
        try:
            __import__(package)
        except ImportError as error:
            raise UserError(f"export needs {package}: pip install {package}") from error
    free = chapter.onnx.dynamic
    if free not in FREE:
        raise ExportError(
            f"{chapter.id}: cannot free the axes {free}, only batch, or batch and time"
        )
    frozen = copy.deepcopy(model).to("cpu", torch.float32).eval()
    for parameter in frozen.parameters():
        parameter.grad = None
    try:
        frozen = with_native_recurrence(frozen)
    except ValueError as error:
        raise ExportError(f"{chapter.id}: {error}") from error
    shape = chapter.data.shape
    if "time" in free:
        shape = (max(shape[0], EXAMPLE_STEPS), *shape[1:])
    example = torch.zeros(EXAMPLE_BATCH, *shape)
    try:
        with _quiet():
            program = torch.onnx.export(
                frozen,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[chapter.onnx.input],
                output_names=[chapter.onnx.output],
                dynamic_shapes=(dict(enumerate(free)),),
                external_data=False,
                optimize=optimize,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ExportError(f"{chapter.id}: the exporter failed: {error}") from error
    if program is None:
        raise ExportError(f"{chapter.id}: the exporter returned nothing")
    return program.model_proto


def check_proto(proto: Any, chapter: Chapter) -> None:
    """Hold a file against what was asked for.

    Args:
        proto: an `onnx.ModelProto`.
        chapter: what was asked for.

    Raises:
        ExportError: names the first difference.
    """
    import onnx

    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"{chapter.id}: {error}") from error
    opsets = {item.domain: item.version for item in proto.opset_import}
    if opsets not in ({"": OPSET}, {"ai.onnx": OPSET}):
        raise ExportError(f"{chapter.id}: opsets {opsets}, asked for {OPSET} and no other domain")
    if proto.ir_version > IR_VERSION:
        raise ExportError(f"{chapter.id}: IR {proto.ir_version}, older runtimes read {IR_VERSION}")
    if proto.functions:
        raise ExportError(f"{chapter.id}: holds local functions")
    for node in proto.graph.node:
        if node.op_type in FORBIDDEN or node.domain not in ("", "ai.onnx"):
            raise ExportError(f"{chapter.id}: holds a node {node.domain}{node.op_type}")
    for tensor in proto.graph.initializer:
        if tensor.external_data:
            raise ExportError(f"{chapter.id}: {tensor.name} lies in another file")
    free, sample = chapter.onnx.dynamic, chapter.data.shape
    _check_value(
        proto.graph.input, chapter.onnx.input, [(*free, *sample[len(free) - 1 :])], chapter
    )
    made: list[Shape] = [(free[0], None)]
    if len(sample) == SEQUENCE:  # a network may answer at every step
        made.append((free[0], free[1] if "time" in free else sample[0], None))
    _check_value(proto.graph.output, chapter.onnx.output, made, chapter)


def declared(value: Any) -> tuple[str, str, tuple[int | str, ...]]:
    """Return name, NumPy dtype name and dimensions of an input or output of a graph."""
    import onnx

    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    dims = tuple(
        d.dim_value if d.HasField("dim_value") else (d.dim_param or "?") for d in tensor.shape.dim
    )
    return value.name, dtype, dims


def _check_value(values: Any, name: str, shapes: list[Shape], chapter: Chapter) -> None:
    found = [declared(value) for value in values]
    ok = len(found) == 1
    if ok:
        got, dtype, dims = found[0]
        ok = got == name and dtype == "float32" and any(_is(dims, shape) for shape in shapes)
    if not ok:
        asked = " or ".join(map(str, shapes))
        raise ExportError(f"{chapter.id}: declares {found}, asked for {name} float32 {asked}")


def _is(dims: tuple[int | str, ...], shape: Shape) -> bool:
    return len(dims) == len(shape) and all(
        isinstance(d, int) if want is None else d == want
        for d, want in zip(dims, shape, strict=True)
    )


def _strip(proto: Any, entries: Mapping[str, str]) -> None:
    """Remove stack traces, local paths and remarks; keep what the file says about itself."""
    graph = proto.graph
    holders = [proto, graph, *graph.node, *graph.initializer, *graph.value_info]
    for holder in [*holders, *graph.input, *graph.output]:
        del holder.metadata_props[:]
        holder.doc_string = ""
    graph.name = entries["chapter"]
    for key in sorted(entries):
        proto.metadata_props.add(key=key, value=entries[key])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter: remarks about torchvision, deprecations, progress lines."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


def metadata_of(proto: Any) -> dict[str, str]:
    """Return what the file says about itself."""
    return {item.key: item.value for item in proto.metadata_props}
