"""The learning-rate range test: the rate rises at every step, and the loss says where to begin.

The rate at which the loss falls fastest is the one to begin with; beyond the rate of the lowest
loss training comes apart. The loss is that of the same training samples at every step, so that
small batches do not make it jump. It may fall in two stages; --out draws it. The NumPy twin is
trained, and gets its weights back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import _cli

if TYPE_CHECKING:
    from scratch.lr_range import Range

EXAMPLES = """\
  python scripts/lr_range.py mlp_sine
  python scripts/lr_range.py mlp_mnist --steps 200 --out runs/range
  python scripts/lr_range.py lenet5 --low 1e-4 --high 1
"""

PICTURE = "lr_range.png"
POINTS = 12  # of the table


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", help="see scripts/list.py")
    parser.add_argument("--low", type=float, help="first rate, above 0")
    parser.add_argument("--high", type=float, help="last rate")
    parser.add_argument("--steps", type=int, help="from one to the other, 2 or more")
    parser.add_argument("--seed", type=int, help="of weights, batches and data (0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write {PICTURE} there")
    args = parser.parse_args(argv)
    _cli.one_thread()

    import scratch
    from scratch import data, spec
    from scratch.lr_range import lr_range
    from scratch.spec.errors import UserError

    chapter = spec.get(args.chapter)
    options = dict(lr_range.__kwdefaults__ or {})
    options |= {name: given for name in options if (given := getattr(args, name)) is not None}
    low, high, steps, seed = (options[name] for name in ("low", "high", "steps", "seed"))
    if not 0 < low < high < float("inf"):
        raise UserError(f"rates from {low:g} to {high:g}: expects 0 < --low < --high")
    if steps < 2:
        raise UserError(f"--steps {steps}: expects 2 or more")
    if seed < 0:
        raise UserError(f"--seed {seed}: expects 0 or more")
    _cli.folder(args.out, PICTURE)
    model = scratch.build(chapter.id, chapter.size, seed)
    found = lr_range(chapter, model, data.load(chapter, seed=seed), **options)
    print(f"{chapter.title}: {chapter.train.optimizer}, batches of {chapter.train.batch_size}\n")
    print(table(found), end="\n\n")
    end = " (the loss left for good)" if len(found.rates) < steps else ""
    print(f"{len(found.rates)} of {steps} steps{end}")
    print(f"the loss is lowest at a rate of {found.lowest:.3g}")
    print(f"suggested: {found.steepest:.3g}, where it falls fastest", end="")
    print(f" (the chapter trains with {chapter.train.lr:g})")
    if args.out is not None:
        print(f"picture: {draw(args.out / PICTURE, found, chapter.title)}")
    return _cli.OK


def table(found: Range) -> str:
    """Return about a dozen steps, evenly spaced, the first and the last among them."""
    from tabulate import tabulate

    last, count = len(found.rates) - 1, min(POINTS, len(found.rates))
    steps = sorted({round(n * last / max(1, count - 1)) for n in range(count)})
    rows = [(step + 1, f"{found.rates[step]:.3g}", f"{found.losses[step]:.5g}") for step in steps]
    headers = ("step", "rate", "training loss")
    return tabulate(rows, headers, disable_numparse=True, colalign=("right",) * len(headers))


def draw(path: Path, found: Range, title: str) -> Path:
    """Draw the curve and return its file."""
    from scratch.run.pictures.study import lr_range

    whole = f"{title}: learning-rate range test"
    lr_range(path, found.rates, found.losses, found.steepest, found.lowest, whole)
    return path


if __name__ == "__main__":
    _cli.run(main)
