"""Golden vectors of a chapter, for an implementation in any language.

Input, parameters, every named activation, loss, every cotangent, every gradient, parameters after
K optimiser steps; each with the bound that it must meet, in manifest.json. Beside the real set
stands an exact one of integers, which must come out bit for bit. The same command writes the same
bytes. Then hold your own tensors against them: scripts/compare.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import _cli

FORMATS = ("safetensors", "npz", "raw", "c-header")
EXAMPLES = """\
  python scripts/golden.py mlp_mnist --out golden/mlp_mnist
  python scripts/golden.py lenet5 --out golden/lenet5 --format raw        one .bin per tensor
  python scripts/golden.py lenet5 --out golden/lenet5-c --format c-header --dtype float32
  python scripts/golden.py dnn_house --out golden/dnn_house --size full --steps 3
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", help="see scripts/list.py")
    parser.add_argument("--out", type=Path, required=True, help="folder that will be made")
    parser.add_argument("--size", choices=("tiny", "full"), default="tiny", help="(%(default)s)")
    parser.add_argument(
        "--dtype",
        choices=("float64", "float32"),
        default="float64",
        help="of the files; float64 serves implementations in either precision (%(default)s)",
    )
    parser.add_argument("--steps", type=int, default=1, help="optimiser steps (%(default)s)")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="(%(default)s)")
    args = parser.parse_args(argv)
    _cli.one_thread()

    from parity_tests.harness.golden import content, formats

    manifest, sets = content.make(args.chapter, args.size, args.dtype, args.steps, args.format)
    formats.write(args.out, manifest, sets)
    for one in manifest.sets:
        print(f"{one.name}: {len(one.tensors)} tensors, {one.note}")
    print(f"wrote {args.out}; next: python scripts/compare.py {args.out} MINE")
    return _cli.OK


if __name__ == "__main__":
    _cli.run(main)
