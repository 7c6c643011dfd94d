"""The measuring processes of bench.py: one for each framework, asked in turn."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import _cli

Worker = subprocess.Popen[str]


class Turns(NamedTuple):
    """How the frameworks take turns: how often, for how many seconds, on how many threads."""

    rounds: int = 9
    seconds: float = 0.2
    threads: int = 1


@contextlib.contextmanager
def workers(names: Sequence[str], threads: int) -> Iterator[dict[str, Worker]]:
    """Start a process for each framework; all end with the block."""
    started: dict[str, Worker] = {}
    try:
        for name in names:
            started[name] = _start(name, threads)
        yield started
    finally:
        for worker in started.values():
            _stop(worker)


def times(
    running: dict[str, Worker], mode: str, name: str, batch: int, turns: Turns
) -> dict[str, list[float]]:
    """Return, by framework, the milliseconds of a step in every round.

    Raises:
        UserError: a framework cannot take the step here; its process says why.
    """
    found: dict[str, list[float]] = {framework: [] for framework in running}
    for turn in range(turns.rounds + 1):
        for framework, worker in running.items():
            spent = float(_ask(framework, worker, f"{mode}\t{name}\t{batch}\t{turns.seconds}"))
            if turn:  # the first turn builds the network and warms it up
                found[framework].append(1000 * spent)
    return found


def start_up(rounds: int) -> list[dict[str, Any]]:
    """Time `import scratch` and every script's --help against an interpreter that imports NumPy.

    Returns:
        By what was started, the medians in milliseconds and their ratio.
    """
    python = [sys.executable]
    scripts = sorted(path for path in Path(__file__).parent.glob("[!_]*.py"))
    started = {"import scratch": [*python, "-c", "import scratch"]}
    started |= {f"{path.name} --help": [*python, str(path), "--help"] for path in scripts}
    rows = []
    for what, command in started.items():
        pairs = [
            (_seconds(command), _seconds([*python, "-c", "import numpy"])) for _ in range(rounds)
        ]
        own, base = (1000 * statistics.median(column) for column in zip(*pairs, strict=True))
        rows.append({"what": what, "ms": own, "numpy_ms": base, "ratio": own / base})
    return rows


def _seconds(command: Sequence[str]) -> float:
    import time

    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, cwd=_cli.ROOT, check=True)
    return time.perf_counter() - begin


def _start(name: str, threads: int) -> Worker:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("_bench_worker.py")), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(_cli.THREADS, str(threads))},
    )


def _stop(worker: Worker) -> None:
    worker.kill()
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            pipe.close()


def _ask(framework: str, worker: Worker, line: str) -> str:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(line + "\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        from scratch.spec.errors import UserError

        raise UserError(f"{framework} cannot be measured; what it says stands above")
    return answer
