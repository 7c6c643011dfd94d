"""The whole road once: train LeNet-5 both ways on real digits, prove, export, verify, report.

`make demo` runs this. It takes about two minutes on two cores and ends with a page to look at.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import _cli

if TYPE_CHECKING:
    from _report import Page
    from _training import Result

    from parity_tests.harness.verdict import Check

EXAMPLES = """\
  make demo
  python scripts/demo.py --chapter mlp_mnist --report mlp.html
"""

# The harness runs these; the trajectories (L5) and the exporter's nodes (L6) take longer.
LEVELS = (("float64", ("L0", "L1", "L2")), ("float32", ("L3",)))
CAPTIONS = {
    "loss": "Loss and validation metric of every epoch; the thin line lies on the thick one.",
    "gap": "The loss of every step in both loops, and how far they are apart in float32.",
    "confusion": "Which class is taken for which on the test split.",
    "kernels": "What the first layer has learned to look for.",
    "samples": "Test samples, mistakes first.",
    "boundary": "Where the network decides for which class.",
    "fit": "What the network has fitted.",
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--chapter", default="lenet5", help="which chapter (lenet5)")
    parser.add_argument("--epochs", type=int, help="fewer for a first look")
    parser.add_argument("--out", type=Path, help="the run folder; a fresh one below runs/")
    parser.add_argument("--report", type=Path, default=Path("report.html"), help="the page")
    args = parser.parse_args(argv)
    _cli.one_thread()

    import _training
    import _twins

    from parity_tests.harness.bundle import write_bundle
    from parity_tests.harness.export import verify
    from parity_tests.harness.export_report import per_engine
    from scratch.run.files import atomic_write
    from scratch.spec import UserError

    if not args.report.absolute().parent.is_dir():
        raise UserError(f"--report {args.report}: its folder does not exist")
    start = time.perf_counter()
    settings = _training.Settings(args.chapter, twin="both", epochs=args.epochs)
    chapter = settings.resolve()
    _say(f"1. Training {chapter.title} twice, from the same weights, on the same batches")
    result = _training.train(settings, args.out)
    accuracies = [
        f"{name}: test {metric} {value:.4f}"
        for name, test in result.tests.items()
        for metric, value in test.items()
    ]
    print("   " + ", ".join(accuracies))

    _say("2. Are the two the same network?")
    checks = _prove(chapter.id)

    _say("3. Exporting the torch twin and holding every runtime against float64")
    bundle = result.folder.path / "bundle"
    model = next(twin.model for twin in result.twins if isinstance(twin, _twins.Torch))
    training = {"run": result.folder.path.name}
    write_bundle(model, result.chapter, result.dataset, bundle, training=training)
    exported = verify(bundle)
    print(per_engine(exported))

    page = _page(result, checks, exported, time.perf_counter() - start)
    atomic_write(args.report, page.html().encode())
    _say("Where to look next")
    print(f"   {args.report.absolute()}    open it in a browser")
    print(f"   {result.folder.path}    the run: weights, metrics, pictures, bundle/")
    print(f"   scratch/models/{chapter.file}.py beside ref_torch/models/{chapter.file}.py")
    print(f"   python -m parity_tests {chapter.id} --dtype float32    all levels, with the export")
    print("   python scripts/list.py    the other chapters")
    return _judge(result, [*checks, *exported], args.epochs is None)


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _prove(id: str) -> list[Check]:
    from parity_tests.harness import report, runner

    checks: list[Check] = []
    for dtype, levels in LEVELS:
        checks += runner.check_chapter(id, "tiny", dtype, 0, levels)
    print(report.table(checks))
    for line in report.failure_lines(id, checks, id):
        print(line)
    return checks


def _judge(result: Result, checks: Sequence[Check], whole: bool) -> int:
    """Return 1, and say why, if a check fails or a twin stays below the chapter's band."""
    band = result.chapter.expected
    for check in checks:
        if check.failing:
            return _cli.failed(check.divergence())
    for name, test in result.tests.items():
        value = test[band.metric]
        if whole and value < band.low:
            return _cli.failed(f"{name}: test {band.metric} {value:.4f}, expected {band.low:g}")
    return _cli.OK


def _page(
    result: Result, checks: Sequence[Check], exported: Sequence[Check], seconds: float
) -> Page:
    from _report import Page

    from parity_tests.harness import report
    from parity_tests.harness.picture import parity_chart

    chapter, dataset = result.chapter, result.dataset
    page = Page(f"{chapter.title}, twice")
    page.text(
        f"One network written in NumPy with an explicit backward, and again in PyTorch. Both were "
        f"trained on {len(dataset.train):,} images ({dataset.source}), proven to be the same, and "
        f"exported. All of it took {seconds:.0f} seconds."
    )
    page.section("Both twins after training")
    page.table(
        ("twin", "metric", "test split", "expected", "seconds"),
        [
            (
                name,
                metric,
                f"{value:.4f}",
                f"at least {chapter.expected.low:g}",
                f"{result.histories[name].seconds:.1f}",
            )
            for name, test in result.tests.items()
            for metric, value in test.items()
        ],
    )
    for path in result.plots:
        page.picture(path, CAPTIONS[path.stem])
    page.section(
        "Are the two one network?",
        "Every module was given the reference's own input and cotangent. A bound follows from the "
        "arithmetic of each module; 1 would be all of it.",
    )
    headers, rows = report.rows(checks)
    page.table(headers, rows)
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "parity.png"
        parity_chart(chart, "error of every module as a share of its own bound", checks)
        page.picture(chart, "every module against its own bound")
    page.section("The exported file")
    headers, rows = report.rows(exported)
    page.table(headers, rows)
    page.section("Where this ran")
    about = report.environment()
    page.table(
        ("", ""),
        [
            ("Python", about["python"]),
            ("machine", f"{about['system']} {about['machine']}"),
            *((name, str(version)) for name, version in about["packages"].items()),
        ],
    )
    page.section("Next")
    page.code(
        f"python scripts/predict.py {result.folder.path}/bundle digit.png\n"
        f"python -m parity_tests {chapter.id} --dtype float32\n"
        "python scripts/list.py"
    )
    return page


if __name__ == "__main__":
    _cli.run(main)
