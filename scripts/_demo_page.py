"""What stands on the demo's page."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _report import Page
from _training import Result, verdict

from parity_tests.harness import export_report, report
from parity_tests.harness.picture import parity_chart
from parity_tests.harness.verdict import Check

Array = np.ndarray[Any, np.dtype[Any]]

CAPTIONS = {
    "loss": "Loss and validation metric of every epoch; the thin line lies on the thick one.",
    "gap": "The loss of every step in both loops, and how far they are apart in float32.",
    "confusion": "Which class is taken for which on the test split.",
    "kernels": "What the first layer has learned to look for.",
    "samples": "Test samples, mistakes first.",
    "maps": "What the layers make of the first test image.",
    "boundary": "Where the network decides for which class.",
    "fit": "What the network has fitted.",
}


def page(
    result: Result,
    checks: Sequence[Check],
    exported: Sequence[Check],
    problems: Sequence[str],
    judged: bool,
    seconds: float,
) -> Page:
    """Return the page of a demo.

    Args:
        result: of the training.
        checks: of the proof.
        exported: of the bundle.
        problems: why the demo failed; none if it did not.
        judged: whether the chapter's expected band speaks of this run.
        seconds: that it took.
    """
    chapter, dataset = result.chapter, result.dataset
    made = Page(f"{chapter.title}, twice")
    passed = sum(not check.failing for check in (*checks, *exported))
    made.verdict(
        not problems,
        f"{passed:,} of {len(checks) + len(exported):,} checks passed. {' '.join(problems)}",
    )
    made.text(
        f"One network, written in NumPy with an explicit backward and again in PyTorch. Both were "
        f"trained on the same {len(dataset.train):,} samples ({dataset.source}) and compared "
        f"module by module; the PyTorch one was exported to ONNX. All of it took {seconds:.0f} "
        "seconds."
    )
    _training(made, result, judged)
    _proof(made, checks)
    made.section(
        "The exported file",
        "PyTorch, ONNX Runtime, onnx.reference and the NumPy twin, each held against float64, at "
        "batches of 1, 2, 3 and 7; and what the bundle says about itself.",
    )
    headers, rows = export_report.rows(exported)
    made.table(_verdict_second(headers), [_verdict_second(row) for row in rows])
    made.section("How the network differs from its publication")
    made.items(chapter.deviations or ("It does not.",))
    _environment(made)
    made.section("Next")
    made.code(
        f"python scripts/predict.py {result.folder.path / 'bundle'} INPUT\n"
        f"python -m parity_tests {chapter.id}\n"
        "python scripts/list.py"
    )
    return made


def _training(made: Page, result: Result, judged: bool) -> None:
    chapter, test = result.chapter, result.dataset.test
    band = chapter.expected
    made.section("Both twins after training")
    made.table(
        ("twin", "metric", "test split", "", "seconds"),
        [
            (
                name,
                metric,
                f"{value:.4f}",
                verdict(band, value, judged),
                f"{result.histories[name].seconds:.1f}",
            )
            for name, found in result.tests.items()
            for metric, value in found.items()
        ],
    )
    steps = len(result.histories["torch"].step_losses)
    sentence = (
        f"The training losses of {steps:,} steps differ by at most {result.gap():.1e} (float32)"
    )
    if chapter.data.task != "regression":
        answers = [_answers(twin.predict(test.x)) for twin in result.twins]
        equal = int(np.sum(answers[0] == answers[1]))
        sentence += f"; the two give the same answer to {equal} of {len(test)} test samples"
    made.text(sentence + ".")
    for path in result.plots:
        made.picture(path, CAPTIONS[path.stem])


def _answers(outputs: Array) -> Array:
    return outputs[:, 0] > 0 if outputs.shape[1] == 1 else outputs.argmax(axis=1)


def _proof(made: Page, checks: Sequence[Check]) -> None:
    made.section(
        "Are the two one network?",
        "The small size of the network. Every module was given the reference's own input and "
        "cotangent; what it may differ by follows from its arithmetic and is its bound. In exact "
        "arithmetic it may not differ at all.",
    )
    headers, rows = report.rows(checks)
    made.table(_verdict_second(headers[1:]), [_verdict_second(row[1:]) for row in rows])
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "parity.png"
        parity_chart(chart, "Error of every module as a share of its own bound", checks)
        made.picture(chart, "Every module against its own bound, forward and backward (L2, L3).")


def _verdict_second(row: Sequence[str]) -> Sequence[str]:
    """Return a row with its verdict where a narrow page shows it."""
    first, *middle, verdict = row
    return (first, verdict, *middle)


def _environment(made: Page) -> None:
    about = report.environment()
    made.section("Where this ran")
    made.table(
        ("", "version"),
        [
            ("Python", about["python"]),
            ("machine", f"{about['system']} {about['machine']}"),
            *((name, version or "not installed") for name, version in about["packages"].items()),
            ("threads", about["threads"]["OMP_NUM_THREADS"] or "not limited"),
        ],
    )
