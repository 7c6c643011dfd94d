"""The whole road once: train LeNet-5 both ways on real digits, prove, export, verify, report.

`make demo` runs this. It takes one to two minutes on two cores and ends with a page to look at.
Exit code 1: a check failed, or a network stayed below the accuracy that its chapter promises.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import _cli

if TYPE_CHECKING:
    from _settings import Settings
    from _training import Result

    from parity_tests.harness.verdict import Check

EXAMPLES = """\
  make demo
  python scripts/demo.py --chapter mlp_mnist --report mlp.html
"""

# L5 is short whatever the network is; L6 is the verified bundle.
LEVELS = (("float64", ("L0", "L1", "L2")), ("float32", ("L3",)))
STEPS = 100
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--chapter", default="lenet5", help="which chapter (lenet5)")
    parser.add_argument("--epochs", type=int, help="fewer for a first look")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the run folder; a fresh one below runs/"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="the page (report.html beside the README)"
    )
    args = parser.parse_args(argv)
    for name in THREADS:  # networks of this size are fastest on one thread
        os.environ.setdefault(name, "1")

    import _demo_page
    import _training
    import _twins

    from scratch.run.files import atomic_write

    target = args.report or _cli.ROOT / "report.html"
    _cli.writable(target)
    start = time.perf_counter()
    settings = _training.Settings(args.chapter, twin="both", epochs=args.epochs)
    chapter = settings.resolve()
    out = args.out or _twins.fresh("demo", chapter.id)

    _say(f"1. Training {chapter.title} twice: the same initial weights, the same batches")
    result = _train(settings, out)
    _say("2. Are the two the same network?")
    checks = _prove(chapter.id)
    _say("3. Exporting the torch twin, and holding every runtime against float64")
    exported, refusal = _export(result)

    problems = [*_problems(result, [*checks, *exported], settings.default()), *refusal]
    seconds = time.perf_counter() - start
    page = _demo_page.page(result, checks, exported, problems, settings.default(), seconds)
    atomic_write(target, page.html().encode())
    _say(f"Where to look next (all of this took {seconds:.0f} s)")
    path = result.folder.path
    hints = (
        (target, "open it in a browser"),
        (path, "the run: weights, metrics, plots/, bundle/"),
        (f"scratch/models/{chapter.file}.py", f"beside ref_torch/models/{chapter.file}.py"),
        (f"python -m parity_tests {chapter.id}", "every level of the proof"),
        (f"python scripts/predict.py {path / 'bundle'} INPUT", "without torch"),
        ("python scripts/list.py", "the other chapters"),
    )
    width = max(len(str(what)) for what, _ in hints)
    for what, why in hints:
        print(f"   {what!s:{width}}   {why}")
    for problem in problems:
        _cli.failed(problem)
    return _cli.FAILED if problems else _cli.OK


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _train(settings: Settings, out: Path) -> Result:
    import _training
    from _follow import Follow

    chapter = settings.resolve()
    metrics, band = out / "metrics.csv", chapter.expected
    _training.refuse_occupied(out)
    follow = Follow(metrics, chapter.train.epochs, band.metric)
    with nullcontext() if sys.stderr.isatty() else follow:
        result = _training.train(settings, out)
    for name, test in result.tests.items():
        value = test[band.metric]
        said = _training.verdict(band, value, settings.default())
        print(f"   {name:8} test {band.metric} {value:.4f} ({said})", flush=True)
    return result


def _prove(id: str) -> list[Check]:
    from parity_tests.harness import report, runner
    from parity_tests.harness.levels import trajectory

    checks: list[Check] = []
    for dtype, levels in LEVELS:
        checks += runner.check_chapter(id, "tiny", dtype, 0, levels)
    checks += runner.protected("L5", id, 0, lambda: trajectory.run(id, steps=STEPS))
    print(report.table(checks))
    for line in report.failure_lines(id, checks, id):
        print(line)
    print(f"(tiny size; L5: {STEPS} steps of training with each optimizer)", flush=True)
    return checks


def _export(result: Result) -> tuple[list[Check], list[str]]:
    """Return the checks of the bundle, which is read back; and why there is none."""
    import _twins

    from parity_tests.harness.bundle import BundleRefused, write_bundle
    from parity_tests.harness.export import verify
    from parity_tests.harness.export_report import per_engine
    from ref_torch.export import ExportError

    bundle = result.folder.path / "bundle"
    model = next(twin.model for twin in result.twins if isinstance(twin, _twins.Torch))
    training = {"run": result.folder.path.name}
    try:
        write_bundle(model, result.chapter, result.dataset, bundle, training=training)
    except BundleRefused as error:
        print(per_engine(error.checks), flush=True)
        return error.checks, []
    except ExportError as error:
        return [], [str(error)]
    checks = verify(bundle)
    print(per_engine(checks), flush=True)
    return checks, []


def _problems(result: Result, checks: Sequence[Check], judged: bool) -> list[str]:
    """Return a sentence for the first failing check and for every twin below the band."""
    failing = [check for check in checks if check.failing]
    problems = [f"{len(failing)} checks failed; {failing[0].divergence()}"] if failing else []
    band = result.chapter.expected
    for name, test in result.tests.items():
        value = test[band.metric]
        if judged and band.low is not None and not value >= band.low:
            problems.append(f"{name}: test {band.metric} {value:.4f}, expected {band.low:g}")
    return problems


if __name__ == "__main__":
    _cli.run(main)
