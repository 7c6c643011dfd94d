"""A convolutional network beside its dense rival (the book, chapter 18): what do shapes cost each?

Both are trained in NumPy on the same samples from the same seed, the rival with the book's
hyper-parameters on pictures in grey, as in the book. The table says parameters, accuracy on the
test split and seconds of training.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _cli

if TYPE_CHECKING:
    from scratch.data import Dataset
    from scratch.spec.rivals import Rival
    from scratch.spec.schema import Chapter

EXAMPLES = """\
  python scripts/rival.py cnn_color
  python scripts/rival.py cnn_shape --rival-epochs 10 --json
  python scripts/rival.py cnn_fashion --data fashion_mnist --data-dir data
"""

_DENSE = "dnn_mnist"  # the chapter whose network and initial weights the rivals have


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", help="cnn_color, cnn_shape, cnn_cifar, ...")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", help="name of the data set")
    parser.add_argument("--data-dir", type=Path, help="folder of files")
    parser.add_argument("--epochs", type=int, help="of the convolutional network")
    parser.add_argument("--rival-epochs", type=int, help="of the dense one; the book's by default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    for name in ("epochs", "rival_epochs"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            parser.error(f"--{name.replace('_', '-')} {getattr(args, name)}: expects 1 or more")
    if args.seed < 0:
        parser.error(f"--seed {args.seed}: expects 0 or more")
    _cli.one_thread()

    from scratch import spec
    from scratch.data import load
    from scratch.spec.errors import UserError
    from scratch.spec.rivals import RIVALS

    chapter = spec.get(args.chapter)
    if chapter.id not in RIVALS:
        raise UserError(f'"{chapter.id}" has no dense rival; these have: {", ".join(RIVALS)}')
    rival = RIVALS[chapter.id]
    dataset = load(chapter, args.data, args.data_dir, args.seed)
    rows = [
        train(_with_epochs(chapter, args.epochs), dataset, args.seed, {}, ""),
        train(
            _with_epochs(dense(chapter, rival), args.rival_epochs),
            greys(dataset),
            args.seed,
            {
                "widths": rival.widths,
                "activations": ("ReLU",) * (len(rival.widths) - 2),
                "batch_norm": rival.batch_norm,
            },
            rival.section,
        ),
    ]
    print(json.dumps(rows, indent=1) if args.json else table(rows))
    return _cli.OK


def dense(chapter: Chapter, rival: Rival) -> Chapter:
    """Return the chapter of the rival: the dense network's, with the data of the other."""
    from scratch import spec

    base = spec.get(_DENSE)
    plan = dataclasses.replace(
        base.train,
        lr=rival.lr,
        batch_size=rival.batch_size,
        epochs=rival.epochs,
        optimizer_args={"momentum": rival.momentum} if rival.momentum else {},
        schedule="",
        schedule_args={},
        init="msra",
    )
    return dataclasses.replace(base, data=chapter.data, train=plan)


def greys(dataset: Dataset) -> Dataset:
    """Return the data set in grey; one of one channel is returned as it is."""
    from scratch.data import Split
    from scratch.data.colour import grey

    if dataset.train.x.shape[1] == 1:
        return dataset
    train, val, test = (
        Split(grey(split.x), split.y) for split in (dataset.train, dataset.val, dataset.test)
    )
    return dataclasses.replace(dataset, train=train, val=val, test=test)


def train(
    chapter: Chapter, dataset: Dataset, seed: int, overrides: dict[str, Any], book: str
) -> dict[str, Any]:
    """Train a network and return its row of the table."""
    from scratch.build import build
    from scratch.train import evaluate, fit

    model = build(chapter.id, seed=seed, **overrides)
    history = fit(chapter, model, dataset, seed=seed, progress=sys.stderr.isatty())
    found = evaluate(model, dataset.test, chapter.train.loss, chapter.data.task)
    sizes = [math.prod(parameter.data.shape) for _, parameter in model.named_parameters()]
    return {
        "network": f"{chapter.model} ({chapter.id})" if not overrides else _widths(overrides),
        "input": "x".join(map(str, dataset.train.x.shape[1:])),
        "parameters": sum(sizes),
        "epochs": len(history.rows),
        "accuracy": found["accuracy"],
        "seconds": history.seconds,
        "the book": book,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    from tabulate import tabulate

    cells = [
        (
            row["network"],
            row["input"],
            f"{row['parameters']:,}",
            row["epochs"],
            f"{row['accuracy']:.4f}",
            f"{row['seconds']:.1f}",
            row["the book"],
        )
        for row in rows
    ]
    right = ("left", "left", "right", "right", "right", "right", "left")
    return tabulate(cells, list(rows[0]), colalign=right, disable_numparse=True)


def _widths(overrides: dict[str, Any]) -> str:
    normalised = ", batch normalisation" if overrides["batch_norm"] else ""
    return f"dense {'-'.join(map(str, overrides['widths']))}{normalised}"


def _with_epochs(chapter: Chapter, epochs: int | None) -> Chapter:
    if epochs is None:
        return chapter
    plan = chapter.train
    arguments = {**plan.schedule_args, "T_max": epochs} if plan.schedule else {}
    return dataclasses.replace(
        chapter, train=dataclasses.replace(plan, epochs=epochs, schedule_args=arguments)
    )


if __name__ == "__main__":
    _cli.run(main)
