"""Is backward right? Every gradient of a chapter's NumPy network against a two-sided difference.

The relative error is ||analytic - numeric|| / (||analytic|| + ||numeric||) and is read as in the
book (12.2). The network has its initial weights and reads samples of its data set, both moved a
little at random, so that nothing is zero; penalties on the weights are left aside. The exit code
is 1 if a gradient is wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import _cli

if TYPE_CHECKING:
    from scratch.gradcheck import Array, Pairs
    from scratch.nn import Module
    from scratch.spec.schema import Chapter

EXAMPLES = """\
  python scripts/gradcheck.py mlp_xor
  python scripts/gradcheck.py lenet5 --entries 50 --seed 3
  python scripts/gradcheck.py mlp_mnist --size full
"""

LOSS, INPUT = "loss (its input)", "input"
WRONG = "wrong"
UNSEEN = "not compared"
ZERO = "zero"  # what a null direction's row is called
SPREAD = 0.1  # standard deviation of what is added to weights and samples


@dataclasses.dataclass(frozen=True)
class Line:
    """The verdict on one tensor.

    Attributes:
        name: of the parameter; LOSS and INPUT for the gradients that are handed down.
        error: relative error, without unit.
        entries: how many numbers were compared.
        kinks: how many were left out, because the function has a kink there.
        verdict: the book's word.
    """

    name: str
    error: float
    entries: int
    kinks: int
    verdict: str


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", help="see scripts/list.py")
    parser.add_argument("--size", choices=("full", "tiny"), default="tiny", help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is drawn (%(default)s)")
    parser.add_argument(
        "--entries", type=int, default=20, help="of each tensor, drawn at random (%(default)s)"
    )
    parser.add_argument("--samples", type=int, default=4, help="in the batch (%(default)s)")
    args = parser.parse_args(argv)
    _cli.one_thread()

    import scratch
    from scratch import spec
    from scratch.spec.errors import UserError

    chapter = spec.get(args.chapter, args.size)
    for name, least in (("entries", 1), ("samples", 1), ("seed", 0)):
        if getattr(args, name) < least:
            raise UserError(f"--{name} {getattr(args, name)}: expects {least} or more")
    model = scratch.build(chapter.id, chapter.size, args.seed)
    lines = check(chapter, model, args.entries, args.samples, args.seed)
    print(f"{chapter.title}, {chapter.size}\n\n{table(lines)}\n\n{legend()}")
    wrong = [line.name for line in lines if line.verdict == WRONG]
    if wrong:
        # Gradients go from the loss to the input: what is wrong first spoils what comes after it.
        return _cli.failed(f"wrong gradients: {', '.join(wrong)}; look at {wrong[0]} first")
    return _cli.OK


def check(chapter: Chapter, model: Module, entries: int, samples: int, seed: int) -> list[Line]:
    """Compare every gradient, in the order of backward: the loss, the last layer, ..., the input.

    Args:
        chapter: gives the data, the loss, and the parameters whose true gradient is zero.
        model: its network, which is moved to float64 and away from its initial weights.
        entries: numbers of each tensor that are compared.
        samples: N, taken from the training split.
        seed: of the data and of all that is drawn.
    """
    import numpy as np

    from scratch.data import load
    from scratch.gradcheck import finite_difference
    from scratch.train import build_loss, predict

    rng = np.random.default_rng(seed)
    model.astype(np.float64)
    for parameter in model.parameters():
        parameter.data += SPREAD * rng.standard_normal(parameter.data.shape)
    split = load(chapter, seed=seed).train
    x, target = split.x[:samples], split.y[:samples]
    if x.dtype.kind == "f":
        x = x + SPREAD * rng.standard_normal(x.shape)
    if target.dtype.kind == "f":
        target = target.astype(np.float64)
    outputs = predict(model, x)
    at_loss, kinks = finite_difference(
        build_loss(chapter.train), (outputs, target), np.ones(()), entries, seed
    )
    found, skipped = finite_difference(model, (x,), entries=entries, seed=seed)
    names = {"dx": INPUT}
    return [
        _line(LOSS, at_loss["dx"], kinks["dx"]),
        *(
            _line(
                names.get(name, name),
                found[name],
                skipped[name],
                _largest(found) if name in chapter.null_directions else None,
            )
            for name in reversed(found)
        ),
    ]


def _line(name: str, pair: tuple[Array, Array], kinks: int, among: float | None = None) -> Line:
    """Judge one tensor; the error of a null direction is relative to the largest gradient."""
    import numpy as np

    from scratch.gradcheck import norm_ratio, reading

    analytic, numeric = pair
    if among is None:
        error = norm_ratio(analytic, numeric)
    else:
        error = float(np.linalg.norm(analytic - numeric)) / (among or 1.0)
        name = f"{name} ({ZERO})"
    verdict = reading(error) if analytic.size else UNSEEN
    return Line(name, error, analytic.size, kinks, verdict)


def _largest(pairs: Pairs) -> float:
    """Return the largest norm of a numeric gradient."""
    import numpy as np

    return max(float(np.linalg.norm(numeric)) for _, numeric in pairs.values())


def table(lines: Sequence[Line]) -> str:
    """Return the verdicts, a line per tensor."""
    from tabulate import tabulate

    rows = [(n.name, f"{n.error:.1e}", n.entries, n.kinks, n.verdict) for n in lines]
    headers = ("gradient of", "relative error", "compared", "at a kink", "verdict")
    return tabulate(rows, headers, disable_numparse=True)


def legend() -> str:
    """Return how errors are read."""
    from scratch.gradcheck import BANDS

    bands = [f"below {limit:g} {word}" for limit, word in BANDS[:-1]]
    return f"{', '.join(bands)}, else {BANDS[-1][1]}"


if __name__ == "__main__":
    _cli.run(main)
