"""Measure training steps of both twins: NumPy against torch eager, float32, one thread each.

The two run in processes of their own that take turns, so that a busy machine slows both alike.
Only ratios mean anything; absolute times are shown for orientation.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import _cli

EXAMPLES = """\
  python scripts/bench.py
  python scripts/bench.py --quick --chapter lenet5
  python scripts/bench.py --json bench.json
"""

CASES = (
    ("linear_regression", 10),
    ("house_price", 10),
    ("logistic_regression", 10),
    ("softmax_regression", 10),
    ("polynomial_sine", 10),
    ("mlp_sine", 10),
    ("mlp_xor", 4),
    ("mlp_arc", 5),
    ("mlp_coin", 10),
    ("mlp_mnist", 64),
    ("mlp_mnist", 128),
    ("lenet5", 64),
    ("lenet5", 256),
)
ROUNDS, SECONDS = 9, 0.2
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.05
SCHEMA = 1


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--chapter", action="append", default=[], help="only these chapters")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args(argv)

    from tabulate import tabulate

    from parity_tests.harness.report import environment
    from scratch import spec
    from scratch.run.files import atomic_write

    for id in args.chapter:
        spec.get(id)
    cases = [case for case in CASES if not args.chapter or case[0] in args.chapter]
    turns = (QUICK_ROUNDS, QUICK_SECONDS) if args.quick else (ROUNDS, SECONDS)
    rows = measure(cases, *turns)
    table = [
        (
            row["chapter"],
            row["batch"],
            f"{row['scratch_ms']:.3f}",
            f"{row['torch_ms']:.3f}",
            f"{row['ratio']:.2f}",
            f"{row['low']:.2f} to {row['high']:.2f}",
        )
        for row in rows
    ]
    headers = ("chapter", "batch", "scratch ms", "torch ms", "ratio", "of the rounds")
    print(tabulate(table, headers, disable_numparse=True))
    print("ratio: median time of a scratch step over torch's; below 1 scratch is faster")
    if args.json:
        body = {"schema": SCHEMA, "rows": rows, "environment": environment()}
        atomic_write(args.json, (json.dumps(body, indent=1) + "\n").encode())
    return _cli.OK


def measure(cases: Sequence[tuple[str, int]], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Let both frameworks take turns on every case.

    Args:
        cases: chapter and batch size.
        rounds: turns of each.
        seconds: length of a turn.

    Returns:
        Medians in milliseconds, and the median, smallest and largest ratio of the rounds.
    """
    workers = {name: _start(name) for name in ("scratch", "torch")}
    try:
        return [_row(workers, id, batch, rounds, seconds) for id, batch in cases]
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()


def _row(
    workers: dict[str, subprocess.Popen[str]], id: str, batch: int, rounds: int, seconds: float
) -> dict[str, Any]:
    times: dict[str, list[float]] = {name: [] for name in workers}
    for turn in range(rounds + 1):
        for name, worker in workers.items():
            spent = _ask(worker, f"{id} {batch} {seconds}")
            if turn:  # the first turn builds the network and warms it up
                times[name].append(1000 * spent)
    ratios = [a / b for a, b in zip(times["scratch"], times["torch"], strict=True)]
    ours, theirs = (statistics.median(times[name]) for name in ("scratch", "torch"))
    return {
        "chapter": id,
        "batch": batch,
        "scratch_ms": ours,
        "torch_ms": theirs,
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
    }


def _start(name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("_bench_worker.py")), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(_cli.THREADS, "1")},
    )


def _ask(worker: subprocess.Popen[str], line: str) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(line + "\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        raise RuntimeError("a measuring process ended; its message stands above")
    return float(answer)


if __name__ == "__main__":
    _cli.run(main)
