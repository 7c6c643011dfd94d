"""One training run from its settings to a sealed run folder."""

from __future__ import annotations

import dataclasses
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import _maps
import _plots
import _twins
import numpy as np
from _settings import Settings, frozen

from scratch import weights
from scratch.data import Dataset, load
from scratch.data.normalise import affine
from scratch.decision_line import decision_lines
from scratch.nn import conv_mode
from scratch.run.files import atomic_write
from scratch.run.folder import RunFolder
from scratch.run.metrics import History, score
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter, Expected

Array = np.ndarray[Any, np.dtype[Any]]

TWINS = {"torch": ("torch",), "scratch": ("scratch",), "both": ("torch", "scratch")}
NEWER: dict[str, Any] = {"conv": "direct", "arguments": {}}  # what older runs had no choice of
RESULTS = "results.json"


@dataclass(frozen=True)
class Result:
    """What came out.

    Attributes:
        folder: the run folder.
        chapter: with the hyper-parameters of this run.
        dataset: what was trained on.
        twins: the trained networks.
        histories: by name of the twin.
        tests: metrics on the test split by name of the twin.
        plots: the pictures.
        lines: of the first twin, see `_lines`.
        kernels: of the first twin, how far each is from the kernel of its name.
    """

    folder: RunFolder
    chapter: Chapter
    dataset: Dataset
    twins: Sequence[_twins.Twin]
    histories: Mapping[str, History]
    tests: Mapping[str, Mapping[str, float]]
    plots: Sequence[Path]
    lines: Sequence[Mapping[str, Any]]
    kernels: Mapping[str, float]

    def gap(self) -> float:
        """Return the largest difference of the twins' training losses at any step."""
        ours, theirs = (self.histories[name].step_losses for name in ("scratch", "torch"))
        return max(abs(a - b) for a, b in zip(ours, theirs, strict=True))


def train(settings: Settings, out: Path | None = None) -> Result:
    """Train, and leave a run folder behind; it is made once data and networks are ready.

    Args:
        settings: what to train.
        out: the run folder, which is empty or not there; a fresh one below runs/ if None.

    Raises:
        UserError: settings that cannot be, missing data, a folder in use, a diverged run.
        KeyboardInterrupt: ended by Ctrl-C.
    """
    chapter = settings.resolve()
    path = _twins.fresh(settings.chapter, settings.twin) if out is None else out
    refuse_occupied(path)
    dataset = load(chapter, settings.data, settings.data_dir, settings.seed)
    twins = _twins.build(
        TWINS[settings.twin], chapter, settings.seed, settings.trainer, settings.weights
    )
    folder = RunFolder.create(path, config(settings, chapter))
    with conv_mode(settings.conv):
        return _run(folder, settings, chapter, dataset, twins)


def resume(path: Path) -> Result:
    """Go on with a run that was stopped, from its checkpoints.

    Raises:
        UserError: not a run folder of this program, or a checkpoint that cannot be used.
    """
    folder = RunFolder.open(path)
    names = [item.name for item in dataclasses.fields(Settings)]
    try:
        held = NEWER | folder.config
        settings = Settings(**{name: frozen(held[name]) for name in names})
        twins = TWINS[settings.twin]
    except (KeyError, TypeError) as error:
        raise UserError(f"{path}: its config does not say {error}; start the run anew") from error
    chapter = settings.resolve()
    dataset = load(chapter, settings.data, settings.data_dir, settings.seed)
    built = _twins.build(twins, chapter, settings.seed, settings.trainer)
    with conv_mode(settings.conv):
        return _run(folder, settings, chapter, dataset, built, again=True)


def refuse_occupied(path: Path) -> None:
    """Say at once that a folder is in use, before anything is loaded.

    Raises:
        UserError: it exists and is not an empty folder.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UserError(
            f"{path}: exists and is not an empty folder; choose another folder or empty it"
        )


def _run(
    folder: RunFolder,
    settings: Settings,
    chapter: Chapter,
    dataset: Dataset,
    twins: Sequence[_twins.Twin],
    again: bool = False,
) -> Result:
    try:
        histories = {
            twin.name: twin.fit(
                dataset,
                seed=settings.seed,
                folder=folder,
                progress=sys.stderr.isatty(),
                resume=again,
            )
            for twin in twins
        }
    except KeyboardInterrupt as stop:
        way = f"; go on with: python scripts/train.py --resume {folder.path}" if str(stop) else ""
        raise KeyboardInterrupt(f"{stop}{way}") from stop
    tests = {
        twin.name: measure(chapter, twin.predict(dataset.test.x), dataset.test.y) for twin in twins
    }
    about = {"chapter": chapter.id, "size": chapter.size}
    for number, twin in enumerate(twins):
        path = folder.weights if number == 0 else folder.path / f"model.{twin.name}.safetensors"
        weights.save(path, twin.state(), {**about, "twin": twin.name})
    lines = _lines(chapter, dataset, twins[0].state())
    gaps = _maps.gaps(chapter, twins[0].state())
    parts = {"test": tests, "lines": lines, "kernels": gaps}
    text = json.dumps({name: part for name, part in parts.items() if part}, indent=1) + "\n"
    atomic_write(folder.path / RESULTS, text.encode())
    plots = _plots.draw(
        folder.plots, chapter, dataset, histories, twins[0].predict, twins[0].state()
    )
    folder.seal()
    return Result(folder, chapter, dataset, twins, histories, tests, plots, lines, gaps)


def measure(chapter: Chapter, outputs: Array, targets: Array) -> dict[str, float]:
    """Return the metric in which a chapter's band is given: R2, accuracy, or its loss."""
    if chapter.expected.metric != "loss":
        return score(chapter.data.task, outputs, targets)
    from scratch.train import build_loss

    exact = (values.astype(np.float64) for values in (outputs, targets))
    return {"loss": float(build_loss(chapter.train)(*exact))}


def _lines(
    chapter: Chapter, dataset: Dataset, state: Mapping[str, np.ndarray[Any, Any]]
) -> list[dict[str, Any]]:
    """Return the decision lines of a linear classifier of two features, in raw units.

    Returns:
        One {"between": two class names, "slope", "intercept"} per line x2 = slope x1 + intercept; a
        vertical line has null for both, and "x1". Empty for other networks, and for features that
        were not normalised linearly.
    """
    record = dataset.preprocessing
    if chapter.file != "linear" or chapter.data.task == "regression":
        return []
    if record["shape"] != [2] or affine(record) is None:
        return []
    return [
        {
            "between": [dataset.classes[number] for number in line.between],
            "slope": line.slope,
            "intercept": line.intercept,
            **({} if line.x1 is None else {"x1": line.x1}),
        }
        for line in decision_lines(state["linear.weight"], state["linear.bias"], record)
    ]


def config(settings: Settings, chapter: Chapter) -> dict[str, Any]:
    versions = {"python": platform.python_version(), "numpy": metadata.version("numpy")}
    if "torch" in TWINS[settings.twin]:
        versions |= {name: metadata.version(name) for name in ("torch", "lightning")}
    chosen = dataclasses.asdict(settings)
    if settings.data_dir is not None:  # the run may be taken up from another folder
        chosen["data_dir"] = str(Path(settings.data_dir).absolute())
    return {**chosen, **dataclasses.asdict(chapter.train), "versions": versions}


def verdict(expected: Expected, value: float, judged: bool) -> str:
    """Return how a test metric stands to the chapter's band, in words.

    Args:
        expected: the band.
        value: the metric.
        judged: whether the run is the default one, of which the band speaks.
    """
    if expected.low is None:
        return f"no band to reach ({expected.note})"
    band = f"at least {expected.low:g}"
    if expected.high is not None:
        band = f"{expected.low:g} to {expected.high:g}"
    if not judged:
        return f"the default run: {band}"
    inside = value >= expected.low and (expected.high is None or value <= expected.high)
    return f"expected {band}: {'reached' if inside else 'NOT reached'}"
