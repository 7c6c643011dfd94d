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
  python scripts/readme.py --parity build/parity.json --speed build/bench.json
  python scripts/readme.py ... --mutants build/mutants.json       the figures of make mutants too
"""

BEGIN, END = "<!-- chapters: made by make readme -->", "<!-- /chapters -->"
MUTANTS = "<!-- mutants: made by make mutants -->", "<!-- /mutants -->"
PICTURE = ".github/parity.png"
SHOWN = "lenet5"


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument(
        "--parity", type=Path, action="append", required=True, help="of python -m parity_tests"
    )
    parser.add_argument("--speed", type=Path, required=True, help="of scripts/bench.py --json")
    parser.add_argument("--mutants", type=Path, metavar="FILE", help="of scripts/mutants.py --json")
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
    text = insert(text, chapters.markdown(entries, columns))
    if args.mutants:
        from parity_tests.harness import power

        text = insert(text, power.markdown(power.load(args.mutants)), *MUTANTS)
    atomic_write(args.readme, text.encode())
    draw(args.readme.parent / PICTURE)
    print(f"written: {args.readme}, {args.readme.parent / PICTURE}")
    return _cli.OK


def insert(text: str, table: str, begin: str = BEGIN, end: str = END) -> str:
    """Return a README with a generated part between its two marks.

    Raises:
        UserError: the marks are not there.
    """
    from scratch.spec import UserError

    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise UserError(f"README.md: the lines {begin} and {end} are missing")
    return f"{before}{begin}\n{table}\n{end}{after}"


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
