"""Write the generated parts of README.md: the table of chapters and the picture of the proof.

`make readme` measures first: parity in both precisions, then speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import _cli
import list as chapters

EXAMPLES = """\
  make readme
  python scripts/readme.py --parity build/parity-float64.json --speed build/bench.json
"""

BEGIN, END = "<!-- chapters: made by make readme -->", "<!-- /chapters -->"
PICTURE = ".github/parity.png"
SHOWN = "lenet5"


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument(
        "--parity", type=Path, action="append", required=True, help="of python -m parity_tests"
    )
    parser.add_argument("--speed", type=Path, required=True, help="of scripts/bench.py --json")
    parser.add_argument("--readme", type=Path, default=_cli.ROOT / "README.md")
    args = parser.parse_args(argv)

    from scratch import spec
    from scratch.run.files import atomic_write

    columns = {
        "parity": chapters.parity(args.parity),
        "time / torch's": chapters.speed(args.speed),
    }
    entries = [chapters.entry(id) for id in spec.ids()]
    text = args.readme.read_text(encoding="utf-8")
    atomic_write(args.readme, insert(text, chapters.markdown(entries, columns)).encode())
    draw(args.readme.parent / PICTURE)
    print(f"written: {args.readme}, {args.readme.parent / PICTURE}")
    return _cli.OK


def insert(text: str, table: str) -> str:
    """Return a README with the table between its two marks.

    Raises:
        UserError: the marks are not there.
    """
    from scratch.spec import UserError

    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"README.md: the lines {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def draw(path: Path) -> None:
    """Draw how much of its bound every module of the full-size network uses."""
    from parity_tests.harness.picture import parity_chart
    from parity_tests.harness.runner import check_chapter

    checks = [
        check
        for dtype, level in (("float64", "L2"), ("float32", "L3"))
        for check in check_chapter(SHOWN, "full", dtype, 0, [level])
    ]
    parity_chart(path, f"{SHOWN}: error of every module as a share of its own bound", checks)


if __name__ == "__main__":
    _cli.run(main)
