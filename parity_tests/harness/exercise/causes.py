"""What would explain a wrong gradient of one function: the golden hypotheses, and a few more."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from parity_tests.harness import bounds
from parity_tests.harness.exercise.calls import Call, as_tuple
from parity_tests.harness.golden import causes
from parity_tests.harness.golden.manifest import BACKWARD, GIVEN, Set, Tensor
from parity_tests.harness.golden.manifest import Call as Visit

Array = np.ndarray[Any, np.dtype[Any]]

KINDS = {
    "linear": "Linear",
    "conv2d": "Conv2d",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "batch_norm": "BatchNorm2d",
    "max_pool2d": "MaxPool2d",
    "cross_entropy": "CrossEntropyLoss",
    "bce_with_logits": "BCEWithLogitsLoss",
}
KINDED = (
    "linear",
    "conv2d",
    "spread_kernels",
    "multiply",
    "rnn",
    "lstm",
    "gru",
)  # whose derivative is no factor
PAIRS = ("kernel_size", "stride", "padding", "dilation")


def explain(call: Call, name: str, got: Array, want: Array) -> tuple[str, ...]:
    """Return the mistakes that would have made `got`, the most special ones first.

    Args:
        call: which was made.
        name: of the result, "dweight".
        got: the student's, of any shape.
        want: the right one.
    """
    call = replace(call, dy=as_tuple(call.dy)[0], y=as_tuple(call.y)[0])
    own = [
        text
        for text, predicted in _own(call, want)
        if causes.fits(got.ravel(), np.ravel(predicted), want.ravel(), bounds.whole(want))
    ]
    if own:
        return tuple(own[:1])
    if not np.ndim(call.dy) and call.dy:  # the golden hypotheses are those of a gradient of 1
        got, want = got / call.dy, want / call.dy
    if got.shape == want.shape and _single(got, want):
        return ("it is right to seven digits: something inside is float32",)
    arrays, tensors = _tensors(call, name, want)
    visit = Visit(
        call.where,
        KINDS.get(call.forward.__name__, call.forward.__name__),
        _options(call),
        ("input",),
        "output",
        "d_output" if np.ndim(call.dy) else "",
        tuple(n for n, _ in list(_floating(call))[1:]),
    )
    evidence = causes.Evidence(Set("call", "", 0, tuple(tensors), (visit,)), arrays)
    found = causes.explain(evidence, tensors[-1], got, bounds.whole(want))
    return tuple(text.replace(f" (backward of {call.where})", "") for text in found)


def order(results: tuple[Any, ...], wants: tuple[Any, ...], names: tuple[str, ...]) -> str:
    """Return in which other order results would be right, "" for none."""
    places = range(len(wants))
    if len(results) != len(wants) or len(wants) > 3:
        return ""
    for places_of in itertools.permutations(places):
        pairs = [(results[i], wants[k]) for i, k in enumerate(places_of)]
        if tuple(places_of) != tuple(places) and all(_same(a, b) for a, b in pairs):
            return f"the results are in the order {', '.join(names[k] for k in places_of)}"
    return ""


def _same(got: Any, want: Any) -> bool:
    if got is None or want is None:
        return got is want
    found = np.asarray(got)
    close = found.shape == want.shape and np.isfinite(found).all()
    return bool(close and np.abs(found - want).max(initial=0.0) <= bounds.whole(want))


def _single(got: Array, want: Array) -> bool:
    """Whether it is right to the precision of float32, and no better."""
    difference = float(np.abs(got - want).max(initial=0.0))
    return np.isfinite(difference) and difference <= bounds.whole(want, "float32") / 64


def _own(call: Call, want: Array) -> Iterator[causes.Guess]:
    """Yield mistakes in functions that are given a cache, the most special ones first."""
    kind, cache, dy = call.forward.__name__, call.cache, call.dy
    if not np.ndim(dy):
        if dy:
            yield "the gradient of the loss that is given is not multiplied in", want / dy
        return
    if kind == "relu":
        yield "y >= 0 is true everywhere: no output of a ReLU is negative", dy
        yield "it is multiplied by y, not by the mask y > 0", dy * cache.y
    if kind == "avg_pool2d":
        yield "it is not divided by the size of the window", want * float(np.max(cache.divisor))
    if kind == "max_pool2d":
        yield "windows that overlap overwrite each other: assigned, not added up", _assigned(call)
    if kind == "dropout":
        yield "what was kept is not divided by 1 - p", dy * (cache.factor != 0)
    per_channel = dy.ndim > 1 and want.shape == dy.shape[1:2]
    if kind == "batch_norm" and per_channel:
        axes = (0, *range(2, dy.ndim))
        by_input = (dy * call.given.arguments["x"]).sum(axes)
        yield "it is taken with the input, not with the normalised one", by_input
    if per_channel and (dy.ndim > 2 or kind == "batch_norm"):
        yield "it is a mean where a sum belongs", want / (dy.size // len(want))
    if want.shape == dy.shape and kind not in ("add", "concat", *KINDED):
        truth = vars(inspect.getmodule(call.forward))[kind + "_backward"]
        alone, twice = (as_tuple(truth(d, cache))[0] for d in (np.ones_like(dy), want))
        yield "dy is not multiplied in: it is the derivative alone", alone
        yield "the derivative is multiplied in twice", twice
        yield "it equals dy: nothing is multiplied in", dy


def _assigned(call: Call) -> Array:
    """Return the gradient of a max pool in which the last window to see an entry has it alone."""
    winner, windows = call.cache.winner, call.cache.windows
    dx = np.zeros((*winner.shape[:2], *windows.size))
    for number, outs, ins in windows.taps():
        dx[ins] = call.dy[outs] * (winner[outs] == number)
    return dx


def _floating(call: Call) -> Iterator[tuple[str, Array]]:
    """Yield the floating arrays that the forward was given."""
    for name, value in call.given.arguments.items():
        kind = inspect.signature(call.forward).parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            yield from ((f"{name}[{number}]", part) for number, part in enumerate(value))
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and name != "target":
            yield name, value


def _tensors(call: Call, name: str, want: Array) -> tuple[dict[str, Array], list[Tensor]]:
    """Return the arrays of a call under golden names, and their tensors, the wrong one last."""
    floating = list(_floating(call))
    arrays = {"input": floating[0][1], "output": np.asarray(call.y)}
    if np.ndim(call.dy):
        arrays["d_output"] = call.dy
    if "target" in call.given.arguments:
        arrays["target"] = call.given.arguments["target"]
    for local, value in floating[1:]:
        arrays[f"parameter.{call.where}.{local}"] = value
    wrong = "d_input" if name == f"d{floating[0][0]}" else f"gradient.{call.where}.{name[1:]}"
    arrays[wrong] = want
    tensors = []
    for key, value in arrays.items():
        phase = BACKWARD if key == wrong else GIVEN
        role = "gradient" if key == wrong else key.partition(".")[0]
        shape, dtype = value.shape, str(value.dtype)
        module = call.where if "." in key else ""
        low, high = float(np.min(value)), float(np.max(value))
        nonzero = int(np.count_nonzero(value))
        tensors.append(Tensor(key, role, phase, module, shape, dtype, "", low, high, nonzero, {}))
    return arrays, tensors


def _options(call: Call) -> dict[str, Any]:
    """Return the settings of a call as a golden manifest has them."""
    given = call.given.arguments
    found: dict[str, Any] = {
        name: v for name, v in given.items() if isinstance(v, bool | int | float | str)
    }
    for name in PAIRS:
        value = given.get(name)
        if name == "stride" and name in given and value is None:
            value = given["kernel_size"]
        if isinstance(value, int):
            found[name] = value
        elif value is not None:
            first = [side[0] if isinstance(side, tuple) else side for side in value]
            found[name] = tuple(first)
    return {**found, "training": True}
