"""Count how strong the proof is: plant faults in scratch, one at a time, and see who notices.

Three parts, all of them unless some are named. --catalogue: every realistic fault of the catalogue,
which level killed it, whether the right place was blamed, and which other projects' tolerances
would have let it live. --attribution: small faults in every module of every chapter's tiny network.
--generic: small edits of the source of scratch/ops, nn, optim and schedule, a seeded sample of
them, each against the tests that run through the changed function.

All three take about an hour on a free core. The generic part measures first which test runs
through which function (five minutes), then a mutant takes about half a second; --sample 0 takes
all of them (an hour or two). What is found is kept at once in the folder --work, with a hash of
the sources. An interruption loses one fault, or one network: say the same again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import _cli

EXAMPLES = """\
  make mutants
  python scripts/mutants.py --catalogue
  python scripts/mutants.py --catalogue --fault ReLU
  python scripts/mutants.py --attribution --chapter lenet5
  python scripts/mutants.py --generic --file scratch/ops/conv.py --sample 0
  python scripts/mutants.py --generic --sample 800 --seed 1 --json build/mutants.json

exit code 0: every fault killed and placed, 95 % of the generic mutants killed; 1: not so
"""

SAMPLE = 600


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--catalogue", action="store_true", help="this part")
    parser.add_argument("--attribution", action="store_true", help="this part")
    parser.add_argument("--generic", action="store_true", help="this part")
    parser.add_argument("--fault", metavar="TEXT", help="catalogue: names that hold this text")
    parser.add_argument("--chapter", action="append", default=[], help="attribution: only this one")
    parser.add_argument(
        "--deep", type=int, default=0, help="attribution: faults per deep network (0: all)"
    )
    parser.add_argument("--file", action="append", default=[], help="generic: only this file")
    parser.add_argument(
        "--sample", type=int, default=SAMPLE, help=f"generic: how many ({SAMPLE}; 0: all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="generic: of the sample (0)")
    parser.add_argument(
        "--budget", type=float, default=20.0, help="generic: seconds of tests per mutant (20)"
    )
    parser.add_argument(
        "--keep-kills",
        action="store_true",
        help="generic: kills by earlier tests count, and so does the map of earlier sources",
    )
    parser.add_argument(
        "--tests", action="append", default=[], metavar="PATH", help="generic: these tests alone"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("build/mutants"), help="folder of what can be resumed"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="everything, for programs")
    args = parser.parse_args(argv)
    if min(args.deep, args.sample, args.seed) < 0 or args.budget <= 0:
        parser.error("--deep, --sample and --seed are not negative, --budget is positive")
    named = args.catalogue or args.attribution or args.generic

    _cli.one_thread()
    try:
        return _count(args, named)
    except KeyboardInterrupt as error:
        kept = f"interrupted; what was found is kept in {args.work}: say the same again"
        raise KeyboardInterrupt(kept) from error


def _count(args: Any, named: bool) -> int:
    from parity_tests.harness import power

    _cli.writable(args.json)  # before hours are spent
    if args.json and args.json.exists():
        power.load(args.json)
    _cli.folder(args.work, "generic.jsonl")
    parts: dict[str, Any] = {}
    sums = []
    for part, run in (
        ("generic", generic),  # first, for it forks: nothing may have started a thread
        ("catalogue", catalogue),
        ("attribution", attribution),
    ):
        if getattr(args, part) or not named:
            found, text = run(args)
            print(text)
            sums += text.splitlines()[-1:]
            parts[part] = {**found, "only": _only(args)[part]}
            if args.json:
                power.save(args.json, parts)
    if len(sums) > 1:  # the tables are long
        print("", *sums, sep="\n")
    short = power.failures(parts, 0.95)
    if args.json:
        print(f"written: {args.json}")
    return _cli.failed(f"{short[0]} ({len(short)} in all)") if short else _cli.OK


def _only(args: Any) -> dict[str, list[str]]:
    """Return by part what it was restricted to, so that a part is not taken for the whole."""
    return {
        "catalogue": [args.fault] if args.fault else [],
        "attribution": args.chapter,
        "generic": args.file + args.tests,
    }


def catalogue(args: Any) -> tuple[dict[str, Any], str]:
    from parity_tests.harness import mutants
    from parity_tests.harness.mutants import scoreboard
    from scratch.spec import UserError

    faults = [fault for fault in mutants.FAULTS if (args.fault or "").lower() in fault.name.lower()]
    if not faults:
        raise UserError(f"no fault has {args.fault!r} in its name")
    found = scoreboard.run(faults, progress, _kept(args, "catalogue"))
    return found, scoreboard.text(found)


def attribution(args: Any) -> tuple[dict[str, Any], str]:
    from parity_tests.harness import attribution_count
    from scratch import spec

    for id in args.chapter:
        spec.get(id)  # refuses an unknown one
    kept = _kept(args, "attribution")
    found = attribution_count.run(args.chapter, args.deep or None, progress, kept)
    return found, attribution_count.text(found)


def _kept(args: Any, part: str) -> Any:
    from parity_tests.harness.kept import Kept
    from parity_tests.harness.mutation import reach

    of = reach.digest((), folders=("scratch", "ref_torch", "parity_tests/harness"))
    return Kept(args.work.resolve() / f"{part}.jsonl", of)


def generic(args: Any) -> tuple[dict[str, Any], str]:
    from parity_tests.harness.mutation import reach, score, session, source

    files = source.chosen(args.file)
    everything = [mutant for file in files for mutant in source.mutants_of(file)]
    mutants = score.sample(everything, args.sample or None, args.seed)
    results = session.Results(args.work.resolve() / "generic.jsonl")
    suites = tuple(args.tests) or reach.SUITES
    of = reach.digest(suites)
    left = results.open(mutants, of, args.keep_kills)
    print(f"generic: {len(mutants)} mutants, {len(left)} to be run", flush=True)
    map = args.work.resolve() / "reach.json"  # tests run in the root of the checkout
    plugin = session.Session(left, results, of, map, args.budget, args.keep_kills, progress)
    session.run(plugin, suites)
    sampled = len(mutants) < len(everything)
    found = score.summary(mutants, results.records, len(everything), args.seed if sampled else None)
    return found, score.text(found)


def progress(values: Sequence[Any], what: str) -> Iterable[Any]:
    from tqdm import tqdm

    bar: Iterable[Any] = tqdm(values, desc=what, mininterval=5, dynamic_ncols=True)
    return bar


if __name__ == "__main__":
    _cli.run(main)
