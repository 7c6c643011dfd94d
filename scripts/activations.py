"""The activations of chapter 8 of the book and their derivatives, from the layers' own backward.

The derivative is what backward returns for a gradient of ones. Where torch is installed, its layers
compute the same points and the largest difference is printed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import _cli

if TYPE_CHECKING:
    from scratch.nn.parameter import Array

EXAMPLES = """\
  python scripts/activations.py
  python scripts/activations.py Sigmoid Tanh --at -4 0 4
  python scripts/activations.py --out runs/activations
"""

NAMES = (
    "Step",
    "Sigmoid",
    "Tanh",
    "BentIdentity",
    "ReLU",
    "LeakyReLU",
    "Softplus",
    "ELU",
    "GELU",
    "SiLU",
)
POINTS = (-2.0, -0.5, 0.0, 0.5, 2.0)
REACH, SAMPLES = 4.0, 801  # of the curves: inputs from -REACH to REACH
FARTHEST = 1000.0  # an input of the table; beyond, all curves are straight
PICTURE = "activations.png"


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(NAMES)}; all if none")
    parser.add_argument(
        "--at", type=float, nargs="+", default=POINTS, metavar="X", help="inputs of the table"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write {PICTURE} there")
    args = parser.parse_args(argv)
    _cli.one_thread()

    import numpy as np

    from scratch.spec.errors import UserError, unknown

    for name in args.name:
        if name not in NAMES:
            raise unknown("activation", name, NAMES)
    points = np.array(args.at)
    if not (np.abs(points) <= FARTHEST).all():
        given = " ".join(f"{point:g}" for point in points)
        raise UserError(f"--at {given}: expects numbers from -{FARTHEST:g} to {FARTHEST:g}")
    _cli.folder(args.out, PICTURE)
    chosen = tuple(dict.fromkeys(args.name)) or NAMES
    grid = np.linspace(-REACH, REACH, SAMPLES)
    print(table(chosen, points, grid))
    if importlib.util.find_spec("torch") is None:
        print("\n(torch is not installed: nothing to compare with)")
    if args.out is not None:
        from scratch.run.pictures.activations import activations

        activations(args.out / PICTURE, grid, {name: curve(name, grid) for name in chosen})
        print(f"\npicture: {args.out / PICTURE}")
    return _cli.OK


def curve(name: str, x: Array) -> tuple[Array, Array]:
    """Return value and derivative of an activation of `scratch.nn`, of the shape of x each."""
    import numpy as np

    from scratch import nn

    layer = getattr(nn, name)()
    value = layer(x)
    return value, layer.backward(np.ones_like(value))


def reference(name: str, x: Array) -> tuple[Array, Array]:
    """Return the same of its torch twin, the derivative by autograd."""
    import torch

    from ref_torch import nn

    point = torch.tensor(x, requires_grad=True)
    value = getattr(nn, name)()(point)
    value.backward(torch.ones_like(value))
    assert point.grad is not None  # a leaf that requires one
    return value.detach().numpy(), point.grad.numpy()


def differences(name: str, x: Array) -> tuple[float, float]:
    """Return the largest difference of the twins at x: of the values, of the derivatives."""
    import numpy as np

    pairs = zip(curve(name, x), reference(name, x), strict=True)
    value, derivative = (float(np.abs(ours - theirs).max()) for ours, theirs in pairs)
    return value, derivative


def table(names: Sequence[str], points: Array, grid: Array) -> str:
    """Return two lines per activation, its value and its derivative at the points (P,).

    The last column, where torch is installed, is the largest difference over points and grid.
    """
    import numpy as np
    from tabulate import tabulate

    compare = importlib.util.find_spec("torch") is not None
    everywhere = np.concatenate([points, grid])
    rows = []
    for name in names:
        gaps = differences(name, everywhere) if compare else (None, None)
        for label, values, gap in zip(
            (name, "  derivative"), curve(name, points), gaps, strict=True
        ):
            line = [label, *(f"{value:.4f}" for value in values)]
            rows.append(line if gap is None else [*line, f"{gap:.1e}"])
    headers = ["activation", *(f"x = {point:g}" for point in points)]
    if compare:
        headers.append("difference to torch")
    align = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers, disable_numparse=True, colalign=align, preserve_whitespace=True)


if __name__ == "__main__":
    _cli.run(main)
