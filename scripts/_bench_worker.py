"""One framework in a process of its own: it times steps whenever it is asked to.

Reads lines "MODE NAME BATCH SECONDS" (tabs between) from standard input, the mode "train" or
"infer", the name a chapter or one of LAYERS; answers each with the mean seconds of a step over
about that long. Started by bench.py, which lets several of these take turns.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import _bench_layers
import _bench_peers
from _bench_layers import LAYERS, Step
from _bench_tasks import NETWORKS, built, task

WARM_UP = 3


def scratch_train(name: str, batch: int) -> Step:
    """Return a training step of the NumPy twin: forward, loss, backward, optimizer."""
    import scratch
    from scratch import nn
    from scratch.run.memory import keep_freed_memory
    from scratch.train import build_loss, build_optimizer

    keep_freed_memory()  # as `scratch.train.fit` does
    if name in LAYERS:
        return _bench_layers.scratch_train(name, batch)
    chapter, x, target = task(name, batch)
    model = built(scratch.build, name)
    criterion, optimizer = build_loss(chapter.train), build_optimizer(chapter.train, model)

    def step() -> None:
        optimizer.zero_grad()
        with nn.no_gradient_of(x):
            output = model(x)
        criterion(output, target)
        model.backward(criterion.backward(1.0))
        optimizer.step()

    return step


def scratch_infer(name: str, batch: int, folds: bool = True) -> Step:
    """Return a forward pass of the NumPy twin that keeps nothing; its layers normalise as well."""
    import scratch
    from scratch.fold import fold
    from scratch.nn import inference
    from scratch.run.memory import keep_freed_memory

    keep_freed_memory()
    if name in LAYERS:
        return _bench_layers.scratch_infer(name, batch)
    model, x = built(scratch.build, name).eval(), task(name, batch)[1]
    folded = fold(model, x) if folds else None
    model = folded.network if folded and folded.pairs else model

    def step() -> None:
        with inference():
            model(x)

    return step


def torch_train(name: str, batch: int, compile: bool = False) -> Step:
    """Return the training step of the torch twin, in eager mode or compiled."""
    import torch

    import ref_torch
    from ref_torch.optim import build_loss, build_optimizer

    torch.set_num_threads(_threads())
    if name in LAYERS:
        return _bench_layers.torch_train(name, batch, compile)
    chapter, array, target = task(name, batch)
    inputs, targets = torch.from_numpy(array), torch.from_numpy(target)
    model = built(ref_torch.build, name)
    forward = torch.compile(model) if compile else model
    criterion = build_loss(chapter.train)
    optimizer = build_optimizer(chapter.train, model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        criterion(forward(inputs), targets).backward()
        optimizer.step()

    return step


def torch_infer(name: str, batch: int, compile: bool = False) -> Step:
    """Return a forward pass of the torch twin, in eager mode or compiled."""
    import torch

    import ref_torch

    torch.set_num_threads(_threads())
    if name in LAYERS:
        model, x = _bench_layers.torch_layer(name, batch)
    else:
        model, x = built(ref_torch.build, name).eval(), torch.from_numpy(task(name, batch)[1])
    forward = torch.compile(model) if compile else model

    def step() -> None:
        with torch.inference_mode():
            forward(x)

    return step


def onnx_infer(name: str, batch: int) -> Step:
    """Return a forward pass of the exported network in ONNX Runtime."""
    import onnxruntime

    import ref_torch
    from ref_torch.export.onnx import to_proto
    from scratch import spec

    id = NETWORKS[name].chapter if name in NETWORKS else name
    proto = to_proto(built(ref_torch.build, name).eval(), spec.get(id))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {session.get_inputs()[0].name: task(name, batch)[1]}
    return lambda: session.run(None, feed)


def in_winograd_mode(make: Callable[[str, int], Step]) -> Callable[[str, int], Step]:
    """Return a maker whose steps take Winograd's way where it pays."""

    def made(name: str, batch: int) -> Step:
        from scratch.nn import conv_mode

        inner = make(name, batch)

        def step() -> None:
            with conv_mode("winograd"):
                inner()

        return step

    return made


STEPS: dict[tuple[str, str], Callable[[str, int], Step]] = {
    ("scratch", "train"): scratch_train,
    ("scratch", "infer"): scratch_infer,
    ("unfolded", "infer"): partial(scratch_infer, folds=False),
    ("winograd", "train"): in_winograd_mode(scratch_train),
    ("winograd", "infer"): in_winograd_mode(scratch_infer),
    ("torch", "train"): torch_train,
    ("torch", "infer"): torch_infer,
    ("compile", "train"): partial(torch_train, compile=True),
    ("compile", "infer"): partial(torch_infer, compile=True),
    ("onnx", "infer"): onnx_infer,
    **{(peer, "train"): partial(_bench_peers.build, peer) for peer in _bench_peers.PEERS},
}
OTHERS = ("compile", "onnx", *_bench_peers.PEERS)


def offers(framework: str, mode: str, name: str) -> bool:
    """Return whether a framework has such a step."""
    if framework in _bench_peers.PEERS:
        return _bench_peers.offers(framework, mode, name)
    return (framework, mode) in STEPS and not (framework == "onnx" and name in LAYERS)


def _threads() -> int:
    return int(os.environ["OMP_NUM_THREADS"])


def main() -> None:
    """Answer until standard input ends; the fields of a line are separated by tabs."""
    framework = sys.argv[1]
    if framework in _bench_peers.PEERS and hasattr(os, "sched_setaffinity"):
        # Each has a pool of threads and a switch of its own; the cores it may use bind them all.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: _threads()])
    ready: dict[tuple[str, str, int], Step] = {}
    for line in sys.stdin:
        mode, name, size, seconds = line.rstrip("\n").split("\t")
        key = (mode, name, int(size))
        if key not in ready:
            ready[key] = STEPS[framework, mode](name, int(size))
            for _ in range(WARM_UP):
                ready[key]()
        count, start, limit = 0, time.perf_counter(), float(seconds)
        while (spent := time.perf_counter() - start) < limit or not count:
            ready[key]()
            count += 1
        print(spent / count, flush=True)


if __name__ == "__main__":
    main()
