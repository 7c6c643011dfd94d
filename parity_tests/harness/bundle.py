"""Writing a bundle: built beside its place, proven there, moved into place in one step.

It stands here and not with the exporter because a bundle is only written once both twins and every
runtime agree on it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import secrets
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parity_tests.harness import engines, export, goldens
from parity_tests.harness.bounds import end_to_end
from parity_tests.harness.export_report import checks_json
from parity_tests.harness.verdict import Check
from scratch.data import Dataset
from scratch.data.preprocess import apply
from scratch.deploy.answer import labels
from scratch.deploy.schema import BATCHES, CHECKS, MEANING, MODEL, WEIGHTS, Bundle, Tensor
from scratch.run.config import plain
from scratch.run.files import atomic_write
from scratch.run.metrics import score
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter
from scratch.weights import save

if TYPE_CHECKING:
    from torch import nn

Array = np.ndarray[Any, np.dtype[Any]]

AXES = {1: ("feature",), 2: ("time", "feature"), 3: ("channel", "height", "width")}
PACKAGES = ("textbook-twins", "numpy", "torch", "onnx", "onnxscript", "onnxruntime")


class BundleRefused(RuntimeError):
    """A check failed, so no bundle was left behind.

    Attributes:
        checks: all of them.
    """

    def __init__(self, checks: list[Check]) -> None:
        self.checks = checks
        failing = [check for check in checks if check.failing]
        first = failing[0]
        super().__init__(
            f"{len(failing)} of {len(checks)} checks failed, nothing was written; first: "
            f"{first.tensor}, {first.engine}: {first.verdict} {first.note}"
        )


def write_bundle(
    model: nn.Module,
    chapter: Chapter,
    dataset: Dataset,
    out: Path,
    *,
    arguments: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> list[Check]:
    """Export a network with everything that proves it.

    Args:
        model: the torch twin; stays as it is.
        chapter: its spec.
        dataset: the goldens are the first samples of its test split.
        out: the folder to make; may exist if it is empty.
        arguments: constructor arguments of the network that differ from the chapter's.
        training: what is known of the training beside the chapter's hyper-parameters.

    Returns:
        The checks, all passed; they stand in checks.json too.

    Raises:
        UserError: the folder is not empty or cannot be made, a package is missing, a weight is
            not finite.
        BundleRefused: a check failed.
    """
    refuse_occupied(out)
    made = _make_parents(out.parent)
    building = out.parent / f".{out.name}.{secrets.token_hex(4)}.partial"
    try:
        building.mkdir()
        checks = _build(model, chapter, dataset, building, arguments or {}, training or {})
        os.replace(building, out)
    except BaseException as error:
        shutil.rmtree(building, ignore_errors=True)
        for folder in made:
            folder.rmdir()
        if isinstance(error, OSError):
            raise UserError(f"{out}: cannot be written ({error.strerror})") from error
        raise
    return checks


def _build(
    model: nn.Module,
    chapter: Chapter,
    dataset: Dataset,
    folder: Path,
    arguments: Mapping[str, Any],
    training: Mapping[str, Any],
) -> list[Check]:
    import onnx

    from parity_tests.harness.export_claims import rewritten
    from ref_torch.export import export_onnx

    state = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
    for name, value in state.items():
        if not np.isfinite(value).all():
            raise UserError(f"{name} holds NaN or infinity: this network comes from a diverged run")
    bundle = describe(chapter, dataset, arguments, training)
    truth = engines.torch_run(bundle, state, "float64")
    torch32 = engines.torch_run(bundle, state, "float32")
    test = np.concatenate([truth(x) for x in _in_parts(dataset.test.x)])
    metrics = {
        "split": "test",
        "samples": len(test),
        **score(bundle.task, test, dataset.test.y),
    }
    bundle = dataclasses.replace(
        bundle,
        metrics=plain(metrics),
        outputs=(
            Tensor(
                chapter.onnx.output,
                "float32",
                (chapter.onnx.dynamic[0], test.shape[1]),
                ("batch", "value" if bundle.task == "regression" else "logit"),
            ),
        ),
    )
    export_onnx(model, chapter, folder / MODEL, metadata={MEANING: bundle.meaning()})
    bundle = dataclasses.replace(bundle, rewritten=rewritten(onnx.load(str(folder / MODEL)), state))
    save(folder / WEIGHTS, state, {"chapter": chapter.id, "size": chapter.size})
    goldens.write(
        folder, _goldens(bundle, dataset, truth, torch32), (bundle.inputs[0], bundle.outputs[0])
    )
    bundle.sealed(folder).write(folder)
    checks = export.verify(folder)
    if any(check.failing for check in checks):
        raise BundleRefused(checks)
    report = json.dumps(checks_json(checks), indent=1, ensure_ascii=False) + "\n"
    atomic_write(folder / CHECKS, report.encode())
    bundle.sealed(folder).write(folder)
    return checks


def _in_parts(x: Array) -> list[Array]:
    return [x[start : start + 256] for start in range(0, len(x), 256)]


def describe(
    chapter: Chapter,
    dataset: Dataset,
    arguments: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Bundle:
    """Return the description of a network, still without outputs, metrics and files."""
    shape = chapter.data.shape
    axes = AXES[len(shape)]
    return Bundle(
        chapter={
            "id": chapter.id,
            "size": chapter.size,
            "title": chapter.title,
            "title_zh": chapter.title_zh,
        },
        task=chapter.data.task,
        classes=tuple(dataset.classes),
        inputs=(
            Tensor(
                chapter.onnx.input,
                "float32",
                (chapter.onnx.dynamic[0], *shape),
                ("batch", *axes),
            ),
        ),
        outputs=(),
        preprocessing=plain(dataset.preprocessing),
        arguments=plain(arguments),
        data={"name": dataset.name, "source": dataset.source, "target": chapter.data.target},
        training=plain({**dataclasses.asdict(chapter.train), **training}),
        versions={"python": platform.python_version(), **_versions()},
    )


def _goldens(
    bundle: Bundle, dataset: Dataset, truth: engines.Run, torch32: engines.Run
) -> list[goldens.Golden]:
    """Return one golden per batch size, of consecutive test samples (again from the first)."""
    found, start = [], 0
    for size in BATCHES:
        picked = np.arange(start, start + size) % len(dataset.test)
        start += size
        raw = goldens.raw_of(bundle.preprocessing, dataset.test.x[picked])
        x = apply(bundle.preprocessing, raw)
        y = truth(x)
        bound = end_to_end(float(np.abs(torch32(x) - y).max()), y)
        found.append(goldens.Golden(raw, x, y, bound, labels(bundle.task, bundle.classes, y)))
    return found


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def refuse_occupied(out: Path) -> None:
    """Refuse to write into what is already there.

    Raises:
        UserError: `out` is a file, or a folder that holds something.
    """
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out}: exists and is not an empty folder; choose another or empty it")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; choose a folder")


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and return those that had to be made, innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from error
    return missing
