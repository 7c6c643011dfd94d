"""Measure both twins: NumPy against torch eager, float32, one thread each.

Training steps and inference, and single convolutions of large networks. Each framework runs in a
process of its own, and they take turns, so that a busy machine slows all alike. Only ratios mean
anything; absolute times are shown for orientation.
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
  python scripts/bench.py --json bench.json --picture bench.png
  python scripts/bench.py --compare bench.json
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
    ("vgg11 at 32", 32),
    ("resnet18 at 32", 32),
    ("resnet18 at 64", 4),
    ("densenet121 at 32", 32),
    ("conv 3x3, 64 maps", 32),
    ("conv 1x1, 64 maps", 32),
    ("conv 7x7 stride 2", 8),
)
MODES = ("train", "infer")
ROUNDS, SECONDS = 9, 0.2
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.05
SCHEMA = 1

Worker = subprocess.Popen[str]


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("--chapter", action="append", default=[], help="only these networks")
    parser.add_argument("--mode", choices=MODES, help="only training steps, or only inference")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    parser.add_argument("--compile", action="store_true", help="torch.compile too; takes minutes")
    parser.add_argument("--onnx", action="store_true", help="ONNX Runtime too, for inference")
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

    import _bench_report
    from _bench_tasks import LAYERS, NETWORKS
    from tabulate import tabulate

    from scratch import spec
    from scratch.run.files import atomic_write

    for name in args.chapter:
        if name not in {*LAYERS, *NETWORKS}:
            spec.get(name)
    old = _bench_report.read(args.compare) if args.compare else []
    cases = [case for case in CASES if not args.chapter or case[0] in args.chapter]
    modes = (args.mode,) if args.mode else MODES
    peers = [name for name in ("compile", "onnx") if getattr(args, name)]
    turns = (QUICK_ROUNDS, QUICK_SECONDS) if args.quick else (ROUNDS, SECONDS)
    rows = measure(cases, *turns, modes=modes, peers=peers)
    if args.memory:
        rows = [{**row, **memory(row)} for row in rows]
    print(_bench_report.table(rows))
    print("ratio: median time of a scratch step over torch's; below 1 scratch is faster")
    if args.json:
        from parity_tests.harness.report import environment

        body = {"schema": SCHEMA, "rows": rows, "environment": environment()}
        atomic_write(args.json, (json.dumps(body, indent=1) + "\n").encode())
    if args.picture:
        _bench_report.draw(args.picture, rows)
    if args.compare:
        lines, slower = _bench_report.compare(old, rows)
        print(tabulate(lines, ("", "old ratio", "new ratio", "new / old"), disable_numparse=True))
        if slower:
            return _cli.failed(f"slower than in {args.compare}: {', '.join(slower)}")
    return _cli.OK


def measure(
    cases: Sequence[tuple[str, int]],
    rounds: int,
    seconds: float,
    modes: Sequence[str] = ("train",),
    peers: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Let the frameworks take turns on every case.

    Args:
        cases: network and batch size.
        rounds: turns of each.
        seconds: length of a turn.
        modes: "train", "infer".
        peers: beside both twins, "compile" and "onnx".

    Returns:
        Medians in milliseconds, and the median, smallest and largest ratio of the rounds; of a
        peer the median ratio of scratch's time over its.
    """
    workers = {name: _start(name) for name in ("scratch", "torch", *peers)}
    try:
        return [
            _row(workers, mode, name, batch, rounds, seconds)
            for mode in modes
            for name, batch in cases
        ]
    finally:
        for worker in workers.values():
            _stop(worker)


def memory(row: dict[str, Any]) -> dict[str, float]:
    """Return the memory of a step in MB: traced peak and growth, and the peak of each process."""
    found: dict[str, float] = {}
    for framework in ("scratch", "torch"):
        worker = _start(framework)
        try:
            line = f"{row['mode']}\t{row['chapter']}\t{row['batch']}\tmemory"
            peak, growth, process = map(float, _ask(worker, line).split())
        finally:
            _stop(worker)
        if framework == "scratch":
            found |= {"scratch_peak_mb": peak, "growth_mb": growth}
        found[f"{framework}_process_mb"] = process
    return found


def _row(
    workers: dict[str, Worker], mode: str, name: str, batch: int, rounds: int, seconds: float
) -> dict[str, Any]:
    from _bench_worker import offers

    times: dict[str, list[float]] = {w: [] for w in workers if offers(w, mode, name)}
    for turn in range(rounds + 1):
        for framework in times:
            spent = float(_ask(workers[framework], f"{mode}\t{name}\t{batch}\t{seconds}"))
            if turn:  # the first turn builds the network and warms it up
                times[framework].append(1000 * spent)
    ratios = {
        peer: [a / b for a, b in zip(times["scratch"], times[peer], strict=True)]
        for peer in times
        if peer != "scratch"
    }
    row = {
        "mode": mode,
        "chapter": name,
        "batch": batch,
        "scratch_ms": statistics.median(times["scratch"]),
        "torch_ms": statistics.median(times["torch"]),
        "ratio": statistics.median(ratios["torch"]),
        "low": min(ratios["torch"]),
        "high": max(ratios["torch"]),
    }
    others = {peer: found for peer, found in ratios.items() if peer != "torch"}
    return row | {f"{peer}_ratio": statistics.median(found) for peer, found in others.items()}


def _start(name: str) -> Worker:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("_bench_worker.py")), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(_cli.THREADS, "1")},
    )


def _stop(worker: Worker) -> None:
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            pipe.close()


def _ask(worker: Worker, line: str) -> str:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(line + "\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        raise RuntimeError("a measuring process ended; its message stands above")
    return answer


if __name__ == "__main__":
    _cli.run(main)
