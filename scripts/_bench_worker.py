"""One framework in a process of its own: it times training steps whenever it is asked to.

Reads lines from standard input: "CHAPTER BATCH SECONDS"; answers each with the mean seconds of a
step over about that long. Started by bench.py, which lets two of these take turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WARM_UP = 3


def scratch_step(id: str, batch: int) -> Callable[[], Any]:
    """Return a training step of the NumPy twin: forward, loss, backward, optimizer."""
    import scratch
    from scratch import nn
    from scratch.run.memory import keep_freed_memory
    from scratch.train import build_loss, build_optimizer

    keep_freed_memory()  # as `scratch.train.fit` does
    chapter, x, target = _task(id, batch)
    model = scratch.build(id)
    criterion, optimizer = build_loss(chapter.train), build_optimizer(chapter.train, model)

    def step() -> None:
        optimizer.zero_grad()
        with nn.no_gradient_of(x):
            output = model(x)
        criterion(output, target)
        model.backward(criterion.backward(1.0))
        optimizer.step()

    return step


def torch_step(id: str, batch: int) -> Callable[[], Any]:
    """Return the same step of the torch twin, in eager mode."""
    import torch

    import ref_torch
    from ref_torch.optim import build_loss, build_optimizer

    torch.set_num_threads(1)
    chapter, x, target = _task(id, batch)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(target)
    model = ref_torch.build(id)
    criterion = build_loss(chapter.train)
    optimizer = build_optimizer(chapter.train, model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        optimizer.step()

    return step


STEPS = {"scratch": scratch_step, "torch": torch_step}


def _task(id: str, batch: int) -> tuple[Any, Any, Any]:
    import numpy as np

    from scratch import spec

    chapter = spec.get(id)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *chapter.data.shape)).astype(np.float32)
    if chapter.data.task == "multiclass":
        return chapter, x, rng.integers(0, len(chapter.data.classes), batch)
    *_, shape = chapter.facts.shapes.values()
    return chapter, x, rng.integers(0, 2, (batch, *shape)).astype(np.float32)


def main() -> None:
    """Answer until standard input ends."""
    make = STEPS[sys.argv[1]]
    ready: dict[tuple[str, int], Callable[[], Any]] = {}
    for line in sys.stdin:
        id, size, seconds = line.split()
        key = (id, int(size))
        if key not in ready:
            ready[key] = make(*key)
            for _ in range(WARM_UP):
                ready[key]()
        count, start, limit = 0, time.perf_counter(), float(seconds)
        while (spent := time.perf_counter() - start) < limit or not count:
            ready[key]()
            count += 1
        print(spent / count, flush=True)


if __name__ == "__main__":
    main()
