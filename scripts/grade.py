"""Which backward passes of an exercise are right, and what is wrong first, and how?

FILE was written by scripts/exercise.py and filled in; grading runs it. What has to be right in it
say --what and --layer, as they were for the exercise; without them all functions of the chapter's
layers and loss, and what the file's own list names besides. Every function is held against scratch
on real numbers (within the bound of its rounding), on integers (difference 0, where nothing is
rounded) and inside the chapter's network. For what is wrong, mistakes that people make are tried,
and those that fit are named. Once all are right, the complex step, which needs no backward, and,
where it is installed, torch judge the whole network. Exit code 0: all right; 1: something is wrong
or still to do; 2: no exercise.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import _cli
import _exercise

EXAMPLES = """\
  python scripts/exercise.py lenet5 --out lenet5.py
  python scripts/grade.py lenet5.py
  python scripts/grade.py lenet5.py --layer Conv2d Linear     two of its functions
  python scripts/grade.py lenet5.py --chapter lenet5          refuse a file for another
  python scripts/grade.py lenet5.py --json grades.json --no-torch
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("file", type=Path, help="the exercise; it is executed")
    _exercise.add_arguments(parser)
    parser.add_argument("--chapter", metavar="ID", help="refuse a file for another chapter")
    parser.add_argument("--seed", type=int, default=0, help="of the numbers (%(default)s)")
    parser.add_argument(
        "--limit", type=float, default=10.0, metavar="S", help="seconds for one call (%(default)s)"
    )
    parser.add_argument("--no-torch", action="store_true", help="do without torch's verdict")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the grades as JSON too")
    args = parser.parse_args(argv)
    if args.limit <= 0:
        parser.error("--limit is a number of seconds above 0")
    _cli.one_thread()

    from parity_tests.harness.exercise import report, session, student
    from parity_tests.harness.exercise.grade import Grade
    from scratch.run.files import atomic_write
    from scratch.spec.errors import UserError

    _cli.writable(args.json)
    given = student.load(args.file, args.limit)
    if args.chapter not in (None, given.chapter):
        raise UserError(f"{args.file}: is for {given.chapter}, not for {args.chapter}")
    besides = () if _exercise.words(args) else given.names
    mine = session.asked(given, *_exercise.chosen(args), besides)
    print(f"{args.file}: {mine.chapter}, {len(mine.names)} to fill in", flush=True)
    if left := [name for name in mine.names if name not in given.names]:
        print(f"  its EXERCISE leaves out {', '.join(left)}; a part is graded by --what or --layer")

    def progress(one: Grade) -> None:
        print(f"  {one.name}: {one.state}", flush=True)

    grades = session.grade(mine, args.seed, progress)
    print(f"\n{report.table(grades)}\n\n{report.verdict(grades)}", flush=True)
    judges = []
    if session.passed(grades):
        judges.append(session.together(mine, args.seed))
        if importlib.util.find_spec("torch") and not args.no_torch:
            from parity_tests.harness.exercise import torch_judge

            judges.append(torch_judge.judge(mine, args.seed))
        print("\n".join(report.together(one) for one in judges))
    if args.json:
        atomic_write(args.json, report.document(mine.chapter, grades, judges).encode())
    right = session.passed(grades) and all(one.finding is None for one in judges)
    return _cli.OK if right else _cli.FAILED


if __name__ == "__main__":
    _cli.run(main)
