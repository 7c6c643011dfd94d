"""What one step of a framework takes: seconds, peak memory, largest array, growth.

`python scripts/_bench_memory.py FRAMEWORK NAME BATCH MODE [grows]` measures in a process of its
own and prints JSON. The peak is that of the process, above what it had before the network was
built, so that it counts weights, gradients, moments, activations and workspaces, and no library.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WARM_UP = "lenet5"
STEPS = 2
"""Before the measured one: optimisers make their moments in the first."""
FIRST, LAST = 2, 10
"""Steps between which memory must not grow."""
STATUS, PEAK_RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
"""Only Linux has them; elsewhere the peak is that of the whole life, building included."""


def measured(
    framework: str, name: str, batch: int, mode: str = "train", grows: bool = False
) -> dict[str, Any]:
    """Start a process that measures a step, and return what it found.

    Args:
        framework: "scratch" or "torch".
        name: a chapter or one of the bench's NETWORKS.
        batch: images in a batch.
        mode: "train" or "infer".
        grows: also measure by how much scratch's arrays grow, which takes ten steps more.

    Returns:
        "seconds", "peak_mb", and of scratch "largest_mb" with "largest_at", see :func:`step`, and
        "growth_mb".

    Raises:
        UserError: the process ended with an error, whose message it has printed.
    """
    import _cli

    from scratch.spec.errors import UserError

    done = subprocess.run(
        [sys.executable, __file__, framework, name, str(batch), mode, *(["grows"] * grows)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(_cli.THREADS, "1")},
        check=False,
    )
    if done.returncode:
        raise UserError(f"{framework} {name}: the measuring process ended with {done.returncode}")
    return dict(json.loads(done.stdout))


def step(framework: str, name: str, batch: int, mode: str, grows: bool) -> dict[str, Any]:
    """Measure a step in this process.

    Returns:
        "seconds"; "peak_mb"; of scratch also "largest_mb", the most that NumPy allocated while one
        line of Python ran, and "largest_at", where. No array is larger than that. New gradients,
        which `zero_grad` makes, are the network's and not counted.
    """
    from _bench_worker import STEPS as KINDS

    build = KINDS[framework, mode]
    build(WARM_UP, 2)()  # loads the libraries
    _trim()
    before = _megabytes("VmRSS")
    run = build(name, batch)
    for _ in range(STEPS):
        run()
    _trim()
    if PEAK_RESET.exists():
        PEAK_RESET.write_text("5")
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    found: dict[str, Any] = {"seconds": seconds, "peak_mb": _megabytes("VmHWM") - before}
    if framework == "scratch":
        largest, place = largest_line(run)
        found |= {"largest_mb": largest / 1e6, "largest_at": place}
        if grows:
            found["growth_mb"] = growth(run) / 1e6
    return found


def largest_line(run: Callable[[], Any]) -> tuple[int, str]:
    """Return the most bytes that were allocated while one line of Python ran, and which line."""
    found, at, started, clearing = (0, ""), "", 0, 0

    def note(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal found, at, started, clearing
        if frame.f_code.co_filename == __file__:
            return None
        most = tracemalloc.get_traced_memory()[1] - started
        if most > found[0] and not clearing:
            found = (most, at)
        if frame.f_code.co_name == "zero_grad":
            clearing += {"call": 1, "return": -1}.get(event, 0)
        now = frame.f_back if event == "return" else frame
        assert now is not None
        code = now.f_code
        at = f"{Path(code.co_filename).name} {code.co_name} line {now.f_lineno}"
        tracemalloc.reset_peak()
        started = tracemalloc.get_traced_memory()[0]
        return note

    before = sys.gettrace()
    tracemalloc.start()
    try:
        sys.settrace(note)
        run()
    finally:
        sys.settrace(before)
        tracemalloc.stop()
    return found


def growth(run: Callable[[], Any]) -> int:
    """Return by how many bytes NumPy's arrays grow from step FIRST to step LAST."""
    tracemalloc.start()
    at = {}
    for number in range(1, LAST + 1):
        run()
        if number in (FIRST, LAST):
            gc.collect()  # also empties Python's own store of freed tuples
            at[number] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return at[LAST] - at[FIRST]


def _trim() -> None:
    """Give freed memory back to the system, or it would count as the network's."""
    from scratch.run.memory import hand_back_freed_memory

    gc.collect()
    hand_back_freed_memory()


def _megabytes(field: str) -> float:
    """Return a figure of this process, "VmRSS" now or "VmHWM" at the most."""
    if not STATUS.exists():
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KB; bytes on macOS
        return most / (1e6 if sys.platform == "darwin" else 1e3)
    lines = STATUS.read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1e3


if __name__ == "__main__":
    framework, name, batch, mode, *grows = sys.argv[1:]
    print(json.dumps(step(framework, name, int(batch), mode, bool(grows))))
