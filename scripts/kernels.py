"""The nine named 3 x 3 kernels of the book, slid over a photo, as one picture.

A second picture follows Sobel's kernel for x through ReLU and a max pool of 2 x 2. The NumPy twin
computes them; with --twin both PyTorch does, too, and the largest differences are printed. Grey
levels and eight of the kernels are integers, so there every sum is exact in float32 and the
difference must be 0; the blur's 0.11 is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _cli

if TYPE_CHECKING:
    from scratch.nn.parameter import Array

    Layers = Sequence[Callable[[Any], Any]]

EXAMPLES = """\
  python scripts/kernels.py
  python scripts/kernels.py --photo flower --twin both --out runs/flower
"""

PHOTOS = ("china", "flower")
NINE, CHAIN = "kernels.png", "chain.png"
CHAINED = "Sobel x"
GREY = (0.0, 255.0)


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--photo", choices=PHOTOS, default=PHOTOS[0], help="a bundled one (china)")
    parser.add_argument(
        "--twin", choices=("scratch", "torch", "both"), default="scratch", help="(scratch)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("runs/kernels"), help="(runs/kernels)"
    )
    args = parser.parse_args(argv)
    _cli.one_thread()

    import numpy as np

    from scratch.data.bundled import photo
    from scratch.run.pictures.maps import panels
    from scratch.spec.kernels import NAMED

    _cli.folder(args.out, NINE)
    grey, source = photo(args.photo)
    image = grey[None, None].astype(np.float32)
    weight = np.array(list(NAMED.values()), np.float32)[:, None]  # (9, 1, 3, 3)
    names = ("scratch", "torch") if args.twin == "both" else (args.twin,)
    results = {name: TWINS[name](image, weight, list(NAMED).index(CHAINED)) for name in names}
    maps, chain = results[names[0]]
    nine = dict(zip(NAMED, maps, strict=True))
    panels(args.out / NINE, nine, f"Nine kernels on the photo {args.photo}, cut to 0 ... 255", GREY)
    steps = {"grey photo": image[0, 0], **chain}
    panels(args.out / CHAIN, steps, f"{CHAINED}, then ReLU, then max pool", columns=2)
    gaps = None
    if len(names) == 2:
        theirs, their_chain = results["torch"]
        gaps = [float(np.abs(a - b).max()) for a, b in zip(maps, theirs, strict=True)]
        gaps += [float(np.abs(chain[name] - their_chain[name]).max()) for name in chain]
    print(table({**nine, **{f"{CHAINED}: {name}": value for name, value in chain.items()}}, gaps))
    print(f"\n{source}\npictures: {args.out / NINE}, {args.out / CHAIN}")
    if gaps is not None:
        exact = [bool((kernel == np.rint(kernel)).all()) for kernel in weight] + [True] * len(chain)
        if any(gap for gap, integer in zip(gaps, exact, strict=True) if integer):
            return _cli.failed("the twins differ where every sum is exact")
        print("difference of the twins: 0 wherever kernel and photo are integers")
    return _cli.OK


def scratch(image: Array, weight: Array, chained: int) -> tuple[Array, dict[str, Array]]:
    """Return the filtered photos (9, H, W), and the stages of the chain by name, each (h, w).

    Args:
        image: (1, 1, H, W).
        weight: (9, 1, 3, 3).
        chained: which of the kernels goes on to ReLU and max pool.
    """
    from scratch import nn

    def filtered(weight: Array) -> Array:
        layer = nn.Conv2d(1, len(weight), 3, padding=1, bias=False)
        layer.load_state_dict({"weight": weight})
        return layer(image)

    with nn.inference():
        convolved = filtered(weight[chained : chained + 1])
        positive = nn.ReLU()(convolved)
        pooled = nn.MaxPool2d(2)(positive)
        return filtered(weight)[0], _stages(convolved, positive, pooled)


def torch(image: Array, weight: Array, chained: int) -> tuple[Array, dict[str, Array]]:
    """Return the same, computed by PyTorch."""
    from torch import from_numpy, inference_mode, nn

    def filtered(weight: Array) -> Any:
        layer = nn.Conv2d(1, len(weight), 3, padding=1, bias=False)
        layer.load_state_dict({"weight": from_numpy(weight)})
        return layer(from_numpy(image))

    with inference_mode():
        convolved = filtered(weight[chained : chained + 1])
        positive = nn.ReLU()(convolved)
        pooled = nn.MaxPool2d(2)(positive)
        stages = _stages(*(value.numpy() for value in (convolved, positive, pooled)))
        return filtered(weight)[0].numpy(), stages


TWINS = {"scratch": scratch, "torch": torch}


def _stages(convolved: Array, positive: Array, pooled: Array) -> dict[str, Array]:
    return {
        "convolution": convolved[0, 0],
        "ReLU": positive[0, 0],
        "max pool 2 x 2": pooled[0, 0],
    }


def table(maps: Mapping[str, Array], gaps: Sequence[float] | None) -> str:
    """Return a line per map: its size, its extremes and, if known, the difference of the twins."""
    from tabulate import tabulate

    rows = []
    for number, (name, values) in enumerate(maps.items()):
        size = " x ".join(str(side) for side in values.shape)
        row = [name, size, f"{values.min():g}", f"{values.max():g}"]
        rows.append(row if gaps is None else [*row, f"{gaps[number]:.2g}"])
    headers = ["kernel", "size", "least", "largest"] + (["difference"] if gaps else [])
    align = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers, disable_numparse=True, colalign=align)


if __name__ == "__main__":
    _cli.run(main)
