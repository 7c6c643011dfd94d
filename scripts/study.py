"""The study of hyper-parameters (the book, 9.6, 10 and 11): what a rate, a batch or a width does.

Each list is varied alone, with everything else as in the chapter, and every run starts from the
same seed. The NumPy twin is trained. With --out the losses are drawn.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _cli

if TYPE_CHECKING:
    from scratch.data import Dataset
    from scratch.spec.schema import Chapter

EXAMPLES = """\
  python scripts/study.py mlp_sine --lr 0.1 0.3 0.5 --batch-size 5 10 20
  python scripts/study.py mlp_coin --hidden 2 4 8 16 --out runs/study
  python scripts/study.py mlp_arc --lr 0.1 0.5 --epochs 50 --json study.json
"""

Rows = Sequence[Mapping[str, Any]]

PICTURE = "study.png"
NAMES = {"lr": "learning rate", "batch_size": "batch size", "hidden": "hidden units"}
LOSSES = ("train_loss", "val_loss", "val_metric")  # columns of metrics.csv


@dataclasses.dataclass(frozen=True)
class Run:
    """What one setting led to.

    Attributes:
        name: key of NAMES.
        value: of the hyper-parameter.
        own: whether it is the chapter's.
        rows: of the epochs that were run, the columns of metrics.csv.
        test_metric: R2 or accuracy on the test split, NaN if the run diverged.
        diverged: the reason, "" if it did not.
    """

    name: str
    value: float
    own: bool
    rows: Rows
    test_metric: float
    diverged: str

    @property
    def label(self) -> str:
        """The value in words."""
        return f"{self.value:g}{' (chapter)' * self.own}{' diverged' * bool(self.diverged)}"

    def figures(self) -> dict[str, Any]:
        """Return the numbers at the last epoch's end; None for what is missing or not finite."""
        last: Mapping[str, Any] = self.rows[-1] if self.rows else {"seconds": 0.0}
        numbers = {key: last.get(key) for key in LOSSES} | {"test_metric": self.test_metric}
        return {"epochs": len(self.rows), **_finite(numbers), "seconds": last["seconds"]}

    def plain(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return vars(self) | self.figures() | {"rows": [_finite(row) for row in self.rows]}


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", help="see scripts/list.py")
    parser.add_argument("--lr", type=float, nargs="+", default=[], help="learning rates")
    parser.add_argument("--batch-size", type=int, nargs="+", default=[], help="samples per step")
    parser.add_argument(
        "--hidden", type=int, nargs="+", default=[], help="units of every hidden layer (file mlp)"
    )
    parser.add_argument("--epochs", type=int, help="passes over the data; a cosine ends with them")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and data (0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write {PICTURE} there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args(argv)
    _cli.one_thread()
    given = {name: list(dict.fromkeys(getattr(args, name))) for name in NAMES}
    if not any(given.values()):
        parser.error("nothing to vary; give --lr, --batch-size or --hidden")

    from _settings import Settings

    from scratch.data import load
    from scratch.run.files import atomic_write
    from scratch.run.pictures.study import study

    chapter = Settings(args.chapter, twin="scratch", seed=args.seed, epochs=args.epochs).resolve()
    plans = [(name, v, varied(chapter, name, v)) for name in NAMES for v in given[name]]
    _cli.folder(args.out, PICTURE)
    _cli.writable(args.json)
    dataset = load(chapter, seed=args.seed)
    runs = []
    for number, (name, value, plan) in enumerate(plans, start=1):
        print(f"run {number} of {len(plans)}: {NAMES[name]} {value:g}", flush=True)
        runs.append(Run(name, value, plan == chapter, *follow(plan, dataset, args.seed)))
    print(f"\n{chapter.title}, seed {args.seed}\n\n{table(runs)}")
    for run in filter(lambda run: run.diverged, runs):
        print(f"{NAMES[run.name]} {run.value:g}: {run.diverged}")
    if args.json is not None:
        body = {"chapter": chapter.id, "seed": args.seed, "runs": [run.plain() for run in runs]}
        atomic_write(args.json, (json.dumps(body, indent=1) + "\n").encode())
    if args.out is not None:
        panels: dict[str, dict[str, Any]] = {}
        for run in runs:
            panels.setdefault(NAMES[run.name], {})[run.label] = run.rows
        study(args.out / PICTURE, panels, chapter.title)
        print(f"picture: {args.out / PICTURE}")
    return _cli.OK


def varied(chapter: Chapter, name: str, value: Any) -> Chapter:
    """Return the chapter with one hyper-parameter changed.

    Args:
        chapter: at its size.
        name: key of NAMES.
        value: a learning rate, or a whole number of samples or units, above 0.

    Raises:
        UserError: a value out of its range, or hidden units of a network that has none.
    """
    from scratch.spec.errors import UserError

    option = f"--{name.replace('_', '-')}"
    if not 0 < value < math.inf:
        raise UserError(f"{option} {value:g}: expects numbers above 0")
    if name != "hidden":
        train = dataclasses.replace(chapter.train, **{name: value})
        return dataclasses.replace(chapter, train=train)
    first, *hidden, last = chapter.arguments.get("widths", (0, 0))
    if chapter.file != "mlp" or not hidden:
        raise UserError(f"{option} is for multi-layer perceptrons; {chapter.id} is none")
    widths = (first, *(value for _ in hidden), last)
    return dataclasses.replace(chapter, arguments={**chapter.arguments, "widths": widths})


def follow(plan: Chapter, dataset: Dataset, seed: int) -> tuple[Rows, float, str]:
    """Train once; a run that diverges is told, not raised.

    Args:
        plan: the chapter with its value.
        dataset: what to train on.
        seed: of the weights and of the order of the batches.

    Returns:
        `rows`, `test_metric` and `diverged` of a Run.
    """
    import tempfile

    import sklearn.metrics  # noqa: F401  now, not within the seconds of the first run

    import scratch
    from scratch.run.folder import RunFolder
    from scratch.run.metrics import read_metrics
    from scratch.spec.errors import DivergedError
    from scratch.train import evaluate, fit

    model = scratch.build(plan.id, plan.size, seed, **plan.arguments)
    options: dict[str, Any] = {"seed": seed, "progress": sys.stderr.isatty()}
    diverged = ""
    with tempfile.TemporaryDirectory() as place:  # keeps the epochs before a run diverges
        folder = RunFolder.create(Path(place) / "run", {})
        try:
            fit(plan, model, dataset, folder=folder, checkpoint_pause=math.inf, **options)
        except DivergedError as error:
            diverged = str(error)
        except KeyboardInterrupt:  # whose message names a checkpoint that goes with the folder
            raise KeyboardInterrupt("interrupted; nothing is kept of a study") from None
        rows = read_metrics(folder.metrics_csv)
    if not diverged and None in _finite(rows[-1]).values():
        diverged = f"not finite after the last epoch: {', '.join(LOSSES)}"
    if diverged:
        return rows, math.nan, diverged
    _, test = evaluate(model, dataset.test, plan.train.loss, plan.data.task).values()
    return rows, test, ""


def table(runs: Sequence[Run]) -> str:
    """Return a row per run."""
    from tabulate import tabulate

    rows = []
    for run in runs:
        epochs, *numbers, seconds = run.figures().values()
        cells = ("diverged" if run.diverged else f"{number:.4g}" for number in numbers)
        rows.append((f"{NAMES[run.name]} {run.label}", epochs, *cells, f"{seconds:.1f}"))
    headers = ("setting", "epochs", "train loss", "val loss", "val metric", "test metric", "s")
    return tabulate(rows, headers, disable_numparse=True)


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with None for every number that is not finite."""
    bad = [key for key, v in row.items() if isinstance(v, float) and not math.isfinite(v)]
    return {**row, **dict.fromkeys(bad)}


if __name__ == "__main__":
    _cli.run(main)
