"""Measure both twins: NumPy against torch eager, float32, one thread each.

Training steps and inference (where convolutions do the normalisation behind them as well), and
single layers: convolutions of large networks, an LSTM. Each framework runs in a process of its own,
and they take turns, so that a busy machine slows all alike. Only ratios mean anything; absolute
times are shown for orientation.
"""

from __future__ import annotations

import importlib
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import _cli
from _bench_layers import LAYERS
from _bench_process import Turns, start_up, times, workers
from _bench_tasks import CASES, GROWTH, MEMORY, MODES, NETWORKS, Case, Growth

EXAMPLES = """\
  python scripts/bench.py
  python scripts/bench.py --quick --chapter lenet5
  python scripts/bench.py --json bench.json --picture bench.png
  python scripts/bench.py --compare bench.json
  python scripts/bench.py --peer jax --peer autograd --chapter mlp_mnist --mode train
  python scripts/bench.py --conv winograd --mode train --chapter "vgg11 at 32"
  python scripts/bench.py --mode infer --unfolded --chapter "resnet50 at 224"
  python scripts/bench.py --only memory
  python scripts/bench.py --only growth
"""

QUICK = Turns(3, 0.05)
SCHEMA = 1
PARTS = ("steps", "memory", "growth", "start-up")
WAYS = ("winograd", "unfolded")
"""Other ways in which scratch computes, each with columns of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    from _bench_worker import OTHERS

    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--chapter", action="append", default=[], help="only these networks")
    parser.add_argument("--mode", choices=MODES, help="only training steps, or only inference")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    parser.add_argument(
        "--only",
        choices=PARTS,
        default="steps",
        help="steps (default); memory: of a training step, and what it leaves; growth: time over "
        "batch and image; start-up: of every command",
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        choices=OTHERS,
        help="beside torch eager, where it has the network; again for another",
    )
    parser.add_argument(
        "--conv",
        choices=("direct", "winograd"),
        default="direct",
        help="winograd: scratch also with Winograd's way for 3 x 3 convolutions",
    )
    parser.add_argument(
        "--unfolded",
        action="store_true",
        help="inference also with batch normalisation as a layer of its own",
    )
    parser.add_argument("--threads", type=int, default=1, help="of each process (default 1)")
    parser.add_argument("--memory", action="store_true", help="also the memory of a step")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="also draw them, as a PNG")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="OLD",
        help="an earlier --json; exit code 1 if a network became more than 15 %% slower",
    )
    args = parser.parse_args(argv)

    import _bench_report as report

    from scratch import spec
    from scratch.spec import UserError

    if args.threads < 1:
        raise UserError(f"--threads {args.threads}: expects 1 or more")
    for name in args.chapter:
        if name not in {*LAYERS, *NETWORKS}:
            spec.get(name)
    for name in args.peer:
        if name not in ("compile", "onnx"):
            importlib.import_module(name)  # says how to install it, before anything is measured
    _cli.writable(args.json, args.picture)
    turns = (QUICK if args.quick else Turns())._replace(threads=args.threads)
    if args.only == "growth":
        grown = [growth_of(one, turns) for one in GROWTH if _asked(one.network, args.chapter)]
        print(report.growth_table(grown))
        return _write(args.json, {"growth": grown})
    if args.only == "memory":
        weighed = [case for case in MEMORY if _asked(case.name, args.chapter)]
        memories = [
            {"chapter": case.name, "batch": case.batch, **memory("train", case.name, case.batch)}
            for case in weighed
        ]
        print(report.memory_table(memories))
        return _write(args.json, {"memory": memories})
    if args.only == "start-up":
        started = start_up(turns.rounds)
        print(report.start_up_table(started))
        return _write(args.json, {"start_up": started})
    old = report.read(args.compare) if args.compare else []
    cases = [case for case in CASES if _asked(case.name, args.chapter)]
    ways = {"winograd": args.conv == "winograd", "unfolded": args.unfolded}
    peers = [*args.peer, *(way for way, wanted in ways.items() if wanted)]
    rows = measure(cases, turns, modes=(args.mode,) if args.mode else MODES, peers=peers)
    if args.memory:
        rows = [{**row, **memory(row["mode"], row["chapter"], row["batch"])} for row in rows]
    print(report.table(rows))
    print("ratio: median time of a scratch step over torch's; below 1 scratch is faster")
    if args.picture:
        report.draw(args.picture, rows)
    _write(args.json, {"rows": rows, "threads": args.threads})
    if args.compare:
        lines, slower = report.compare(old, rows)
        print(report.comparison_table(lines))
        if slower:
            return _cli.failed(f"slower than in {args.compare}: {', '.join(slower)}")
    return _cli.OK


def measure(
    cases: Sequence[Case],
    turns: Turns,
    modes: Sequence[str] = ("train",),
    peers: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Let the frameworks take turns on every case.

    Args:
        cases: networks and batch sizes.
        turns: how many of each, and how long.
        modes: "train", "infer".
        peers: who else is measured, beside both twins; those of WAYS are scratch in another way.

    Returns:
        Medians in milliseconds, and the median, smallest and largest ratio of the rounds; of a
        peer the median ratio of scratch's time over its, of WAYS of their time over torch's.
    """
    from _bench_worker import offers

    wanted = [(mode, case) for mode in modes for case in cases if mode in case.modes]
    rows = []
    with workers(("scratch", "torch", *peers), turns.threads) as running:
        for mode, case in wanted:
            able = {name: w for name, w in running.items() if offers(name, mode, case.name)}
            rows.append(_row(mode, case, times(able, mode, case.name, case.batch, turns)))
    return rows


def memory(mode: str, name: str, batch: int) -> dict[str, float]:
    """Return the most memory of a step of each twin, and by how much scratch's grows, in MB.

    Returns:
        "scratch_mb", "torch_mb", "largest_mb" of one line of scratch, and "growth_mb" of its arrays
        from the second step to the tenth.
    """
    from _bench_memory import measured

    found: dict[str, float] = {}
    for twin in ("scratch", "torch"):
        figures = measured(twin, name, batch, mode, grows=twin == "scratch")
        found |= {f"{twin}_mb": figures["peak_mb"]}
        found |= {key: figures[key] for key in ("growth_mb", "largest_mb") if key in figures}
    return found


def growth_of(growth: Growth, turns: Turns) -> dict[str, Any]:
    """Measure a network's training step at every size of an axis.

    Returns:
        The sizes, both twins' milliseconds, and the exponent of the time from `first` to the
        largest size: 1 is linear; the pixels of an image grow with the square of its side.
    """
    from math import log

    rows = measure([growth.case(size) for size in growth.sizes], turns)
    found: dict[str, Any] = {**growth._asdict()}
    span = log(growth.sizes[-1] / growth.first)
    for twin in ("scratch", "torch"):
        spent = [row[f"{twin}_ms"] for row in rows]
        ratio = spent[-1] / spent[growth.sizes.index(growth.first)]
        found |= {f"{twin}_ms": spent, f"{twin}_exponent": log(ratio) / span}
    return found


def _asked(name: str, chapters: Sequence[str]) -> bool:
    return not chapters or name in chapters


def _write(path: Path | None, figures: dict[str, Any]) -> int:
    if path is not None:
        from parity_tests.harness.report import environment
        from scratch.run.files import atomic_write

        body = {"schema": SCHEMA, **figures, "environment": environment()}
        atomic_write(path, (json.dumps(body, indent=1) + "\n").encode())
    return _cli.OK


def _row(mode: str, case: Case, spent: dict[str, list[float]]) -> dict[str, Any]:
    ratios = {
        peer: [a / b for a, b in zip(spent["scratch"], spent[peer], strict=True)]
        for peer in spent
        if peer != "scratch"
    }
    row = {
        "mode": mode,
        "chapter": case.name,
        "batch": case.batch,
        "scratch_ms": statistics.median(spent["scratch"]),
        "torch_ms": statistics.median(spent["torch"]),
        "ratio": statistics.median(ratios["torch"]),
        "low": min(ratios["torch"]),
        "high": max(ratios["torch"]),
    }
    others = {peer: found for peer, found in ratios.items() if peer != "torch"}
    row |= {f"{peer}_ratio": statistics.median(found) for peer, found in others.items()}
    for way in set(WAYS) & set(spent):
        over = [a / b for a, b in zip(spent[way], spent["torch"], strict=True)]
        row[f"{way}_ms"] = statistics.median(spent[way])
        row[f"{way}_ratio"] = statistics.median(over)
    return row


if __name__ == "__main__":
    _cli.run(main)
