"""Run a drawn case again: `python -m parity_tests.properties FOLDER/failure.json`.

Exit code 0: it passes now; 1: it still fails; 2: no such file, or not one of these.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m parity_tests.properties",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="failure.json of a golden folder")
    file = parser.parse_args(argv).file
    try:
        text = json.loads(file.read_text("utf-8"))["draw"]
    except OSError as error:
        print(f"error: {file}: {error.strerror}", file=sys.stderr)
        return 2
    except (ValueError, KeyError, TypeError):
        print(f"error: {file}: not the failure of a drawn case", file=sys.stderr)
        return 2

    from parity_tests.harness import drawn

    try:
        case = drawn.parse(text)
    except (ValueError, KeyError, TypeError) as error:
        print(f"error: {file}: its draw cannot be read ({error})", file=sys.stderr)
        return 2
    checks = drawn.check(case)
    wrong = drawn.first(checks)
    print(wrong.divergence() if wrong else f"passes: {len(checks)} tensors of {case.case.layer}")
    return int(wrong is not None)


if __name__ == "__main__":
    sys.exit(main())
