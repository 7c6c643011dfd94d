"""Bagging (the book, 16.7): networks on samples drawn with replacement, and their majority vote.

Each member has its own starting weights, order of batches and bootstrap sample of the training
split; all are measured on the same test split. Members are trained one after the other. The run
folder gets results.json, members/ (their weights) and plots/; Ctrl-C keeps the finished members.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _cli

if TYPE_CHECKING:
    import numpy as np
    from _settings import Settings
    from numpy.typing import NDArray

    from scratch.data import Dataset
    from scratch.run.folder import RunFolder
    from scratch.spec.schema import Chapter

EXAMPLES = """\
  python scripts/bagging.py mnist_small
  python scripts/bagging.py mnist_small --members 9 --twin torch --out runs/bagging
  python scripts/bagging.py mlp_coin --epochs 20 --seed 3
"""

MEMBERS = 5
PICTURE = "votes.png"


@dataclasses.dataclass(frozen=True)
class Member:
    """One trained network.

    Attributes:
        number: from 1.
        seed: of its weights and of the order of its batches.
        distinct: how many different training samples it saw.
        accuracy: on the test split.
        seconds: its training took.
        guesses: (N,) class numbers of the test samples.
    """

    number: int
    seed: int
    distinct: int
    accuracy: float
    seconds: float
    guesses: NDArray[np.int64]

    def plain(self) -> dict[str, Any]:
        """Return everything but the guesses, for JSON."""
        return {key: value for key, value in vars(self).items() if key != "guesses"}


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", help="a chapter with classes, see scripts/list.py")
    parser.add_argument("--members", type=int, default=MEMBERS, help="networks (5; the book: 9)")
    parser.add_argument(
        "--twin", choices=("scratch", "torch"), default="scratch", help="what is trained (scratch)"
    )
    parser.add_argument("--epochs", type=int, help="passes over the data; a cosine ends with them")
    parser.add_argument("--lr", type=float, help="learning rate")
    parser.add_argument("--preset", metavar="NAME", help="named settings, such as book")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn (0)")
    parser.add_argument("--size", choices=("full", "tiny"), default="full", help="(full)")
    parser.add_argument("--data", metavar="NAME", help="another data set, see scripts/list.py")
    parser.add_argument("--data-dir", metavar="DIR", help="MNIST or Fashion-MNIST IDX files")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run folder, new or empty")
    args = parser.parse_args(argv)
    _cli.one_thread()

    import _training
    import _twins

    from scratch.data import load
    from scratch.data.bagging import bootstrap
    from scratch.run.folder import RunFolder
    from scratch.spec.errors import UserError

    chosen = {key: value for key, value in vars(args).items() if key not in ("members", "out")}
    settings = _training.Settings(**chosen)
    chapter = settings.resolve()
    if chapter.data.task == "regression":
        raise UserError(f"{chapter.id} predicts a number; a vote needs a chapter with classes")
    if args.members < 1:
        raise UserError(f"--members {args.members}: expects 1 or more")
    path = _twins.fresh(f"{chapter.id}-bagging", args.twin) if args.out is None else args.out
    _training.refuse_occupied(path)
    dataset = load(chapter, args.data, args.data_dir, args.seed)
    samples = bootstrap(len(dataset.train), args.members, args.seed)
    config = {**_training.config(settings, chapter), "members": args.members}
    folder = RunFolder.create(path, {"bagging": config})
    members: list[Member] = []
    try:
        for number, rows in enumerate(samples, start=1):
            print(f"member {number} of {args.members}", flush=True)
            members.append(grow(number, rows, settings, chapter, dataset, folder))
    except (KeyboardInterrupt, SystemExit) as stop:
        if members:
            print(report(members, chapter, dataset, folder))
        kept = f"stopped in member {len(members) + 1}; {len(members)} finished: {path}"
        if isinstance(stop, SystemExit):
            print(kept, file=sys.stderr)
            raise
        raise KeyboardInterrupt(kept) from None
    print(report(members, chapter, dataset, folder))
    return _cli.OK


def grow(
    number: int,
    rows: NDArray[np.int64],
    settings: Settings,
    chapter: Chapter,
    dataset: Dataset,
    folder: RunFolder,
) -> Member:
    """Train one member, and keep its weights in the folder.

    Args:
        number: from 1.
        rows: (n,) numbers of the training samples it sees.
        settings: give twin and seed.
        chapter: with the hyper-parameters of the run.
        dataset: all samples.
        folder: of the run.

    Raises:
        UserError: the twin is not installed, or its loss is not finite.
    """
    import _twins
    import numpy as np

    from scratch import weights
    from scratch.data import Split
    from scratch.data.streams import stream

    seed = int(stream(settings.seed, "member", number).integers(2**31))
    split = Split(dataset.train.x[rows], dataset.train.y[rows])
    own = dataclasses.replace(dataset, train=split)
    (twin,) = _twins.build([settings.twin], chapter, seed)
    history = twin.fit(own, seed=seed, folder=None, progress=sys.stderr.isatty())
    guesses = classes(chapter, twin.predict(dataset.test.x))
    place = folder.path / "members"
    place.mkdir(exist_ok=True)
    about = {"chapter": chapter.id, "size": chapter.size, "twin": settings.twin}
    weights.save(place / f"{number}.safetensors", twin.state(), about)
    accuracy = float(np.mean(guesses == truth(dataset)))
    return Member(number, seed, len(np.unique(rows)), accuracy, history.seconds, guesses)


def classes(chapter: Chapter, outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class numbers (N,) that a network's outputs (N, C) name, (N K,) of K answers."""
    binary = chapter.data.task == "binary"
    named: Any = outputs.reshape(-1) > 0 if binary else outputs.argmax(axis=1)
    return named.astype("int64")  # type: ignore[no-any-return]


def truth(dataset: Dataset) -> NDArray[np.int64]:
    """Return the class numbers (N,) of the test split; of two labels the larger is class 1."""
    y: Any = dataset.test.y.reshape(-1)
    return (y > 0 if dataset.test.y.ndim > 1 else y).astype("int64")  # type: ignore[no-any-return]


def report(members: Sequence[Member], chapter: Chapter, dataset: Dataset, folder: RunFolder) -> str:
    """Write results.json and the picture, seal the folder, and return the table.

    Args:
        members: the finished ones, at least one.
        chapter: what was trained.
        dataset: gives the test split.
        folder: of the run.
    """
    import numpy as np
    from _training import RESULTS
    from tabulate import tabulate

    from scratch.data.bagging import majority
    from scratch.run.files import atomic_write
    from scratch.run.pictures.votes import votes

    singles = [member.accuracy for member in members]
    voted = majority(np.stack([member.guesses for member in members]))
    vote, median = float(np.mean(voted == truth(dataset))), statistics.median(singles)
    body = {
        "test": {"vote": {"accuracy": vote}, "median member": {"accuracy": median}},
        "members": [member.plain() for member in members],
    }
    atomic_write(folder.path / RESULTS, (json.dumps(body, indent=1) + "\n").encode())
    votes(folder.plots / PICTURE, singles, vote, f"{chapter.title}: bagging\ntest split")
    folder.seal()
    rows: list[tuple[object, ...]] = [
        (m.number, m.distinct, f"{m.accuracy:.4f}", f"{m.seconds:.1f}") for m in members
    ]
    rows += [("median", "", f"{median:.4f}", ""), ("vote", "", f"{vote:.4f}", "")]
    headers = ("member", "distinct samples", "test accuracy", "s")
    table = tabulate(rows, headers, disable_numparse=True, colalign=("right",) * len(headers))
    size = f"{len(dataset.train):,} training and {len(dataset.test):,} test samples"
    return f"\n{chapter.title} on {dataset.name}, {size}\n\n{table}\n\nrun folder: {folder.path}"


if __name__ == "__main__":
    _cli.run(main)
