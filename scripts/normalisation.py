"""Chapter 5 of the book: what normalisation is for, as five conclusions that are computed.

  raw         raw features: training diverges
  query       features normalised, the query not: a wrong price
  restore     weights and bias restored to raw units: the right price
  normalised  the query normalised like the features: the right price
  label       the label normalised as well: when does that converge faster?

Without --case all normalisations of the features are compared too, at the chapter's learning rate.
Prices are held against the normal equation. The NumPy twin is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _cli
from _normalisation import RAW, Lesson, Run

EXAMPLES = """\
  python scripts/normalisation.py
  python scripts/normalisation.py --case restore
  python scripts/normalisation.py --epochs 20 --seed 3 --out runs/normalisation
"""

PICTURE = "normalisation.png"
OTHER = "Adam"  # its steps do not grow with the gradient, unlike those of the chapter's SGD
DIVERGED = "diverged"
NOTE = """\
Squares and a linear network: SGD's steps grow with the label, so its unit changes nothing; only the
start differs. Adam moves a weight by about the rate per step, so large weights take it long."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--case", choices=tuple(CASES), help="one conclusion; all if left out")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (%(default)s)")
    parser.add_argument("--epochs", type=int, help="of every training (as in the chapter)")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write {PICTURE} there")
    args = parser.parse_args(argv)
    _cli.one_thread()

    from scratch.spec.errors import UserError

    if args.seed < 0:
        raise UserError(f"--seed {args.seed}: expects 0 or more")
    if args.epochs is not None and args.epochs < 1:
        raise UserError(f"--epochs {args.epochs}: expects 1 or more")
    _cli.folder(args.out, PICTURE)
    lesson = Lesson(args.seed, args.epochs)
    plan, (distance, area) = lesson.chapter, lesson.query[0]
    print(f"{plan.title}\n{plan.train.optimizer}, learning rate {plan.train.lr:g}", end="; ")
    print(f"query: {distance:g} km, {area:g} m2; normal equation: {lesson.right:.2f}\n")
    chosen = (args.case,) if args.case else tuple(CASES)
    if "raw" in chosen:
        print(f"raw features: {lesson.run(features=RAW).diverged or 'did not diverge'}\n")
    if "label" in chosen:
        print(labels(lesson), NOTE, sep="\n", end="\n\n")
    if not args.case:
        print(normalisations(lesson), end="\n\n")
    print(conclusions(lesson, chosen))
    if args.out is not None:
        print(f"\npicture: {draw(args.out / PICTURE, lesson)}")
    return _cli.OK


def raw(lesson: Lesson) -> tuple[str, float | None]:
    run = lesson.run(features=RAW)
    return "nothing normalised", None if run.diverged else run.price(lesson.query)


def query(lesson: Lesson) -> tuple[str, float | None]:
    return "features normalised, the query raw", lesson.run().price(lesson.query)


def restore(lesson: Lesson) -> tuple[str, float | None]:
    weights, bias = lesson.run().restored()
    price = float((lesson.query @ weights.T + bias)[0, 0])
    return "weights and bias in raw units, the query raw", price


def normalised(lesson: Lesson) -> tuple[str, float | None]:
    run = lesson.run()
    return "features and query normalised", run.price(run.normalised(lesson.query))


def label(lesson: Lesson) -> tuple[str, float | None]:
    run = lesson.run(label=lesson.chapter.data.normalise_target)
    price = run.price(run.normalised(lesson.query))
    return "label normalised too, the prediction brought back", price


CASES: dict[str, Callable[[Any], tuple[str, float | None]]] = {
    "raw": raw,
    "query": query,
    "restore": restore,
    "normalised": normalised,
    "label": label,
}


def conclusions(lesson: Lesson, chosen: Sequence[str]) -> str:
    """Return the price of the query in each case, and its ratio to that of the normal equation."""
    rows = []
    for case in chosen:
        said, price = CASES[case](lesson)
        cells = (DIVERGED, "") if price is None else (f"{price:.2f}", f"{price / lesson.right:.4f}")
        rows.append((case, said, *cells))
    return _table(rows, ("case", "what is done", lesson.chapter.data.target, "of the right one"))


def label_runs(lesson: Lesson) -> dict[str, Run]:
    """Return trainings with raw and with normalised label, by both optimisers."""
    kinds = (RAW, lesson.chapter.data.normalise_target)
    return {
        f"{optimizer}, label {kind}": lesson.run(label=kind, optimizer=optimizer)
        for optimizer in (lesson.chapter.train.optimizer, OTHER)
        for kind in kinds
    }


def labels(lesson: Lesson) -> str:
    """Return how fast raw and normalised labels converge."""
    rows = [
        (name, *_pace(lesson, run), f"{run.rows[-1]['train_loss']:.4g}" if run.rows else "")
        for name, run in label_runs(lesson).items()
    ]
    return _table(rows, ("label", *_pace_headers(lesson), "training loss"))


def kinds_runs(lesson: Lesson) -> dict[str, Run]:
    """Return trainings with every normalisation of the features; the label stays raw."""
    from scratch.spec.schema import NORMALISATIONS

    return {kind: lesson.run(features=kind) for kind in NORMALISATIONS}


def normalisations(lesson: Lesson) -> str:
    """Return how each normalisation of the features converges, and what it makes of the weights."""
    from scratch.spec.errors import UserError

    rows = []
    for kind, run in kinds_runs(lesson).items():
        restored = [""] * (lesson.weights.size + lesson.bias.size)
        try:
            if not run.diverged:
                restored = _numbers(*run.restored())
        except UserError:
            restored[0] = "not linear"
        rows.append((kind, *_pace(lesson, run), *restored))
    exact = _numbers(lesson.weights, lesson.bias)
    rows.append(("normal equation", "", f"{lesson.best:.4f}", *exact))
    units = ("restored: per km", "per m2", "bias")
    return _table(rows, ("features", *_pace_headers(lesson), *units))


def draw(path: Path, lesson: Lesson) -> Path:
    """Draw the convergence of all runs and return the file."""
    from scratch.run.pictures.normalisation import convergence

    panels = {
        name: {f"{key} ({DIVERGED})" if run.diverged else key: run.r2 for key, run in runs.items()}
        for name, runs in (
            ("normalisation of the features, raw label", kinds_runs(lesson)),
            (f"label, features {lesson.chapter.data.normalise}", label_runs(lesson)),
        )
    }
    title = f"{lesson.chapter.title}\nlearning rate {lesson.chapter.train.lr:g}"
    convergence(path, panels, lesson.best, lesson.enough, title)
    return path


def _pace(lesson: Lesson, run: Run) -> tuple[str, str]:
    if run.diverged:
        return DIVERGED, ""
    return str(lesson.converged(run) or f"more than {len(run.rows)}"), f"{run.r2[-1]:.4f}"


def _pace_headers(lesson: Lesson) -> tuple[str, str]:
    return f"epochs to R2 {lesson.enough:.2f}", "final R2"


def _numbers(weights: Any, bias: Any) -> list[str]:
    return [f"{number:.4g}" for number in (*weights[0], *bias)]


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str]) -> str:
    from tabulate import tabulate

    return tabulate(rows, headers, disable_numparse=True)


if __name__ == "__main__":
    _cli.run(main)
