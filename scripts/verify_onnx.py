"""Verify a bundle: torch, ONNX Runtime, onnx.reference and scratch side by side against float64.

The files first (SHA-256), then what the bundle says about itself, then the values: batches of
1, 2, 3 and 7, five seeds of random inputs, and real samples. Exit code 0: all checks passed;
1: a check failed; 2: this is no bundle.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import _cli

EXAMPLES = """\
  python scripts/verify_onnx.py bundle/lenet5
  python scripts/verify_onnx.py bundle/lenet5 --all       every check, not only a row per engine
  python scripts/verify_onnx.py bundle/lenet5 --json
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("bundle", type=Path, help="a folder that scripts/export_onnx.py made")
    parser.add_argument("--all", action="store_true", help="print every check")
    parser.add_argument("--json", action="store_true", help="print every check as JSON")
    args = parser.parse_args(argv)

    from parity_tests.harness.export import verify
    from parity_tests.harness.export_report import checks_json, every_check, per_engine

    checks = verify(args.bundle)
    failing = [check for check in checks if check.failing]
    if args.json:
        print(json.dumps(checks_json(checks), indent=1, ensure_ascii=False))
    else:
        print(every_check(checks) if args.all else per_engine(checks))
        print(f"\n{len(checks) - len(failing)} of {len(checks)} checks passed")
        for check in failing:
            print(f"{check.verdict}: {check.tensor}, {check.engine}: {check.note or check.used}")
    return _cli.FAILED if failing else _cli.OK


if __name__ == "__main__":
    _cli.run(main)
