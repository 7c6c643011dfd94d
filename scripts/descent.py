"""Step 1 of the book: move a function's inputs until its value is what it should be, twice.

The scalar tape and torch's autograd make the same steps side by side. With --out, pictures of the
paths (and of the first neuron and the losses, for all examples) are written into a folder.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import _cli

EXAMPLES = """\
  python scripts/descent.py
  python scripts/descent.py backprop_linear --graph
  python scripts/descent.py descent_2d --out runs/descent
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("example", nargs="*", help="all if none; a wrong name lists them")
    parser.add_argument("--graph", action="store_true", help="print the graph at the start")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write pictures there")
    args = parser.parse_args(argv)

    from scratch.spec import descent as spec

    chosen = [spec.get(id) for id in args.example] or list(spec.EXAMPLES)
    _cli.folder(args.out, f"{chosen[0].id}.png")
    for example in chosen:
        print(f"{example.id}: {example.title}\n  {example.formula}\n")
        if args.graph:
            print(graph(example), end="\n\n")
        for run in example.runs:
            print(table(example, run), end="\n\n")
        if args.out is not None:
            print(f"picture: {draw(args.out, example)}\n")
    if args.out is not None and not args.example:
        print(*(f"picture: {path}" for path in draw_basics(args.out)), sep="\n")
    return _cli.OK


def graph(example: Any) -> str:
    """Return the tape of an example at its start."""
    from scratch.descent import FUNCTIONS
    from scratch.tape import Value

    start = example.runs[0].start
    result = FUNCTIONS[example.function](**{name: Value(v, name) for name, v in start.items()})
    result.backward()
    return result.trace()


def table(example: Any, run: Any) -> str:
    """Return a run of both twins, a line per point."""
    from tabulate import tabulate

    from scratch import descent

    ours = descent.follow(example.function, run)
    header = ["step", *run.start, "value"]
    rows = [[n, *p.inputs.values(), p.value] for n, p in enumerate(ours)]
    note = ""
    if importlib.util.find_spec("torch") is None:
        note = "  (torch is not installed: the tape alone)"
    else:
        from ref_torch import descent as reference

        theirs = reference.follow(example.function, run)
        header += [*(f"{name} (torch)" for name in run.start), "value (torch)"]
        for row, point in zip(rows, theirs, strict=True):
            row += [*point.inputs.values(), point.value]
        gap = max(abs(a.value - b.value) for a, b in zip(ours, theirs, strict=True))
        note = f"  largest difference of the values: {gap:.1e}"
    if abs(ours[-1].value - run.target) > run.enough:
        note = f"  not there after {len(ours) - 1} steps\n{note}"
    return f"{run.title}\n{tabulate(rows, header, floatfmt='.6f')}\n{note}"


def draw(folder: Path, example: Any) -> Path:
    """Draw the runs of an example on its curve or its surface."""
    import _paths

    from scratch import descent

    visited = {
        run.title: [tuple(p.inputs.values()) for p in descent.follow(example.function, run)]
        for run in example.runs
    }
    return _paths.draw(folder / f"{example.id}.png", example, visited)


def draw_basics(folder: Path) -> list[Path]:
    """Draw the first neuron and the curves of the losses."""
    import numpy as np

    from scratch import basics
    from scratch.run.pictures import basics as pictures

    colours = {
        "red": (1.0, 0.0, 0.0),
        "orange": (1.0, 0.6, 0.0),
        "yellow": (1.0, 1.0, 0.0),
        "green": (0.0, 0.8, 0.0),
        "cyan": (0.0, 1.0, 1.0),
        "blue": (0.0, 0.0, 1.0),
        "purple": (0.5, 0.0, 0.6),
    }
    arrays = {name: np.array(rgb) for name, rgb in colours.items()}
    steep = lambda z: basics.sigmoid(z, 8.0)  # noqa: E731
    drawn = [folder / "neuron.png", folder / "losses.png"]
    title = "Warm or cold: a neuron with three inputs (sigmoid of 8 z)"
    pictures.neuron(drawn[0], arrays, basics.warmth, basics.step, steep, title)
    curves = {
        "squared, (a - y)^2 / 2": {
            "target 0": lambda a: a**2 / 2,
            "target 1": lambda a: (a - 1) ** 2 / 2,
        },
        "cross-entropy": {
            "target 0": lambda a: basics.information(1 - a),
            "target 1": basics.information,
        },
    }
    spans = {"squared, (a - y)^2 / 2": (-0.5, 1.5), "cross-entropy": (0.01, 0.99)}
    pictures.losses(drawn[1], curves, spans)
    return drawn


if __name__ == "__main__":
    _cli.run(main)
