"""Foreign judges: the layers of scratch on inputs, options and results that somebody else wrote.

PyTorch's own module tests say with which arguments a layer is made and what it is given; scratch
must make what torch makes, forward and backward, in both precisions. ONNX's operator tests say
what must come out. All are held to the bounds of the parity harness. What scratch refuses must be
refused in words and for a listed reason; what it does not have is left out and counted.
Exit code 0: every applicable case passes; 1: one does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import _cli

JUDGES = ("torch", "onnx")
EXAMPLES = """\
  python scripts/judges.py
  python scripts/judges.py --judge torch
  python scripts/judges.py --json judges.json
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--judge", choices=JUDGES, help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every case there too")
    args = parser.parse_args(argv)
    _cli.one_thread()
    _cli.writable(args.json)

    from parity_tests.harness.judges import onnx_nodes, tally, torch_modules
    from scratch.run.files import atomic_write

    cases, others = [], 0
    if args.judge in (None, "torch"):
        cases += torch_modules.run()
    if args.judge in (None, "onnx"):
        found, others = onnx_nodes.run()
        cases += found
    print(tally.table(cases))
    if others:
        print(f"onnx: {others} more tests are of graphs and operators that scratch does not have")
    failures = tally.failures(cases)
    for line in failures:
        print(f"FAILED {line}")
    if args.json:
        atomic_write(args.json, tally.document(cases).encode())
    print(tally.summary(cases))
    return _cli.FAILED if failures else _cli.OK


if __name__ == "__main__":
    _cli.run(main)
