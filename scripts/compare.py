"""Which layer of your implementation is wrong? Hold its tensors against golden vectors.

MINE is a folder with one .bin (raw) or .npy file per tensor, a .npz or a .safetensors file; names
as in the golden folder, of which a part is enough. Tensors of the exact set lie in MINE/exact,
those of the real one in MINE/real or in MINE itself. The table runs in the order of execution,
forward, then backward; for what is wrong, mistakes that people make are tried, and those that fit
are named. Exit code 0: all within their bounds; 1: not; 2: nothing to compare. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import _cli

EXAMPLES = """\
  python scripts/golden.py mlp_mnist --out golden/mlp_mnist --format raw
  python scripts/compare.py golden/mlp_mnist my_tensors/
  python scripts/compare.py golden/mlp_mnist mine.npz --json report.json
  python scripts/compare.py golden/mlp_mnist mine.npz --forced    each layer was given golden inputs
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("golden", type=Path, help="a folder that scripts/golden.py made")
    parser.add_argument("mine", type=Path, help="a folder, .npz or .safetensors file")
    parser.add_argument(
        "--dtype",
        choices=("float64", "float32"),
        default="",
        help="precision in which you compute, if the files do not show it",
    )
    parser.add_argument(
        "--forced",
        action="store_true",
        help="each layer was given the golden inputs and cotangent: its own, tighter bounds apply",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON too")
    args = parser.parse_args(argv)

    from parity_tests.harness.golden import formats, table
    from parity_tests.harness.golden.judge import judge
    from scratch.run.files import atomic_write
    from scratch.spec.errors import UserError

    _cli.writable(args.json)
    manifest, golden = formats.read(args.golden)
    mine = formats.mine(args.mine, manifest.sets)
    reports = [
        judge(manifest.find(name), golden[name], arrays, args.dtype, args.forced)
        for name, arrays in mine.items()
    ]
    if not any(report.given for report in reports):
        near = [line for report in reports for line in table.warnings(report)]
        raise UserError(
            f"{args.mine}: no tensor has a name of {args.golden}; {'; '.join(near[:3])}"
        )
    print("\n\n".join(table.text(report) for report in reports), end="\n\n")
    print("\n".join(line for report in reports for line in table.verdict_lines(report)))
    if args.json:
        described = {"chapter": manifest.chapter, "size": manifest.size, "dtype": manifest.dtype}
        atomic_write(args.json, table.document(reports, described).encode())
    return _cli.FAILED if any(report.first for report in reports) else _cli.OK


if __name__ == "__main__":
    _cli.run(main)
